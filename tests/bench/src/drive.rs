//! All contenders in turn, each in a process of its own, on one Kafka.

use std::collections::BTreeMap;
use std::env;
use std::process::Stdio;
use std::time::Duration;

use quadrille::program::{Exit, Failure, show};
use quadrille::world;
use tokio::process::Command;

use crate::bare::check;
use crate::case::{Case, Entry};
use crate::contend::{Order, contend};
use crate::fault::Fault;
use crate::kafka::Kafka;
use crate::measure::Measure;
use crate::ours::latency::RATE;
use crate::ours::topics;
use crate::progress::Progress;
use crate::report::{Compared, Measured, Report};
use crate::statistics::round;
use crate::{table, usage};

/// Longest that one contender may take.
const CONTENDER_LIMIT: Duration = Duration::from_secs(300);
/// One in so many events takes part where state is kept.
const STATE_SHARE: u64 = 50;
/// Seconds of events before latency is measured.
const WARM_UP_SECONDS: u64 = 3;

/// Measures Quadrille beside bare rdkafka on a real Kafka
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    make bench\n  \
    quadrille bench --quick\n  \
    quadrille bench --cases publish,react --events 1000000 --json > report.json")]
pub struct Arguments {
    /// Cases to measure; all where none is named
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CASE,…")]
    cases: Vec<Case>,
    /// Repetitions of each case, beside one that is not counted
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    reps: u32,
    /// Events of each repetition
    #[arg(long, value_name = "NUMBER", default_value_t = 500_000)]
    events: u64,
    /// Seconds that latency is measured in each repetition
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,
    /// A look rather than a measurement: two repetitions of 50,000 events, 3 s of latency
    #[arg(long, conflicts_with_all = ["reps", "events", "seconds"])]
    quick: bool,
    /// Use this Kafka, whose topics `bench.*` are emptied and whose `quadrille.receipts` gets many
    /// more; without it, one is started and removed
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Set an option of the bus, to see what it does
    #[arg(long, value_name = "OPTION=VALUE", value_parser = option)]
    set: Vec<(String, String)>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// What a process of one contender is told to do
    #[arg(long, hide = true, value_name = "JSON")]
    order: Option<String>,
}

fn option(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("write it as OPTION=VALUE")?;
    Ok((path.to_owned(), value.to_owned()))
}

/// Measures what was asked for, and prints what came out.
pub async fn run(arguments: Arguments, world: world::Shared) -> Result<Exit, Failure> {
    if let Some(order) = &arguments.order {
        return Box::pin(obey(order, world)).await;
    }
    let kafka = match &arguments.kafka {
        Some(address) => Kafka::at(address.clone()),
        None => Kafka::start().await?,
    };
    // Whatever happens, a Kafka of ours does not outlive the run.
    let report = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err(Failure::new(Exit::Failed, "interrupted")),
        report = measure_all(&arguments, &kafka, &world) => report,
    };
    kafka.end().await?;
    let report = report?;
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&report).expect("plain data is JSON") + "\n",
        false => table::text(&report),
    };
    show(&text)?;
    Ok(match report.has_faults() {
        true => Exit::Failed,
        false => Exit::Done,
    })
}

/// What the process of one contender does.
async fn obey(order: &str, world: world::Shared) -> Result<Exit, Failure> {
    let order: Order = serde_json::from_str(order)
        .map_err(|error| Failure::new(Exit::Usage, "this is no order").because(&error))?;
    let measure = contend(order, world).await;
    let measure = measure.map_err(|fault| Failure::of(Exit::Failed, &fault))?;
    let line = serde_json::to_string(&measure).expect("plain data is JSON");
    show(&(line + "\n"))?;
    Ok(Exit::Done)
}

/// An order for each contender of each case, without warm-up, for tests.
pub fn orders(kafka: &str, world: &world::Shared, events: u64) -> Vec<Order> {
    let mut orders = Vec::new();
    for case in Case::all() {
        for entry in case.entries() {
            orders.push(order(*case, entry, kafka, world, events, 0));
        }
    }
    orders
}

/// Empties the topics of the benchmark, which are made where they are missing, and stores events for
/// those who read.
pub async fn prepare(kafka: &str, world: &world::Shared, events: u64) -> Result<(), Fault> {
    topics::prepare(kafka, world).await?;
    topics::fill(kafka, world, events).await
}

fn order(
    case: Case,
    entry: &Entry,
    kafka: &str,
    world: &world::Shared,
    events: u64,
    warm_up_events: u64,
) -> Order {
    Order {
        case,
        contender: entry.contender,
        kafka: kafka.to_owned(),
        events,
        warm_up_events,
        group: format!("bench-{}-{:016x}", case.name(), world.random()),
        set: BTreeMap::new(),
    }
}

async fn measure_all(
    arguments: &Arguments,
    kafka: &Kafka,
    world: &world::Shared,
) -> Result<Report, Failure> {
    let (repetitions, events, seconds) = match arguments.quick {
        true => (2, 50_000, 3),
        false => (arguments.reps, arguments.events.max(1), arguments.seconds),
    };
    let mut cases = arguments.cases.clone();
    if cases.is_empty() {
        cases = Case::all().to_vec();
    }
    let began = world.now().to_string();
    let prepared = topics::prepare(&kafka.address, world).await;
    prepared.map_err(|fault| Failure::of(Exit::Unreachable, &fault))?;
    let turns: usize = cases.iter().map(|case| case.entries().len()).sum();
    let progress = Progress::begin(turns * (repetitions as usize + 1));
    let mut driver = Driver {
        kafka,
        world,
        progress: &progress,
        stored: 0,
        set: arguments.set.iter().cloned().collect(),
    };
    let mut compared = Vec::new();
    for case in cases {
        let events = match case {
            Case::Latency => RATE * (seconds + WARM_UP_SECONDS),
            // One of the contenders waits for the disk with each.
            Case::State => events.div_ceil(STATE_SHARE),
            _ => events,
        };
        compared.push(driver.compare(case, events, repetitions).await?);
    }
    progress.end();
    Ok(Report {
        began,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        processors: std::thread::available_parallelism().map_or(0, Into::into),
        optimised: !cfg!(debug_assertions),
        repetitions,
        cases: compared,
    })
}

struct Driver<'a> {
    kafka: &'a Kafka,
    world: &'a world::Shared,
    progress: &'a Progress,
    /// Events that wait for those who read.
    stored: u64,
    /// Options of the bus.
    set: BTreeMap<String, String>,
}

impl Driver<'_> {
    /// All contenders of a case, once without counting, then in turn.
    async fn compare(
        &mut self,
        case: Case,
        events: u64,
        repetitions: u32,
    ) -> Result<Compared, Failure> {
        let failed = |fault| Failure::of(Exit::Failed, &fault);
        if case.reads_stored() && self.stored != events {
            self.progress.doing("storing events");
            let filled = topics::fill(&self.kafka.address, self.world, events).await;
            filled.map_err(failed)?;
            self.stored = events;
        }
        let entries = case.entries();
        let mut found: Vec<Vec<_>> = entries.iter().map(|_| Vec::new()).collect();
        for repetition in 0..=repetitions {
            for nth in round(repetition as usize, entries.len()) {
                let entry = &entries[nth];
                self.progress
                    .doing(&format!("{}: {}", case.name(), entry.name));
                let measured = self.take_turn(case, entry, events).await;
                self.progress
                    .done(&line(case, entry, repetition, &measured));
                // The first of each only warms up: Kafka is slow when it does something anew.
                if repetition > 0 {
                    found[nth].push(measured);
                }
                self.trim().await.map_err(failed)?;
            }
        }
        Ok(Compared::of(case, events, found))
    }

    /// Deletes what contenders have written, so that disks do not fill and nobody reads it.
    async fn trim(&self) -> Result<(), Fault> {
        let address = &self.kafka.address;
        for topic in topics::written() {
            check::trim(address, topic).await?;
        }
        // Receipts of a cluster that others use may be theirs. There are none before somebody reacts.
        if self.kafka.pid.is_some() && check::ends(address, topics::RECEIPTS).await.is_ok() {
            check::trim(address, topics::RECEIPTS).await?;
        }
        Ok(())
    }

    /// One contender, in a process of its own.
    async fn take_turn(&self, case: Case, entry: &Entry, events: u64) -> Result<Measured, String> {
        let (kafka, warm_up) = (&self.kafka.address, WARM_UP_SECONDS * RATE);
        let order = Order {
            set: self.set.clone(),
            ..order(case, entry, kafka, self.world, events, warm_up)
        };
        let order = serde_json::to_string(&order).expect("plain data is JSON");
        let program = env::current_exe().map_err(|error| format!("who am I: {error}"))?;
        let kafka = || self.kafka.pid.and_then(usage::processor_of);
        let (began, all, of_kafka) = (self.world.elapsed(), usage::processor_of_all(), kafka());
        let contender = Command::new(program)
            .args(["bench", "--order", &order])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = world::timeout(self.world, CONTENDER_LIMIT, contender)
            .await
            .ok_or_else(|| format!("it took longer than {} s", CONTENDER_LIMIT.as_secs()))?
            .map_err(|error| format!("it could not be started: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(said.trim().to_owned());
        }
        let measure: Measure = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("what it said is no measure: {error}"))?;
        let took = self.world.elapsed().saturating_sub(began).as_secs_f64();
        let since = |before: Option<f64>, now: Option<f64>| Some(now? - before?);
        let kafka_seconds = since(of_kafka, kafka());
        let others = since(all, usage::processor_of_all()).zip(kafka_seconds);
        let own = measure.processor_seconds;
        let busy_with_others = others.map(|(all, kafka)| ((all - kafka - own) / took).max(0.0));
        Ok(Measured {
            measure,
            kafka_seconds,
            busy_with_others,
        })
    }
}

/// What a turn came to, for whoever watches.
fn line(case: Case, entry: &Entry, repetition: u32, measured: &Result<Measured, String>) -> String {
    let what = match measured {
        Ok(Measured { measure, .. }) => match measure.latency {
            Some(latency) => format!("p50 {} µs, p99 {} µs", latency.p50_us, latency.p99_us),
            None => format!("{:.0} events/s", measure.rate()),
        },
        Err(fault) => format!("NO NUMBER: {fault}"),
    };
    let warm_up = if repetition == 0 { " (warm-up)" } else { "" };
    format!(
        "{} {repetition}{warm_up}: {}: {what}",
        case.name(),
        entry.name
    )
}
