//! Apache Kafka, through librdkafka: the only folder that names its crate.
//!
//! It stands outside the simulated world. It has threads of its own, all of them named: one that
//! publishes, two for each group member (`poller` and `commits`), one for each reader, and one for
//! each question while it is asked. What holds inside:
//!
//! - a record counts as published once all in-sync replicas have it, exactly once and in order;
//! - what is read was committed by its transaction, and comes once per assignment, in order;
//! - the thread that polls never waits for the application, except in a rebalance and for a time;
//! - no call hangs: each has a limit, and each error names the address and what to do.
//!
//! It never creates a topic by accident, never commits an offset on its own, except for where a new
//! group starts, and never blocks the caller's executor.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Consumer, Delivery, Error, Membership, NewTopic, Outgoing, Reader, TopicDescription, TopicName,
    TopicPartition,
};

mod config;
mod options; // what librdkafka is told, and what nobody may tell it
mod producer; // records out
mod member; // records in, as a member of a group
mod reader; // records in, without a group
mod poller; // the thread behind both
mod context; // what librdkafka calls back there
mod rebalance; // partitions come and go
mod start; // where new partitions are read from
mod commits; // the thread for offsets
mod inbox; // what waits for its taker
mod records; // records in librdkafka's form and in ours
mod partitions; // the same for lists of partitions
mod admin; // questions about topics and offsets
mod blocking; // calls that block
mod fault; // what errors mean
mod weather; // why requests time out
mod log; // librdkafka's log lines
mod wait; // waiting on threads
mod clock;

pub use crate::config::Secret;
pub use config::{Compression, Config, Mechanism, Sasl, Security, Tls};

use admin::{Admin, Rest};
use blocking::Blocking;
use producer::Producer;
use weather::Weather;

/// A Kafka cluster.
pub struct Broker {
    name: String,
    address: Arc<str>,
    config: Arc<Config>,
    weather: Arc<Weather>,
    producer: Producer,
    blocking: Blocking,
}

impl Broker {
    /// A client of the cluster. Fails with [`ErrorKind::Invalid`](super::ErrorKind) where the
    /// configuration contradicts itself or librdkafka does not take it. Reaches for no broker: that
    /// is done in the background, and by the first call.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        let address: Arc<str> = config.brokers.trim().into();
        let config = Arc::new(config);
        let weather = Arc::new(Weather::default());
        let producer = Producer::new(
            Arc::clone(&config),
            Arc::clone(&address),
            Arc::clone(&weather),
        )?;
        Ok(Self {
            name: format!("kafka at {address}"),
            address,
            config,
            weather,
            producer,
            blocking: Blocking::new(),
        })
    }

    /// Asks on a thread made for it.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Admin) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.ask_and_drop(|admin| (ask(admin), Rest::default()))
            .await
    }

    async fn ask_and_drop<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Admin) -> (Result<T, Error>, Rest) + Send + 'static,
    ) -> Result<T, Error> {
        let admin = self.producer.admin();
        self.blocking.run(move || ask(&admin)).await
    }
}

#[async_trait]
impl super::Broker for Broker {
    fn name(&self) -> &str {
        &self.name
    }

    async fn cluster_id(&self) -> Result<String, Error> {
        self.ask(|admin| admin.cluster_id()).await
    }

    async fn describe(&self, topic: &TopicName) -> Result<Option<TopicDescription>, Error> {
        let topic = topic.clone();
        self.ask_and_drop(move |admin| admin.describe(&topic)).await
    }

    async fn topics(&self) -> Result<Vec<TopicName>, Error> {
        self.ask(|admin| admin.topics()).await
    }

    async fn create(&self, topic: &NewTopic) -> Result<bool, Error> {
        let topic = topic.clone();
        self.ask_and_drop(move |admin| admin.create(&topic)).await
    }

    async fn send(&self, record: Outgoing) -> Result<Delivery, Error> {
        self.producer.send(record).await
    }

    async fn join(&self, membership: Membership) -> Result<Box<dyn Consumer>, Error> {
        let (address, config) = (Arc::clone(&self.address), Arc::clone(&self.config));
        let weather = Arc::clone(&self.weather);
        let join = move || (member::join(address, &config, membership, weather), ());
        Ok(Box::new(self.blocking.run(join).await?))
    }

    async fn read(&self, from: BTreeMap<TopicPartition, i64>) -> Result<Box<dyn Reader>, Error> {
        let reader = self.ask(move |admin| {
            let from = admin.clamped(&from)?;
            let (address, weather) = (Arc::clone(&admin.address), Arc::clone(&admin.weather));
            reader::read(address, &admin.config, &from, weather)
        });
        Ok(Box::new(reader.await?))
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<(i64, i64), Error> {
        let partition = partition.clone();
        self.ask(move |admin| admin.watermarks(&partition)).await
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<i64, Error> {
        let partition = partition.clone();
        self.ask_and_drop(move |admin| admin.offset_at(&partition, timestamp_ms))
            .await
    }

    async fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let (group, partitions) = (group.to_owned(), partitions.to_vec());
        self.ask_and_drop(move |admin| admin.committed(&group, &partitions))
            .await
    }
}
