//! A broker that comes later, and that counts who reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use quadrille::broker::{
    Broker, Consumer, Delivery, Error, ErrorKind, Membership, NewTopic, Outgoing, Reader,
    TopicDescription, TopicName, TopicPartition, memory,
};

/// The in-memory broker, behind a door.
pub(crate) struct Late {
    inner: memory::Broker,
    is_there: AtomicBool,
    reads: AtomicUsize,
}

impl Late {
    /// One that does not answer yet.
    pub(crate) fn new(inner: memory::Broker) -> Arc<Self> {
        Arc::new(Self {
            inner,
            is_there: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
        })
    }

    /// From now on it answers, or not.
    pub(crate) fn set_there(&self, is_there: bool) {
        self.is_there.store(is_there, Ordering::SeqCst);
    }

    /// How many readers were asked for.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn there(&self) -> Result<&memory::Broker, Error> {
        match self.is_there.load(Ordering::SeqCst) {
            true => Ok(&self.inner),
            false => Err(Error::new(ErrorKind::Unreachable, "nobody answers")),
        }
    }
}

#[async_trait]
impl Broker for Late {
    fn name(&self) -> &str {
        "late"
    }

    async fn cluster_id(&self) -> Result<String, Error> {
        self.there()?.cluster_id().await
    }

    async fn describe(&self, topic: &TopicName) -> Result<Option<TopicDescription>, Error> {
        self.there()?.describe(topic).await
    }

    async fn topics(&self) -> Result<Vec<TopicName>, Error> {
        self.there()?.topics().await
    }

    async fn create(&self, topic: &NewTopic) -> Result<bool, Error> {
        self.there()?.create(topic).await
    }

    async fn send(&self, record: Outgoing) -> Result<Delivery, Error> {
        self.there()?.send(record).await
    }

    async fn join(&self, membership: Membership) -> Result<Box<dyn Consumer>, Error> {
        self.there()?.join(membership).await
    }

    async fn read(&self, from: BTreeMap<TopicPartition, i64>) -> Result<Box<dyn Reader>, Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.there()?.read(from).await
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<(i64, i64), Error> {
        self.there()?.watermarks(partition).await
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<i64, Error> {
        self.there()?.offset_at(partition, timestamp_ms).await
    }

    async fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        self.there()?.committed(group, partitions).await
    }
}
