//! The order flow on the broker in memory, telling an OTLP receiver what happens.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::{Broker, memory};
use quadrille::config::{self, Config};
use quadrille::id::FlowId;
use quadrille::observe::Telemetry;
use quadrille::program::telemetry::Exporting;
use quadrille::state::memory::MemoryStores;
use quadrille::world::{self, Live};
use quadrille_orders::state::Outcome;
use quadrille_tests::gateway::Books;
use quadrille_tests::hall::{GOOD_CARD, Hall, Ports};
use quadrille_tests::witness;

use crate::receiver::{Receiver, Span};

/// A receiver, and what sends to it.
pub(crate) struct Observed {
    pub(crate) world: world::Shared,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) receiver: Receiver,
    pub(crate) telemetry: Telemetry,
    pub(crate) exporting: Exporting,
}

impl Observed {
    /// Sends as the options say, once `set` has set them.
    pub(crate) async fn start(set: impl FnOnce(&mut config::Telemetry)) -> Self {
        let world: world::Shared = Arc::new(Live::new());
        let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
        let receiver = Receiver::start(&world).await;
        let mut config = Config::default();
        config.telemetry.endpoint = Some(receiver.endpoint());
        config.telemetry.flush_timeout_ms = 20_000;
        config.telemetry.lag_interval_ms = 100;
        set(&mut config.telemetry);
        config.kafka.brokers = "broker.example:9092".to_owned();
        let (exporting, telemetry) = Exporting::start(&config.telemetry, &config.kafka).unwrap();
        Self {
            world,
            broker,
            receiver,
            telemetry,
            exporting,
        }
    }

    /// The services of the order flow, with goods on the shelf.
    pub(crate) async fn hall(&self) -> Hall {
        let ports = Ports::with(Arc::new(Books::default()));
        let stores = Arc::new(MemoryStores::default());
        let (broker, world) = (Arc::clone(&self.broker), Arc::clone(&self.world));
        let telemetry = self.telemetry.clone();
        let hall = Hall::start_told(broker, world, ports, stores, telemetry);
        hall.ready().await;
        hall.deliver("tea", 100).await;
        let shelved = || async {
            let receipts = witness::receipts(&self.broker).await;
            receipts
                .iter()
                .any(|receipt| receipt.reaction == "goods_received")
        };
        until(shelved).await;
        hall
    }

    /// All spans, once the last has arrived.
    pub(crate) async fn ended(self) -> (Receiver, Vec<Span>) {
        self.exporting.end(&self.world).await;
        let spans = self.receiver.spans();
        (self.receiver, spans)
    }
}

/// The spans of one order that went the straight way.
pub(crate) async fn order(set: impl FnOnce(&mut config::Telemetry)) -> Vec<Span> {
    let observed = Observed::start(set).await;
    let hall = observed.hall().await;
    hall.place("4711", "tea", GOOD_CARD).await;
    assert_eq!(hall.outcome("4711").await, Outcome::Confirmed);
    told(&observed.broker, 1).await;
    hall.stop().await;
    let (_, spans) = observed.ended().await;
    of_flow(spans, &FlowId::of_key("order", "4711"))
}

/// The spans of one flow.
pub(crate) fn of_flow(spans: Vec<Span>, flow: &FlowId) -> Vec<Span> {
    let of_flow = |span: &Span| span.flow() == flow.as_str();
    spans.into_iter().filter(of_flow).collect()
}

/// Waits until so many customers were told how their orders ended.
pub(crate) async fn told(broker: &Arc<dyn Broker>, orders: usize) {
    until(|| async { witness::all(broker, "notifications").await.len() >= orders }).await;
}

pub(crate) async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let waited = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    let world: world::Shared = Arc::new(Live::new());
    world::timeout(&world, Duration::from_secs(60), waited)
        .await
        .expect("it comes to hold in time");
}
