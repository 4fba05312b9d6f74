//! The services of the order flow, running together in this process.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use quadrille::bus::Bus;
use quadrille::program::Failure;
use quadrille::service::{self, Service};
use quadrille::state::State;
use quadrille::status::Status;
use quadrille::stop::Stop;
use quadrille::world::{self, Ended};
use quadrille_inventory::Deliveries;
use quadrille_notifications::mail;
use quadrille_orders::Doors;
use quadrille_payments::gateway;
use quadrille_shipping::carrier;
use tokio::sync::watch;

/// Tells what is still waited for.
pub type Waiting = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// What services are given of the outside.
pub struct Ports {
    /// Takes the money.
    pub gateway: gateway::Port,
    /// Takes the goods.
    pub carrier: carrier::Port,
    /// Takes the mails.
    pub post: mail::Port,
}

/// The services, running.
pub struct System {
    doors: Doors,
    deliveries: Deliveries,
    services: Vec<Part>,
    stop: Stop,
    failure: watch::Receiver<Option<Failure>>,
}

/// One service.
struct Part {
    name: &'static str,
    status: Status,
    ended: BoxFuture<'static, Result<Result<(), Failure>, Ended>>,
}

/// Says once what several wait for.
fn once(told: impl Iterator<Item = (&'static str, String)>) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, why) in told {
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(name),
            None => reasons.push((why, vec![name])),
        }
    }
    let reasons = reasons.into_iter();
    reasons
        .map(|(why, names)| format!("{}: {why}", names.join(", ")))
        .collect()
}

impl System {
    /// Starts all services, each with its own state.
    pub fn start(bus: &Bus, ports: Ports) -> Self {
        let Ports {
            gateway,
            carrier,
            post,
        } = ports;
        let (doors, deliveries) = (Doors::default(), Deliveries::default());
        let (tell, failure) = watch::channel(None);
        let mut system = Self {
            doors: doors.clone(),
            deliveries: deliveries.clone(),
            services: Vec::new(),
            stop: Stop::new(),
            failure,
        };
        system.add("orders", quadrille_orders::service(&doors), bus, &tell);
        let inventory = quadrille_inventory::service(&deliveries);
        system.add("inventory", inventory, bus, &tell);
        system.add("payments", quadrille_payments::service(gateway), bus, &tell);
        system.add("shipping", quadrille_shipping::service(carrier), bus, &tell);
        let notifications = quadrille_notifications::service(post);
        system.add("notifications", notifications, bus, &tell);
        system
    }

    fn add<S: State, G: Send + Sync + 'static>(
        &mut self,
        name: &'static str,
        service: Service<S, G>,
        bus: &Bus,
        tell: &watch::Sender<Option<Failure>>,
    ) {
        let status = Status::starting();
        let work = service.run(bus.clone(), self.stop.clone(), status.clone());
        let (told, tell) = (status.clone(), tell.clone());
        let task = world::spawn(bus.world(), name, async move {
            let ended: Result<(), service::Error> = work.await;
            ended.map_err(|error| {
                let failure = Failure::from(error);
                told.fail(failure.to_string());
                tell.send_if_modified(|first| first.get_or_insert(failure.clone()) == &failure);
                failure
            })
        });
        self.services.push(Part {
            name,
            status,
            ended: task.boxed(),
        });
    }

    /// Where orders come in.
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Where goods come in.
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// Waits until all are ready.
    pub async fn ready(&self) {
        for service in &self.services {
            service.status.until(|report| report.ready).await;
        }
    }

    /// Waits until one has failed for good. For ever, if none does.
    pub async fn failed(&self) -> Failure {
        let mut failure = self.failure.clone();
        let failed = failure.wait_for(Option::is_some).await;
        match failed.ok().and_then(|failure| failure.clone()) {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Tells what is still waited for; nothing where all are ready.
    pub fn waiting_for(&self) -> Waiting {
        let services = self.services.iter();
        let services: Vec<_> = services
            .map(|service| (service.name, service.status.clone()))
            .collect();
        Arc::new(move || {
            let not_ready = services
                .iter()
                .map(|(name, status)| (name, status.report()))
                .filter(|(_, report)| !report.ready);
            let told = not_ready.map(|(name, report)| {
                let state = format!("{:?}", report.state).to_lowercase();
                let why = match &report.failed {
                    Some(failed) => failed.clone(),
                    None if report.waiting_for.is_empty() => state,
                    None => report.waiting_for.join("; "),
                };
                (*name, why)
            });
            once(told)
        })
    }

    /// Lets all drain, commit and leave. The first failure is told.
    pub async fn stop(self) -> Result<(), Failure> {
        self.stop.request();
        let mut outcome = Ok(());
        for service in self.services {
            let ended = service.ended.await;
            let ended = ended.unwrap_or_else(|error| Err(service::Error::Ended(error).into()));
            outcome = outcome.and(ended);
        }
        outcome
    }
}
