//! Records as services write them.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use quadrille::Event;
use quadrille::broker::{Broker, NewTopic, TopicName};
use quadrille::envelope::{Envelope, Trace};
use quadrille::event::Retention;
use quadrille::id::{EventId, FlowId, Source};
use quadrille::wire::{ContractPublished, PresenceAnnounced, Reaction, Receipt};
use quadrille::world;
use quadrille_observer::types;
use quadrille_schemas::orders::v1::OrderPlaced;

/// Writes what services write.
pub(crate) struct Planting {
    broker: Arc<dyn Broker>,
    world: world::Shared,
}

impl Planting {
    /// Makes all topics, and publishes the contract of inventory.
    pub(crate) async fn new(broker: &Arc<dyn Broker>, world: &world::Shared) -> Self {
        let own = [
            Receipt::SCHEMA.topic.name,
            ContractPublished::SCHEMA.topic.name,
            PresenceAnnounced::SCHEMA.topic.name,
        ];
        let known = types::all().map(|schema| schema.topic.name);
        let topics: BTreeSet<_> = known.chain(own).collect();
        for name in topics {
            let topic = NewTopic {
                name: TopicName::parse(name).expect("it is one"),
                partitions: 1,
                replication: None,
                retention: Retention::Forever,
            };
            broker.create(&topic).await.expect("it can be created");
        }
        let planting = Self {
            broker: Arc::clone(broker),
            world: Arc::clone(world),
        };
        let contract = ContractPublished {
            id: "inventory".to_owned(),
            service: "inventory".to_owned(),
            reactions: vec![Reaction {
                event: OrderPlaced::SCHEMA.name.to_owned(),
                topic: "orders".to_owned(),
                ..Reaction::default()
            }],
            ..ContractPublished::default()
        };
        let flow = FlowId::new("inventory");
        planting
            .event(&contract, "inventory", "inventory", &flow)
            .await;
        planting
    }

    /// An order, which is the only event of its flow.
    pub(crate) async fn placed(&self, order: &str) {
        let flow = FlowId::of_key("order", order);
        self.placed_in(&flow, order, order).await;
    }

    /// An order in a flow.
    pub(crate) async fn placed_in(&self, flow: &FlowId, order: &str, id: &str) {
        let placed = OrderPlaced {
            order_id: order.to_owned(),
            ..OrderPlaced::default()
        };
        self.event(&placed, order, id, flow).await;
    }

    async fn event<E: Event + Message>(&self, event: &E, key: &str, id: &str, flow: &FlowId) {
        let envelope = Envelope {
            id: EventId::new(id),
            source: Source::of_service("planted"),
            kind: E::SCHEMA.name.into(),
            subject: None,
            time: self.world.now(),
            flow: flow.clone(),
            cause: None,
            hops: 0,
            trace: Trace::default(),
        };
        let bytes = Bytes::from(event.encode_to_vec());
        let record = envelope.record(E::SCHEMA, key, bytes);
        let delivery = self.broker.send(record).await.expect("the topic is there");
        delivery.await.expect("it is taken");
    }
}
