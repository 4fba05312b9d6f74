//! A broker to be shown, names that nobody else uses, and a limit to every wait.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use quadrille::broker::{
    Broker, Error, Headers, Incoming, NewTopic, Outgoing, Position, TopicName, TopicPartition,
};
use quadrille::event::Retention;
use quadrille::world;

/// How long things may take on a broker.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// A session timeout as short as the broker allows, for members that crash.
    pub session: Duration,
    /// A rebalance timeout as short as the broker allows, for members that do not answer. At least
    /// the session timeout.
    pub rebalance: Duration,
    /// Longest that a case waits for any one state before it fails. Reached by nothing that works,
    /// so it may be generous.
    pub patience: Duration,
}

/// A broker to be shown.
pub struct Fixture {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// Clock and executor of the cases.
    pub world: world::Shared,
    /// How long things may take.
    pub timeouts: Timeouts,
    run: String,
    names: AtomicU64,
}

impl Fixture {
    /// Shows this broker.
    pub fn new(broker: Arc<dyn Broker>, world: world::Shared, timeouts: Timeouts) -> Self {
        let run = format!("conformance-{:016x}", world.random());
        Self {
            broker,
            world,
            timeouts,
            run,
            names: AtomicU64::new(0),
        }
    }

    /// A name that nobody else uses.
    pub fn name(&self, what: &str) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}-{what}", self.run)
    }

    /// The name of a topic that is not there.
    pub fn topic_name(&self, what: &str) -> TopicName {
        TopicName::parse(&self.name(what)).expect("the name is made of legal characters")
    }

    /// A new topic that keeps everything.
    pub async fn topic(&self, partitions: i32) -> TopicName {
        self.topic_with(partitions, Retention::Forever).await
    }

    /// A new topic.
    pub async fn topic_with(&self, partitions: i32, retention: Retention) -> TopicName {
        let name = self.topic_name("topic");
        self.create(&name, partitions, retention).await;
        name
    }

    /// Creates a topic of which the name is known already.
    pub async fn create(&self, name: &TopicName, partitions: i32, retention: Retention) {
        let topic = NewTopic {
            name: name.clone(),
            partitions,
            replication: Some(1),
            retention,
        };
        let created = self
            .broker
            .create(&topic)
            .await
            .expect("the topic can be created");
        assert!(created, "topic {name} is new");
        // Kafka answers before every broker has heard of the topic.
        self.eventually("the topic is there", async || {
            let found = self.broker.describe(name).await.ok().flatten();
            found.filter(|topic| topic.partitions == partitions)
        })
        .await;
    }

    /// Waits for some work, at most as long as patience lasts.
    pub async fn patiently<F: Future>(&self, what: &str, work: F) -> F::Output {
        world::timeout(&self.world, self.timeouts.patience, work)
            .await
            .unwrap_or_else(|| panic!("waited {:?} in vain: {what}", self.timeouts.patience))
    }

    /// Asks again and again until there is an answer.
    pub async fn eventually<T>(&self, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
        self.patiently(what, async {
            loop {
                if let Some(answer) = ask().await {
                    return answer;
                }
                self.world.sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    /// Sends a record and waits until the broker has it, or has refused it.
    pub async fn try_send(&self, record: Outgoing) -> Result<Position, Error> {
        self.patiently("a record is acknowledged", async {
            self.broker.send(record).await?.await
        })
        .await
    }

    /// Sends a record that the broker takes.
    pub async fn send(&self, record: Outgoing) -> Position {
        self.try_send(record)
            .await
            .expect("the broker takes the record")
    }

    /// Sends values to one partition, `0`, `1` and so on, and waits for all.
    pub async fn send_numbers(&self, at: &TopicPartition, numbers: std::ops::Range<usize>) {
        let mut deliveries = Vec::new();
        for number in numbers {
            let record = record_at(at, &number.to_string());
            deliveries.push(
                self.broker
                    .send(record)
                    .await
                    .expect("the broker takes the record"),
            );
        }
        for delivery in deliveries {
            self.patiently("a record is acknowledged", delivery)
                .await
                .expect("the broker keeps the record");
        }
    }

    /// Reads from these offsets on until there are `count` records.
    pub async fn read(
        &self,
        from: impl IntoIterator<Item = (TopicPartition, i64)>,
        count: usize,
    ) -> Vec<Incoming> {
        let from: BTreeMap<TopicPartition, i64> = from.into_iter().collect();
        let mut reader = self
            .broker
            .read(from)
            .await
            .expect("the partitions can be read");
        let mut records = Vec::new();
        self.patiently("all records are read", async {
            while records.len() < count {
                let next = reader.next().await.expect("reading goes on");
                assert!(!next.is_empty(), "a reader gives records or waits");
                records.extend(next);
            }
        })
        .await;
        records
    }

    /// What a group has committed for one partition.
    pub async fn committed(&self, group: &str, at: &TopicPartition) -> Option<i64> {
        let partitions = [at.clone()];
        let offsets = self
            .patiently(
                "the group's offsets are told",
                self.broker.committed(group, &partitions),
            )
            .await
            .expect("the group's offsets are known");
        offsets.get(at).copied()
    }
}

/// All partitions of a topic.
pub(crate) fn partitions(topic: &TopicName, count: i32) -> Vec<TopicPartition> {
    (0..count)
        .map(|number| TopicPartition::new(topic.clone(), number))
        .collect()
}

/// A record with a key and a value.
pub(crate) fn record(topic: &TopicName, key: &str, value: &str) -> Outgoing {
    Outgoing {
        topic: topic.clone(),
        partition: None,
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Headers::new(),
        timestamp_ms: None,
    }
}

/// A record with a value for one partition.
pub(crate) fn record_at(at: &TopicPartition, value: &str) -> Outgoing {
    Outgoing {
        partition: Some(at.partition),
        ..record(&at.topic, "key", value)
    }
}

/// The value of a record as text.
pub(crate) fn text(record: &Incoming) -> String {
    let value = record.value.as_ref().expect("the record has a value");
    String::from_utf8(value.to_vec()).expect("the value is text")
}
