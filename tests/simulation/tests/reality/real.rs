//! A script on a real Kafka, in real time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use quadrille::broker::{Assignor, Broker, TopicName, TopicPartition, kafka};
use quadrille::bus::{Bus, Settings};
use quadrille::contract::Contract;
use quadrille::service::Running;
use quadrille::state::memory::MemoryStores;
use quadrille::world::{self, Live, Point, World};
use quadrille_inventory::Deliveries;
use quadrille_orders::Doors;
use quadrille_simulation::orders::{Hall, Ports, Step, take};
use quadrille_simulator::{End, Fault, Script};
use quadrille_tests::prefixed::Prefixed;
use quadrille_tests::watched::Watched;
use quadrille_tests::{hall, witness};
use tokio::sync::Notify;

/// Longest that a state is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// Wait between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// The services, running on Kafka.
struct Stage {
    broker: Arc<dyn Broker>,
    stores: Arc<MemoryStores>,
    ports: Ports,
    doors: Doors,
    deliveries: Deliveries,
    script: Arc<Script>,
    assignor: Assignor,
    passed: Arc<Mutex<BTreeMap<(&'static str, Point), u64>>>,
    restarts: AtomicU64,
    world: world::Shared,
}

/// One instance.
struct Instance {
    service: &'static str,
    running: Running,
    killed: Arc<Notify>,
}

const SERVICES: [&str; 5] = [
    "orders",
    "inventory",
    "payments",
    "shipping",
    "notifications",
];

impl Stage {
    /// A world in which a service ends where the script says so.
    fn deadly(&self, service: &'static str, killed: Arc<Notify>) -> impl World + use<> {
        let (passed, script) = (Arc::clone(&self.passed), Arc::clone(&self.script));
        Watched::new(move |point| {
            let count = {
                let mut passed = passed.lock().expect("nobody panics");
                let count = passed.entry((service, point)).or_default();
                *count += 1;
                *count
            };
            let ends = script.faults.iter().any(|fault| match fault {
                Fault::Crash {
                    service: of,
                    point: at,
                    nth,
                    ..
                } => of == service && *at == point && *nth == count,
                _ => false,
            });
            ends.then(|| {
                killed.notify_one();
                std::future::pending().boxed()
            })
        })
    }

    fn start(&self, service: &'static str) -> Instance {
        let killed = Arc::new(Notify::new());
        let world = self.deadly(service, Arc::clone(&killed));
        let bus = Bus::new(
            Arc::clone(&self.broker),
            Arc::new(world),
            Arc::clone(&self.stores) as _,
            Settings {
                assignor: self.assignor,
                ..hall::settings()
            },
        );
        let ports = self.ports.clone();
        let running = match service {
            "orders" => quadrille_orders::service(&self.doors).start(&bus),
            "inventory" => quadrille_inventory::service(&self.deliveries).start(&bus),
            "payments" => quadrille_payments::service(ports.gateway).start(&bus),
            "shipping" => quadrille_shipping::service(ports.carrier).start(&bus),
            _ => quadrille_notifications::service(ports.post).start(&bus),
        };
        Instance {
            service,
            running,
            killed,
        }
    }

    fn contracts(&self) -> Vec<Contract> {
        let ports = self.ports.clone();
        vec![
            quadrille_orders::service(&Doors::default()).contract(),
            quadrille_inventory::service(&Deliveries::new()).contract(),
            quadrille_payments::service(ports.gateway).contract(),
            quadrille_shipping::service(ports.carrier).contract(),
            quadrille_notifications::service(ports.post).contract(),
        ]
    }

    /// How much stands there, where every group that has somebody in it has committed to the end of
    /// its topics.
    async fn handled(&self, there: &[&str]) -> Option<i64> {
        let mut sum = 0;
        for contract in self.contracts() {
            if !there.contains(&contract.service.as_str()) {
                continue;
            }
            let mut topics: Vec<_> = contract.reactions.iter().map(|r| r.event.topic).collect();
            topics.dedup();
            for topic in topics {
                let name = TopicName::parse(topic).expect("a topic of a schema");
                for partition in 0..6 {
                    let at = TopicPartition::new(name.clone(), partition);
                    let (_, high) = self.broker.watermarks(&at).await.ok()?;
                    sum += high;
                    let committed = self
                        .broker
                        .committed(&contract.service, std::slice::from_ref(&at))
                        .await;
                    let committed = committed.ok().and_then(|offsets| offsets.get(&at).copied());
                    if committed.unwrap_or(0) < high {
                        return None;
                    }
                }
            }
        }
        Some(sum)
    }

    /// Waits until all is handled, and lets those follow that are killed meanwhile.
    async fn until_handled(&self, instances: &mut Vec<Instance>) {
        let handled = async {
            // One look takes a while, in which a group that was seen at its end may get more. Where a
            // second one finds as much, nothing has come in between.
            let mut before = None;
            loop {
                let there: Vec<_> = instances.iter().map(|one| one.service).collect();
                let now = self.handled(&there).await;
                if now.is_some() && now == before {
                    return;
                }
                before = now;
                let killed = instances
                    .iter()
                    .position(|one| one.killed.notified().now_or_never().is_some());
                if let Some(killed) = killed {
                    let killed = instances.remove(killed);
                    killed.running.crash();
                    self.restarts.fetch_add(1, Ordering::Relaxed);
                    instances.push(self.start(killed.service));
                }
                self.world.sleep(LOOK).await;
            }
        };
        let handled = world::timeout(&self.world, PATIENCE, handled).await;
        handled.expect("all is handled in time");
    }
}

/// Something of a script that goes by the clock.
enum Due {
    Step(Step),
    Join(&'static str),
    Leave(&'static str),
    Back(&'static str),
}

/// What goes by the clock, in its order.
fn timeline(script: &Script) -> BTreeMap<u64, Vec<Due>> {
    let known = |name: &str| {
        SERVICES
            .into_iter()
            .find(|service| *service == name)
            .expect("a service of the order flow")
    };
    let mut due: BTreeMap<u64, Vec<Due>> = BTreeMap::new();
    for fault in &script.faults {
        match fault {
            Fault::Join { service, at_ms } => {
                due.entry(*at_ms)
                    .or_default()
                    .push(Due::Join(known(service)));
            }
            Fault::Leave {
                service,
                at_ms,
                back_ms,
            } => {
                due.entry(*at_ms)
                    .or_default()
                    .push(Due::Leave(known(service)));
                let back = due.entry(at_ms + back_ms).or_default();
                back.push(Due::Back(known(service)));
            }
            Fault::Crash { .. } => {}
            fault => panic!("{fault}: a real broker has no such thing at hand"),
        }
    }
    for step in &script.steps {
        let at = due.entry(step.at_ms).or_default();
        at.push(Due::Step(
            step.what.parse().expect("a step of the order flow"),
        ));
    }
    due
}

/// Plays a script on a real Kafka, and reads what stands there at its end.
pub(crate) async fn play(address: &str, name: &str, script: &Script, assignor: Assignor) -> End {
    let world: world::Shared = Arc::new(Live::new());
    let cluster = kafka::Broker::new(kafka::Config::of(address)).expect("the defaults hold");
    let prefix = format!("{:08x}.{name}.", world.random() >> 32);
    let broker: Arc<dyn Broker> = Arc::new(Prefixed::new(Arc::new(cluster), &prefix));
    let stage = Stage {
        broker: Arc::clone(&broker),
        stores: Arc::default(),
        ports: crate::ports(),
        doors: Doors::default(),
        deliveries: Deliveries::new(),
        script: Arc::new(script.clone()),
        assignor,
        passed: Arc::default(),
        restarts: AtomicU64::new(0),
        world,
    };
    let mut instances: Vec<_> = SERVICES.map(|service| stage.start(service)).into();
    for instance in &instances {
        instance.running.status().until(|report| report.ready).await;
    }
    let at = Hall::new(
        stage.doors.clone(),
        stage.deliveries.clone(),
        Arc::clone(&broker),
    );
    for due in timeline(script).into_values() {
        for one in due {
            match one {
                Due::Step(step) => take(step, at.clone()).await.expect("the doors are open"),
                Due::Join(service) | Due::Back(service) => instances.push(stage.start(service)),
                Due::Leave(service) => {
                    let leaving = instances.iter().position(|one| one.service == service);
                    let leaving = instances.remove(leaving.expect("it is there"));
                    leaving.running.stop().await.expect("it drains and leaves");
                }
            }
        }
        stage.until_handled(&mut instances).await;
    }
    let kills = script
        .faults
        .iter()
        .filter(|fault| matches!(fault, Fault::Crash { .. }));
    let (wanted, seen) = (kills.count() as u64, stage.restarts.load(Ordering::Relaxed));
    assert_eq!(seen, wanted, "every kill has happened");
    for instance in instances {
        instance.running.stop().await.expect("it drains and leaves");
    }
    let mut records = Vec::new();
    for topic in broker.topics().await.expect("the broker answers") {
        records.extend(witness::raw(&broker, topic.as_str()).await);
    }
    records.sort_by(|a, b| (&a.partition, a.offset).cmp(&(&b.partition, b.offset)));
    End::of(records, stage.contracts(), BTreeMap::new())
}
