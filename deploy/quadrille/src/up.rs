//! `quadrille up`: broker, services, outside parties and a live demo load, from one command.
//!
//! The services are those that also run as programs of their own; here they share a process, and by
//! default the in-memory broker. Gateway and carrier are outside parties, and so processes of their own.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::{Broker, memory};
use quadrille::bus::{Bus, Settings};
use quadrille::config::{Config, Place, Protocol, folder, otlp_endpoint};
use quadrille::health::Exposition;
use quadrille::observe::Telemetry;
use quadrille::program::telemetry::Exporting;
use quadrille::program::{Exit, Failure, show, stores, traced};
use quadrille::stop::Stop;
use quadrille::world;
use quadrille_notifications::mail;
use quadrille_observer::index;
use quadrille_observer::observer::{Observer, Parts};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tracing::warn;
use tracing_subscriber::EnvFilter;

mod address;
mod party;
mod signals;
pub mod system;
mod words;

use crate::accept::Entrance;
use crate::api::{self, Api};
use crate::connect;
use crate::demo;
use crate::paint::Paint;
use system::{Ports, System};

/// How long, beyond the drain of the services, the whole may take to stop.
const STOP_MARGIN: Duration = Duration::from_secs(5);
/// How long services wait for the first broker to answer: a month, which is as long as it takes.
const CONNECT_TIMEOUT_MS: u64 = 30 * 24 * 3_600 * 1_000;
/// How long all may take to get ready before it is said what is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts everything in one process, on the in-memory broker unless --kafka names a cluster, and
/// goes on until Ctrl-C
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Use a Kafka cluster instead of the in-memory broker
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Where to serve the page, the API and the orders; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7070", value_parser = address::parse)]
    listen: SocketAddr,
    /// Leave the demo load out
    #[arg(long)]
    no_demo: bool,
    /// Orders a second that the demo load places
    #[arg(long, value_name = "ORDERS", default_value_t = 2.0, value_parser = rate)]
    rate: f64,
    /// Where gateway and carrier keep their ledgers, mails become files and, with --kafka, services
    /// keep their state; if not given, state is in memory and the rest in a temporary folder
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Send mails to this server, without encryption, instead of writing them to files
    #[arg(long, value_name = "HOST:PORT")]
    smtp: Option<mail::Server>,
    /// With --kafka and without --data: accept that state is lost while the cluster goes on
    #[arg(long)]
    ephemeral: bool,
    /// Send spans and metrics to http[s]://HOST:PORT by OTLP: over HTTP where the port is 4318, over gRPC
    /// elsewhere
    #[arg(long, value_name = "URL", value_parser = otlp_endpoint)]
    otlp: Option<String>,
    /// Where the web UI sends whoever wants to see a trace: an address with {trace_id} in it
    #[arg(long, value_name = "URL", value_parser = trace_link)]
    traces: Option<String>,
    /// Which log lines to show, e.g. info or quadrille=debug
    #[arg(
        long,
        value_name = "FILTER",
        env = "QUADRILLE_LOG_FILTER",
        default_value = "warn",
        value_parser = log_filter
    )]
    log: String,
}

fn trace_link(text: &str) -> Result<String, String> {
    match text.starts_with("http") && text.contains("{trace_id}") {
        true => Ok(text.to_owned()),
        false => Err("write it as http://HOST:PORT/trace/{trace_id}".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    match rate > 0.0 && rate <= demo::RATE_MAX {
        true => Ok(rate),
        false => Err(format!(
            "it must be above 0 and at most {}; --no-demo places none",
            demo::RATE_MAX
        )),
    }
}

impl Arguments {
    /// Refuses to forget on a cluster that does not.
    fn check_outlives(&self) -> Result<(), Failure> {
        if self.kafka.is_none() || self.data.is_some() || self.ephemeral {
            return Ok(());
        }
        let message = "with --kafka and without --data, what the services remember ends with this \
                       process, while the cluster keeps the offsets of what they have handled";
        let mend = "name a folder by --data FOLDER, or accept the loss by --ephemeral";
        Err(Failure::new(Exit::Configuration, message).mend(mend))
    }

    /// Refuses a folder that cannot be one.
    fn check_data(&self) -> Result<(), Failure> {
        let why = self.data.as_deref().and_then(folder::why_not);
        why.map_or(Ok(()), |why| {
            let message = format!("`--data` cannot be used: {why}");
            Err(Failure::new(Exit::Configuration, message)
                .mend("name another folder by --data FOLDER"))
        })
    }

    /// State never outlives the topics: what was decided about events that are gone could never go
    /// on.
    fn state(&self) -> Place {
        match (&self.kafka, &self.data) {
            (Some(_), Some(folder)) => Place::Folder(folder.join("state")),
            _ => Place::Memory,
        }
    }
}

/// Starts everything, and runs it until asked to stop.
pub(crate) async fn run(arguments: Arguments, world: world::Shared) -> Result<Exit, Failure> {
    start_log(&arguments.log);
    // First of all, so that a port that is taken is told before anything is started, and with
    // whatever else is wrong.
    let listener = all_of(
        listen(arguments.listen).await,
        [arguments.check_outlives(), arguments.check_data()],
    )?;
    let stop = Stop::new();
    signals::request_stop(&world, &stop)?;
    let broker: Arc<dyn Broker> = match &arguments.kafka {
        // It may come later: pages and doors are open meanwhile, and say what is waited for.
        Some(brokers) => connect::kafka_later(brokers)?,
        None => Arc::new(memory::Broker::new(Arc::clone(&world))),
    };
    let (folder, _temporary) = folder_of(arguments.data.as_deref())?;
    let gateway = party::start(party::GATEWAY, &world, &folder, &stop).await?;
    let carrier = match party::start(party::CARRIER, &world, &folder, &stop).await {
        Ok(carrier) => carrier,
        Err(failure) => {
            gateway.stop().await;
            return Err(failure);
        }
    };
    let mut config = Config::default();
    config.state.url = arguments.state();
    let (exporting, telemetry) = exporting(&mut config, &arguments)?;
    let whole = Whole {
        config,
        telemetry,
        metrics: exporting.exposition(),
        address: listener.local_addr().map_err(|error| {
            Failure::new(Exit::Failed, "cannot tell the address listened on").because(&error)
        })?,
        arguments,
        gateway: Address::of(&gateway),
        carrier: Address::of(&carrier),
        mails: folder.join("mail"),
        index: folder.join("observer"),
        broker,
        world: Arc::clone(&world),
        stop,
    };
    let ended = Box::pin(whole.run(listener)).await;
    carrier.stop().await;
    gateway.stop().await;
    exporting.end(&world).await;
    ended
}

/// Where spans and metrics go.
fn exporting(config: &mut Config, asked: &Arguments) -> Result<(Exporting, Telemetry), Failure> {
    let (telemetry, kafka) = (&mut config.telemetry, &mut config.kafka);
    telemetry.endpoint.clone_from(&asked.otlp);
    if asked
        .otlp
        .as_ref()
        .is_some_and(|url| url.ends_with(":4318"))
    {
        telemetry.protocol = Protocol::Http;
    }
    kafka.brokers = asked.kafka.clone().unwrap_or_default();
    // Somebody looks on, and is told what is waited for.
    kafka.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    Exporting::start(telemetry, kafka)
}

/// Where what is not in memory is kept: a folder that stays, or one that is removed when dropped.
fn folder_of(data: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), Failure> {
    if let Some(folder) = data {
        return Ok((folder.to_owned(), None));
    }
    let temporary = tempfile::Builder::new().prefix("quadrille-").tempdir();
    let temporary = temporary.map_err(|error| {
        Failure::new(Exit::Failed, "cannot make a temporary folder").because(&error)
    })?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(Exit::Configuration, format!("cannot listen on {address}"))
            .because(&error)
            .mend(
                "stop what listens there, or give another address by --listen ADDRESS:PORT; \
                 port 0 takes any free one",
            )
    })
}

/// The first, unless something is wrong with it or with the others: then all that is.
fn all_of<T>(
    first: Result<T, Failure>,
    others: impl IntoIterator<Item = Result<(), Failure>>,
) -> Result<T, Failure> {
    let others = others.into_iter().filter_map(Result::err);
    match (first, others.reduce(Failure::also)) {
        (Ok(done), None) => Ok(done),
        (Ok(_), Some(wrong)) => Err(wrong),
        (Err(wrong), None) => Err(wrong),
        (Err(wrong), Some(others)) => Err(wrong.also(others)),
    }
}

/// What says which log lines to show.
fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "{error}: give a level, or targets with levels such as quadrille=debug"
        )),
    }
}

fn start_log(filter: &str) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(Paint::for_stderr().is_on())
        .with_writer(io::stderr);
    // Where the process has a log already, that stays.
    let _ = lines.try_init();
}

/// Where an outside party is, and its ledger.
struct Address {
    url: String,
    ledger: PathBuf,
}

impl Address {
    fn of(party: &party::Party) -> Self {
        Self {
            url: party.url().to_owned(),
            ledger: party.ledger().to_owned(),
        }
    }
}

/// All that runs in this process.
struct Whole {
    arguments: Arguments,
    config: Config,
    telemetry: Telemetry,
    metrics: Option<Exposition>,
    address: SocketAddr,
    gateway: Address,
    carrier: Address,
    mails: PathBuf,
    index: PathBuf,
    broker: Arc<dyn Broker>,
    world: world::Shared,
    stop: Stop,
}

impl Whole {
    async fn run(self, listener: TcpListener) -> Result<Exit, Failure> {
        let config = &self.config;
        let drain = config.limits.drain_timeout();
        let bus = Bus::new(
            Arc::clone(&self.broker),
            Arc::clone(&self.world),
            stores(&self.world, &config.state)?,
            Settings::of(config),
        );
        let bus = bus.told_to(self.telemetry.clone());
        let system = System::start(&bus, self.ports()?);
        let (world, stop) = (&self.world, &self.stop);
        let parts = Parts {
            broker: Arc::clone(&self.broker),
            world: Arc::clone(world),
            folder: &self.index,
            limits: index::Limits::default(),
            stop: stop.clone(),
        };
        let observer = Observer::start(parts).await;
        let (observer, observing) = observer.map_err(|error| Failure::of(Exit::Failed, &error))?;
        let api = api::router(Api {
            observer,
            entrance: Entrance {
                broker: Arc::clone(&self.broker),
                publisher: bus.publisher("quadrille"),
                world: Arc::clone(world),
                event_bytes_max: config.limits.event_bytes_max,
            },
            ready: system.waiting_for(),
            metrics: self.metrics.clone(),
            trace_link: self.arguments.traces.clone(),
            stop: stop.clone(),
        });
        let api = api::with_orders(api, quadrille_orders::http::router(system.doors().clone()));
        let api = traced(api);
        let asked = stop.clone();
        let serving = world::spawn(world, "http", async move {
            let served = axum::serve(listener, api);
            served
                .with_graceful_shutdown(async move { asked.requested().await })
                .await
        });
        let ended = Box::pin(self.until_stopped(&system)).await;
        self.stop.request();
        let limit = drain + STOP_MARGIN;
        let stopped = Box::pin(world::timeout(world, limit, async {
            let stopped = system.stop().await;
            // A connection that does not end is cut off by the end of the process.
            let _ = serving.await;
            observing.ended().await;
            stopped
        }));
        let Some(stopped) = stopped.await else {
            let seconds = limit.as_secs();
            let message = format!("not everything has stopped within {seconds} s");
            return ended.and(Err(Failure::new(Exit::Failed, message)));
        };
        ended.and(stopped).map(|()| Exit::Done)
    }

    /// What services are given.
    fn ports(&self) -> Result<Ports, Failure> {
        let mail = mail::Config {
            server: self.arguments.smtp.clone(),
            ..mail::Config::of_folder(&self.mails)
        };
        Ok(Ports {
            gateway: connect::gateway_port(&self.gateway.url)?,
            carrier: connect::carrier_port(&self.carrier.url)?,
            post: mail
                .port()
                .map_err(|error| Failure::of(Exit::Failed, &error))?,
        })
    }

    /// Waits until all is ready, tells so, keeps orders coming, and waits for the request to stop.
    async fn until_stopped(&self, system: &System) -> Result<(), Failure> {
        let stop = self.stop.clone();
        let work = async {
            let soon = Box::pin(world::timeout(&self.world, PATIENCE, system.ready()));
            if soon.await.is_none() {
                self.tell_waiting(system);
                system.ready().await;
            }
            self.tell()?;
            if self.arguments.no_demo {
                std::future::pending::<()>().await;
            }
            let demo = demo::Demo::new(system, &self.world, self.arguments.rate);
            Box::pin(demo.run()).await;
            Ok(())
        };
        let asked = std::pin::pin!(stop.requested());
        let failed = std::pin::pin!(system.failed());
        let either = futures::future::select(asked, failed);
        match futures::future::select(Box::pin(work), either).await {
            futures::future::Either::Left((ended, _)) => ended,
            futures::future::Either::Right((either, _)) => match either {
                futures::future::Either::Left(_) => Ok(()),
                futures::future::Either::Right((failure, _)) => Err(failure),
            },
        }
    }

    /// Says what is waited for, where nobody would look for it unasked.
    fn tell_waiting(&self, system: &System) {
        let (waits, address) = ((system.waiting_for())().join("; "), self.address);
        warn!("not ready yet, goes on by itself, and is open at http://{address}: {waits}");
    }

    fn tell(&self) -> Result<(), Failure> {
        // Where nobody reads, it runs all the same.
        show(&self.words()).map(drop)
    }
}
