//! The bus at work, with the limits that it is shipped with.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use quadrille::broker::{
    Broker, Consumer, Delivery, Error, Membership, NewTopic, Outgoing, Position, Reader,
    TopicDescription, TopicName, TopicPartition, kafka,
};
use quadrille::bus::{Bus, Settings};
use quadrille::config::{Config, Layout, Sources};
use quadrille::state::Stores;
use quadrille::state::memory::MemoryStores;

pub(crate) mod latency; // one event at a time, there and back
pub(crate) mod publish; // waiting for answers, and not
pub(crate) mod react; // without state
pub(crate) mod state; // with state, wherever it is kept
pub(crate) mod topics; // made and filled before anybody is measured

use crate::case::Contender;
use crate::contend::{Order, Stage};
use crate::fault::Fault;

/// How long the bare producers wait for company in a batch, in milliseconds.
pub(crate) const LINGER_MS: u32 = 5;

/// Whether receipts go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receipts {
    /// As the bus does it.
    Published,
    /// They are made, and dropped on the way to the cluster: the bus has no switch for them yet.
    Dropped,
}

/// A client of the cluster.
pub(crate) fn broker(kafka: &str, config: &Config) -> Result<Arc<dyn Broker>, Fault> {
    let limits = &config.limits;
    let within_32_bits = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let broker = kafka::Broker::new(kafka::Config {
        in_flight_records_max: within_32_bits(limits.in_flight_records_max),
        in_flight_bytes_max: within_32_bits(limits.in_flight_bytes_max),
        linger_ms: config.kafka.linger_ms,
        ..kafka::Config::of(kafka)
    });
    let broker = broker.map_err(|error| Fault::of("make a broker", &error))?;
    Ok(Arc::new(broker))
}

/// The options that the bus is shipped with, and those that the contender has otherwise.
fn config(order: &Order) -> Result<Config, Fault> {
    let mut sources = Sources::none();
    for (path, value) in &order.set {
        sources = sources.set(path, value);
    }
    if order.contender == Contender::OursLingering {
        sources = sources.set("kafka.linger_ms", &LINGER_MS.to_string());
    }
    let loaded = Layout::bus().load(sources);
    let loaded = loaded.map_err(|errors| Fault::of("set options of the bus", &errors))?;
    Ok(loaded.bus().clone())
}

/// A bus without state.
pub(crate) fn bus(stage: &Stage, receipts: Receipts) -> Result<Bus, Fault> {
    bus_with(stage, receipts, Arc::new(MemoryStores::new()))
}

/// A bus whose services keep their state there.
pub(crate) fn bus_with(
    stage: &Stage,
    receipts: Receipts,
    stores: Arc<dyn Stores>,
) -> Result<Bus, Fault> {
    let config = config(&stage.order)?;
    let mut broker = broker(&stage.order.kafka, &config)?;
    if receipts == Receipts::Dropped {
        broker = Arc::new(WithoutReceipts(broker));
    }
    let settings = Settings::of(&config);
    Ok(Bus::new(broker, stage.world.clone(), stores, settings))
}

/// A cluster that says of each receipt that it has it, and keeps none.
struct WithoutReceipts(Arc<dyn Broker>);

#[async_trait]
impl Broker for WithoutReceipts {
    fn name(&self) -> &str {
        self.0.name()
    }

    async fn cluster_id(&self) -> Result<String, Error> {
        self.0.cluster_id().await
    }

    async fn describe(&self, topic: &TopicName) -> Result<Option<TopicDescription>, Error> {
        self.0.describe(topic).await
    }

    async fn topics(&self) -> Result<Vec<TopicName>, Error> {
        self.0.topics().await
    }

    async fn create(&self, topic: &NewTopic) -> Result<bool, Error> {
        self.0.create(topic).await
    }

    async fn send(&self, record: Outgoing) -> Result<Delivery, Error> {
        if record.topic.as_str() != topics::RECEIPTS {
            return self.0.send(record).await;
        }
        let (done, delivery) = Delivery::new();
        let (partition, offset) = (0, 0);
        // Whoever sent it may not wait for the answer.
        let _ = done.send(Ok(Position { partition, offset }));
        Ok(delivery)
    }

    async fn join(&self, membership: Membership) -> Result<Box<dyn Consumer>, Error> {
        self.0.join(membership).await
    }

    async fn read(&self, from: BTreeMap<TopicPartition, i64>) -> Result<Box<dyn Reader>, Error> {
        self.0.read(from).await
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<(i64, i64), Error> {
        self.0.watermarks(partition).await
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<i64, Error> {
        self.0.offset_at(partition, timestamp_ms).await
    }

    async fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.0.committed(group, partitions).await
    }
}
