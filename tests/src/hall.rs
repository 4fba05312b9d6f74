//! A hall: the services of the order flow on one broker, and what can be asked of them.

use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::Broker;
use quadrille::bus::{Bus, Settings};
use quadrille::config::Config;
use quadrille::observe::Telemetry;
use quadrille::service::Running;
use quadrille::state::Stores;
use quadrille::state::memory::MemoryStores;
use quadrille::status::{Report, Status};
use quadrille::world;
use quadrille_inventory::Deliveries;
use quadrille_notifications::mail;
use quadrille_orders::Doors;
use quadrille_orders::requests::{self, Placed, Withdrawn};
use quadrille_orders::state::Outcome;
use quadrille_payments::gateway;
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::inventory::v1::GoodsReceived;
use quadrille_schemas::orders::v1::{OrderLine, OrderPlaced, OrderWithdrawn};
use quadrille_shipping::carrier;

use crate::carrier::Parcels;
use crate::post::Mails;

/// A card that is charged.
pub const GOOD_CARD: &str = "4242424242424242";

/// What services are given of the outside.
#[derive(Clone)]
pub struct Ports {
    /// Takes the money.
    pub gateway: gateway::Port,
    /// Takes the goods.
    pub carrier: carrier::Port,
    /// Takes the mails.
    pub post: mail::Port,
}

impl Ports {
    /// This gateway, a carrier that takes what has an address, and a post that takes everything.
    pub fn with(gateway: gateway::Port) -> Self {
        Self {
            gateway,
            carrier: Arc::<Parcels>::default(),
            post: Arc::<Mails>::default(),
        }
    }
}

/// The services of the order flow, running.
pub struct Hall {
    /// What they stand on.
    pub bus: Bus,
    /// Where orders come in.
    pub doors: Doors,
    /// Where goods come in.
    pub deliveries: Deliveries,
    services: Vec<Running>,
}

impl Hall {
    /// Starts the services, with state in memory.
    pub fn start(broker: Arc<dyn Broker>, world: world::Shared, gateway: gateway::Port) -> Self {
        Self::start_on(broker, world, gateway, Arc::new(MemoryStores::default()))
    }

    /// Starts the services on these stores.
    pub fn start_on(
        broker: Arc<dyn Broker>,
        world: world::Shared,
        gateway: gateway::Port,
        stores: Arc<dyn Stores>,
    ) -> Self {
        Self::start_with(broker, world, Ports::with(gateway), stores)
    }

    /// Starts the services on these stores, with all outside parties.
    pub fn start_with(
        broker: Arc<dyn Broker>,
        world: world::Shared,
        ports: Ports,
        stores: Arc<dyn Stores>,
    ) -> Self {
        Self::start_told(broker, world, ports, stores, Telemetry::off())
    }

    /// Starts the services, telling spans and metrics.
    pub fn start_told(
        broker: Arc<dyn Broker>,
        world: world::Shared,
        ports: Ports,
        stores: Arc<dyn Stores>,
        telemetry: Telemetry,
    ) -> Self {
        let bus = Bus::new(broker, world, stores, settings()).told_to(telemetry);
        let (doors, deliveries) = (Doors::default(), Deliveries::default());
        let services = vec![
            quadrille_orders::service(&doors).start(&bus),
            quadrille_inventory::service(&deliveries).start(&bus),
            quadrille_payments::service(ports.gateway).start(&bus),
            quadrille_shipping::service(ports.carrier).start(&bus),
            quadrille_notifications::service(ports.post).start(&bus),
        ];
        Self {
            bus,
            doors,
            deliveries,
            services,
        }
    }

    /// Waits until all are ready. Panics where one cannot be.
    pub async fn ready(&self) {
        for service in &self.services {
            let ended = |report: &Report| report.ready || report.failed.is_some();
            let report = service.status().until(ended).await;
            assert_eq!(report.failed, None, "a service cannot run");
        }
    }

    /// How a service is.
    pub fn status(&self, service: &str) -> &Status {
        let named = |running: &&Running| running.contract().service == service;
        let found = self.services.iter().find(named);
        found.expect("the service is one of the hall's").status()
    }

    /// Lets all drain, commit and leave.
    pub async fn stop(self) {
        for service in self.services {
            service.stop().await.expect("a service drains and leaves");
        }
    }

    /// Drops all in the middle of whatever they do, as a crash would.
    pub fn crash(self) {
        for service in self.services {
            service.crash();
        }
    }

    /// Puts goods on the shelf.
    pub async fn deliver(&self, sku: &str, quantity: u32) {
        let goods = GoodsReceived {
            delivery_id: format!("first/{sku}"),
            sku: sku.to_owned(),
            quantity,
        };
        self.deliveries
            .in_flow("sku", sku)
            .decide(|_| {
                let goods = goods.clone();
                async { Ok((goods, ())) }
            })
            .await
            .expect("the door is open");
    }

    /// Places an order for one piece at 20 euros.
    pub async fn place(&self, order_id: &str, sku: &str, card: &str) -> Placed {
        requests::place(&self.doors, order(order_id, sku, card))
            .await
            .expect("the door is open")
    }

    /// Withdraws an order.
    pub async fn withdraw(&self, order_id: &str) -> Withdrawn {
        let withdrawn = OrderWithdrawn {
            order_id: order_id.to_owned(),
            ..OrderWithdrawn::default()
        };
        requests::withdraw(&self.doors, withdrawn)
            .await
            .expect("the door is open")
    }

    /// Waits until an order has ended.
    pub async fn outcome(&self, order_id: &str) -> Outcome {
        loop {
            let order = requests::read(&self.doors, order_id)
                .await
                .expect("the door is open");
            if let Some(outcome) = order.and_then(|order| order.outcome) {
                return outcome;
            }
            self.bus.world().sleep(Duration::from_millis(5)).await;
        }
    }
}

/// An order for one piece at 20 euros.
pub fn order(order_id: &str, sku: &str, card: &str) -> OrderPlaced {
    let price = Money {
        currency_code: "EUR".to_owned(),
        units: 20,
        nanos: 0,
    };
    OrderPlaced {
        order_id: order_id.to_owned(),
        customer_id: "c1".to_owned(),
        email: "ada@example.org".to_owned(),
        lines: vec![OrderLine {
            sku: sku.to_owned(),
            quantity: 1,
            unit_price: Some(price.clone()),
        }],
        total: Some(price),
        card_number: card.to_owned(),
        placed_at: None,
    }
}

/// Settings with short waits, so that a test waits for states and not for defaults.
pub fn settings() -> Settings {
    let mut config = Config::default();
    config.limits.retry_base_ms = 5;
    config.limits.retry_max_ms = 100;
    config.limits.commit_interval_ms = 50;
    config.limits.drain_timeout_ms = 5_000;
    config.group.session_timeout_ms = 6_000;
    config.kafka.connect_timeout_ms = 10_000;
    Settings::of(&config)
}
