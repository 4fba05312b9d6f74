//! How the observer does with many flows: how fast it reads, how large it gets, how soon it answers, and
//! what many open pages cost.
//!
//! `cargo run --release -p quadrille-observer --example load -- [FLOWS] [PAGES] [EVENTS_PER_SECOND]`
//!
//! Flows are planted on topics as the services write them: an order of six events with seven receipts.
//! One process holds broker, observer and pages, so the CPU of the last figure is that of all three.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use quadrille::Event;
use quadrille::broker::{Broker, NewTopic, TopicName, memory};
use quadrille::envelope::{Envelope, Trace};
use quadrille::event::Retention;
use quadrille::id::{EventId, FlowId, Source};
use quadrille::stop::Stop;
use quadrille::wire::{
    ContractPublished, EmittedEvent, Outcome, PresenceAnnounced, Reaction, Receipt,
};
use quadrille::world::{self, Live};
use quadrille_observer::observer::{Observer, Parts};
use quadrille_observer::{api, index, types};
use tower::ServiceExt as _;

/// Answers of each kind that are timed.
const ASKED: usize = 400;
/// How long the pages are open.
const OPEN: Duration = Duration::from_secs(10);

/// The events of an order, each with those that react to it.
const ORDER: [(&str, &str, &[&str]); 6] = [
    ("orders", "orders.v1.OrderPlaced", &["inventory", "orders"]),
    ("inventory", "inventory.v1.StockReserved", &["payments"]),
    ("payments", "payments.v1.PaymentCaptured", &["shipping"]),
    ("shipping", "shipping.v1.ShipmentDispatched", &["orders"]),
    ("orders", "orders.v1.OrderConfirmed", &["notifications"]),
    ("notifications", "notifications.v1.ConfirmationSent", &[]),
];

#[tokio::main]
async fn main() {
    let numbers = std::env::args()
        .skip(1)
        .map(|text| text.parse().expect("a number"));
    let numbers: Vec<usize> = numbers.collect();
    let number = |nth: usize, default| numbers.get(nth).copied().unwrap_or(default);
    let (flows, pages, rate) = (number(0, 100_000), number(1, 50), number(2, 1_000));
    let world: world::Shared = Arc::new(Live::new());
    let config = memory::Config {
        memory_bytes_max: usize::MAX,
        ..memory::Config::default()
    };
    let broker = memory::Broker::with(Arc::clone(&world), config).expect("it is consistent");
    let broker: Arc<dyn Broker> = Arc::new(broker);
    let planting = Planting::new(&broker, &world).await;
    let mut planted = 0;
    for order in 0..flows {
        planted += planting.order(order).await;
    }
    say(format_args!("planted {flows} flows, {planted} records"));

    let folder = tempfile::tempdir().expect("a folder can be made");
    let stop = Stop::new();
    let parts = Parts {
        broker,
        world: Arc::clone(&world),
        folder: folder.path(),
        limits: index::Limits::default(),
        stop: stop.clone(),
    };
    let meter = Meter::begin(&world);
    let (observer, running) = Observer::start(parts).await.expect("it can start");
    read(&observer, planted, &meter).await;
    let router = api::router(Arc::clone(&observer), None);
    answer(&router, &world, flows).await;
    watch(&observer, &router, &planting, [flows, pages, rate]).await;
    stop.request();
    running.ended().await;
}

/// How fast all that was planted is read, and what is kept of it.
async fn read(observer: &Observer, planted: usize, meter: &Meter) {
    let all = planted as u64;
    let snapshot = observer
        .until(|now| now.index.events + now.index.receipts >= all)
        .await;
    let (took, used) = meter.read();
    let index = &snapshot.index;
    say(format_args!(
        "read in {took:.1} s: {:.0} records/s, {:.0} per CPU second; index {:.0} MiB, {:.0} B an \
         event; {:.0} MiB resident",
        planted as f64 / took,
        planted as f64 / used,
        index.bytes as f64 / 1_048_576.0,
        index.bytes as f64 / index.events as f64,
        resident(),
    ));
}

/// How soon the API answers.
async fn answer(router: &Router, world: &world::Shared, flows: usize) {
    for (name, path) in [
        ("list", "/api/flows?limit=100"),
        ("list by status", "/api/flows?limit=100&status=completed"),
        ("list by status, none", "/api/flows?limit=100&status=parked"),
        (
            "list by type and status",
            "/api/flows?type=orders.v1.OrderPlaced&status=completed",
        ),
        ("list since, none", "/api/flows?since=2030-01-01T00:00:00Z"),
        ("list since, all", "/api/flows?since=2020-01-01T00:00:00Z"),
        ("find by key", "/api/find?q=order-{}"),
        ("find by event", "/api/find?q=order-{}/0"),
        ("find nothing", "/api/find?q=nothing-{}"),
        ("find by prefix", "/api/flows?q=order-{}"),
        ("flow", "/api/flows/order-{}"),
    ] {
        let mut times = Vec::new();
        for nth in 0..ASKED {
            let path = path.replace("{}", &(nth * 7_919 % flows).to_string());
            let meter = Meter::begin(world);
            ask(router, &path).await;
            times.push(meter.read().0 * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let (p50, p95) = (times[ASKED / 2], times[ASKED * 95 / 100]);
        say(format_args!("{name}: p50 {p50:.2} ms, p95 {p95:.2} ms"));
    }
}

/// What open pages cost while events go on.
async fn watch(
    observer: &Observer,
    router: &Router,
    planting: &Planting,
    [flows, pages, rate]: [usize; 3],
) {
    let world: &world::Shared = &planting.world;
    let mut open = Vec::new();
    for _ in 0..pages {
        let asked = request("/api/stream?topics=flows,services");
        let answer = router.clone().oneshot(asked).await.expect("it answers");
        let mut body = answer.into_body().into_data_stream();
        let read = Arc::new(AtomicUsize::new(0));
        let reading = Arc::clone(&read);
        let page = world::spawn(world, "page", async move {
            while let Some(Ok(chunk)) = body.next().await {
                reading.fetch_add(chunk.len(), Ordering::Relaxed);
            }
        });
        open.push((page.scoped(), read));
    }
    let meter = Meter::begin(world);
    let (mut order, mut events) = (flows, 0);
    while meter.read().0 < OPEN.as_secs_f64() {
        planting.order(order).await;
        (order, events) = (order + 1, events + ORDER.len());
        let due = events as f64 / rate as f64 - meter.read().0;
        world.sleep(Duration::from_secs_f64(due.max(0.0))).await;
    }
    let (took, used) = meter.read();
    let bytes = open.iter().map(|(_, read)| read.load(Ordering::Relaxed));
    let bytes: usize = bytes.sum();
    say(format_args!(
        "{pages} pages open, {:.0} events/s: {:.2} cores, {:.0} MiB resident, {:.0} KiB/s a page, \
         {:.0} ms behind",
        events as f64 / took,
        used / took,
        resident(),
        bytes as f64 / 1024.0 / took / pages.max(1) as f64,
        observer.snapshot().index.behind_ms,
    ));
}

/// Time and CPU since a moment.
struct Meter {
    world: world::Shared,
    began: Duration,
    used: f64,
}

impl Meter {
    fn begin(world: &world::Shared) -> Self {
        Self {
            began: world.elapsed(),
            world: Arc::clone(world),
            used: cpu(),
        }
    }

    /// Seconds, and CPU seconds of this process.
    fn read(&self) -> (f64, f64) {
        let took = self.world.elapsed().saturating_sub(self.began);
        (took.as_secs_f64(), cpu() - self.used)
    }
}

fn request(path: &str) -> Request<Body> {
    Request::get(path)
        .body(Body::empty())
        .expect("a path is a request")
}

async fn ask(router: &Router, path: &str) {
    let answer = router
        .clone()
        .oneshot(request(path))
        .await
        .expect("it answers");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .expect("an answer ends");
}

/// Writes what services write.
struct Planting {
    broker: Arc<dyn Broker>,
    world: world::Shared,
    began: Timestamp,
}

impl Planting {
    async fn new(broker: &Arc<dyn Broker>, world: &world::Shared) -> Self {
        let own = [
            Receipt::SCHEMA.topic.name,
            ContractPublished::SCHEMA.topic.name,
            PresenceAnnounced::SCHEMA.topic.name,
        ];
        let topics: BTreeMap<_, _> = types::all()
            .map(|schema| schema.topic.name)
            .chain(own)
            .map(|name| (name, 6))
            .collect();
        for (name, partitions) in topics {
            let topic = NewTopic {
                name: TopicName::parse(name).expect("it is one"),
                partitions,
                replication: None,
                retention: Retention::Forever,
            };
            broker.create(&topic).await.expect("it can be created");
        }
        let planting = Self {
            broker: Arc::clone(broker),
            began: world.now(),
            world: Arc::clone(world),
        };
        let mut reactions: BTreeMap<&str, Vec<Reaction>> = BTreeMap::new();
        for (topic, kind, services) in ORDER {
            for service in services {
                reactions.entry(service).or_default().push(Reaction {
                    event: kind.to_owned(),
                    topic: topic.to_owned(),
                    ..Reaction::default()
                });
            }
        }
        for (service, reactions) in reactions {
            let contract = ContractPublished {
                id: service.to_owned(),
                service: service.to_owned(),
                reactions,
                ..ContractPublished::default()
            };
            planting.own(&contract, service, service).await;
        }
        planting
    }

    /// One order. Returns how many records that are.
    async fn order(&self, nth: usize) -> usize {
        let key = format!("order-{nth}");
        let flow = FlowId::of_key("order", &key);
        let mut records = 0;
        for (at, (topic, kind, services)) in ORDER.iter().enumerate() {
            let schema = types::find(kind).expect("it is known");
            let id = EventId::new(format!("{key}/{at}"));
            let envelope = Envelope {
                id: id.clone(),
                source: Source::of_service(topic),
                kind: (*kind).into(),
                subject: Some(key.as_str().into()),
                time: self.began + SignedDuration::from_millis(at as i64 * 10),
                flow: flow.clone(),
                cause: at
                    .checked_sub(1)
                    .map(|before| EventId::new(format!("{key}/{before}"))),
                hops: at as u32,
                trace: Trace::default(),
            };
            self.send(envelope.record(schema, &key, Bytes::from_static(b"")))
                .await;
            records += 1;
            for service in *services {
                let emits = ORDER.get(at + 1).filter(|(by, ..)| by == service);
                let emitted = emits.map(|(_, kind, _)| EmittedEvent {
                    id: format!("{key}/{}", at + 1),
                    r#type: (*kind).to_owned(),
                    new_flow_id: String::new(),
                });
                let receipt = Receipt {
                    flow_id: flow.to_string(),
                    service: (*service).to_owned(),
                    instance: format!("{service}-1"),
                    reaction: "reaction".to_owned(),
                    code_version: "1".to_owned(),
                    event_id: id.to_string(),
                    event_source: Source::of_service(topic).to_string(),
                    event_type: (*kind).to_owned(),
                    topic: (*topic).to_owned(),
                    attempt: 1,
                    outcome: Outcome::Done.into(),
                    emitted: emitted.into_iter().collect(),
                    ..Receipt::default()
                };
                self.own(&receipt, flow.as_str(), &format!("{key}/{at}/{service}"))
                    .await;
                records += 1;
            }
        }
        records
    }

    async fn own<E: Event + Message>(&self, event: &E, key: &str, id: &str) {
        let envelope = Envelope {
            id: EventId::new(id),
            source: Source::of_service("load"),
            kind: E::SCHEMA.name.into(),
            subject: None,
            time: self.began,
            flow: FlowId::new(id),
            cause: None,
            hops: 0,
            trace: Trace::default(),
        };
        self.send(envelope.record(E::SCHEMA, key, event.encode_to_vec().into()))
            .await;
    }

    async fn send(&self, record: quadrille::broker::Outgoing) {
        let delivery = self.broker.send(record).await.expect("the topic is there");
        delivery.await.expect("it is taken");
    }
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}

/// Mebibytes that this process has in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("it is told");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<f64>()
        .expect("a number")
        / 1024.0
}

#[expect(clippy::print_stdout, reason = "figures are what this is for")]
fn say(figure: std::fmt::Arguments<'_>) {
    println!("{figure}");
}
