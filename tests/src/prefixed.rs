//! One cluster, many tests: a broker that puts a prefix before every topic and group.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use quadrille::broker::{
    Assigned, Broker, Consumer, Delivery, Error, Incoming, Membership, NewTopic, Outgoing, Reader,
    Revoked, Signal, TopicDescription, TopicName, TopicPartition,
};

/// A broker in which all topics and groups have a prefix that its user does not see.
pub struct Prefixed {
    inner: Arc<dyn Broker>,
    prefix: Prefix,
}

#[derive(Clone)]
struct Prefix(Arc<str>);

impl Prefixed {
    /// The same cluster under a prefix.
    pub fn new(inner: Arc<dyn Broker>, prefix: &str) -> Self {
        Self {
            inner,
            prefix: Prefix(prefix.into()),
        }
    }

    /// What a topic is called on the cluster.
    pub fn outer(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix.0)
    }
}

impl Prefix {
    fn on(&self, topic: &TopicName) -> TopicName {
        TopicName::parse(&format!("{}{topic}", self.0)).expect("a short prefix keeps names legal")
    }

    fn off(&self, topic: &TopicName) -> TopicName {
        let name = topic
            .as_str()
            .strip_prefix(&*self.0)
            .expect("only our topics are read");
        TopicName::parse(name).expect("it was legal before")
    }

    fn at(&self, at: &TopicPartition) -> TopicPartition {
        TopicPartition::new(self.on(&at.topic), at.partition)
    }

    fn from(&self, at: &TopicPartition) -> TopicPartition {
        TopicPartition::new(self.off(&at.topic), at.partition)
    }

    fn map_at<T>(&self, offsets: BTreeMap<TopicPartition, T>) -> BTreeMap<TopicPartition, T> {
        offsets
            .into_iter()
            .map(|(at, value)| (self.at(&at), value))
            .collect()
    }

    fn map_from<T>(&self, offsets: BTreeMap<TopicPartition, T>) -> BTreeMap<TopicPartition, T> {
        offsets
            .into_iter()
            .map(|(at, value)| (self.from(&at), value))
            .collect()
    }

    fn records(&self, mut records: Vec<Incoming>) -> Vec<Incoming> {
        for record in &mut records {
            record.partition = self.from(&record.partition);
        }
        records
    }
}

#[async_trait]
impl Broker for Prefixed {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn cluster_id(&self) -> Result<String, Error> {
        self.inner.cluster_id().await
    }

    async fn describe(&self, topic: &TopicName) -> Result<Option<TopicDescription>, Error> {
        self.inner.describe(&self.prefix.on(topic)).await
    }

    async fn topics(&self) -> Result<Vec<TopicName>, Error> {
        let all = self.inner.topics().await?.into_iter();
        let ours = all.filter(|topic| topic.as_str().starts_with(&*self.prefix.0));
        Ok(ours.map(|topic| self.prefix.off(&topic)).collect())
    }

    async fn create(&self, topic: &NewTopic) -> Result<bool, Error> {
        self.inner
            .create(&NewTopic {
                name: self.prefix.on(&topic.name),
                ..topic.clone()
            })
            .await
    }

    async fn send(&self, record: Outgoing) -> Result<Delivery, Error> {
        self.inner
            .send(Outgoing {
                topic: self.prefix.on(&record.topic),
                ..record
            })
            .await
    }

    async fn join(&self, membership: Membership) -> Result<Box<dyn Consumer>, Error> {
        let membership = Membership {
            group: format!("{}{}", self.prefix.0, membership.group),
            topics: membership
                .topics
                .iter()
                .map(|topic| self.prefix.on(topic))
                .collect(),
            ..membership
        };
        let inner = self.inner.join(membership).await?;
        Ok(Box::new(Member {
            inner,
            prefix: self.prefix.clone(),
            answering: Vec::new(),
        }))
    }

    async fn read(&self, from: BTreeMap<TopicPartition, i64>) -> Result<Box<dyn Reader>, Error> {
        let inner = self.inner.read(self.prefix.map_at(from)).await?;
        Ok(Box::new(Reading {
            inner,
            prefix: self.prefix.clone(),
        }))
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<(i64, i64), Error> {
        self.inner.watermarks(&self.prefix.at(partition)).await
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<i64, Error> {
        self.inner
            .offset_at(&self.prefix.at(partition), timestamp_ms)
            .await
    }

    async fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let group = format!("{}{group}", self.prefix.0);
        let partitions: Vec<_> = partitions.iter().map(|at| self.prefix.at(at)).collect();
        Ok(self
            .prefix
            .map_from(self.inner.committed(&group, &partitions).await?))
    }
}

struct Member {
    inner: Box<dyn Consumer>,
    prefix: Prefix,
    // Passes answers on; dropped with the member, as the member's own would be.
    answering: Vec<tokio::task::JoinHandle<()>>,
}

impl Member {
    fn assigned(&mut self, outer: Assigned) -> Assigned {
        let partitions = outer
            .partitions
            .iter()
            .map(|at| self.prefix.from(at))
            .collect();
        let (inner, answer) = Assigned::new(partitions);
        let prefix = self.prefix.clone();
        self.pass(async move { outer.start_at(prefix.map_at(answer.await.unwrap_or_default())) });
        inner
    }

    fn revoked(&mut self, outer: Revoked) -> Revoked {
        let partitions = outer
            .partitions
            .iter()
            .map(|at| self.prefix.from(at))
            .collect();
        let (inner, answer) = Revoked::new(partitions);
        let prefix = self.prefix.clone();
        self.pass(async move { outer.release(prefix.map_at(answer.await.unwrap_or_default())) });
        inner
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the tests on Kafka run on tokio alone"
    )]
    fn pass(&mut self, answer: impl Future<Output = ()> + Send + 'static) {
        self.answering.retain(|task| !task.is_finished());
        self.answering.push(tokio::spawn(answer));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.answering
            .iter()
            .for_each(tokio::task::JoinHandle::abort);
    }
}

#[async_trait]
impl Consumer for Member {
    async fn next(&mut self) -> Signal {
        match self.inner.next().await {
            Signal::Records(records) => Signal::Records(self.prefix.records(records)),
            Signal::Assigned(assigned) => Signal::Assigned(self.assigned(assigned)),
            Signal::Revoked(revoked) => Signal::Revoked(self.revoked(revoked)),
            Signal::Lost(lost) => {
                Signal::Lost(lost.iter().map(|at| self.prefix.from(at)).collect())
            }
            other @ (Signal::Troubled(_) | Signal::Recovered | Signal::Failed(_)) => other,
        }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        let partitions: Vec<_> = partitions.iter().map(|at| self.prefix.at(at)).collect();
        self.inner.pause(&partitions);
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        let partitions: Vec<_> = partitions.iter().map(|at| self.prefix.at(at)).collect();
        self.inner.resume(&partitions);
    }

    async fn commit(&mut self, offsets: &BTreeMap<TopicPartition, i64>) -> Result<(), Error> {
        self.inner
            .commit(&self.prefix.map_at(offsets.clone()))
            .await
    }

    async fn leave(mut self: Box<Self>) {
        let inner = std::mem::replace(&mut self.inner, Box::new(Gone));
        inner.leave().await;
    }
}

/// What is left where a member was.
struct Gone;

#[async_trait]
impl Consumer for Gone {
    async fn next(&mut self) -> Signal {
        std::future::pending().await
    }

    fn pause(&mut self, _: &[TopicPartition]) {}

    fn resume(&mut self, _: &[TopicPartition]) {}

    async fn commit(&mut self, _: &BTreeMap<TopicPartition, i64>) -> Result<(), Error> {
        Ok(())
    }

    async fn leave(self: Box<Self>) {}
}

struct Reading {
    inner: Box<dyn Reader>,
    prefix: Prefix,
}

#[async_trait]
impl Reader for Reading {
    async fn next(&mut self) -> Result<Vec<Incoming>, Error> {
        Ok(self.prefix.records(self.inner.next().await?))
    }
}
