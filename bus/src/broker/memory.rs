//! The in-memory broker: Kafka's topics, partitions and consumer groups inside one process.
//!
//! It is a synchronous state machine, `cluster`, behind one lock, and async only here at its edge:
//! a client that finds nothing waits for its bell, which rings when there is something for that
//! client. Time and randomness come from the [`World`](crate::world::World), nothing is spawned, and
//! no runtime is needed, so that the simulator can run it under a seed.
//!
//! It refuses what would surprise on Kafka: unknown topics are not created, null keys are not stored
//! in compacted topics. **Nothing outlives the process**, and there is one copy of everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{
    Consumer, Delivery, Error, Membership, NewTopic, Outgoing, Reader, TopicDescription, TopicName,
    TopicPartition,
};
use crate::world;

mod cluster;
mod config;
mod consumer;
mod fetch;
mod group;
mod log;
mod range;
mod sticky;
mod reader;
mod topics;

pub use config::Config;

use cluster::{Cluster, Now, Step};

/// A cluster in this process. Clones are the same cluster.
#[derive(Clone)]
pub struct Broker {
    shared: Arc<Shared>,
}

impl Broker {
    /// An empty cluster with the default limits.
    pub fn new(world: world::Shared) -> Self {
        Self::of(world, Config::default())
    }

    /// An empty cluster with these limits. Fails with [`ErrorKind::Invalid`](super::ErrorKind) where
    /// they contradict each other.
    pub fn with(world: world::Shared, config: Config) -> Result<Self, Error> {
        config.check()?;
        Ok(Self::of(world, config))
    }

    fn of(world: world::Shared, config: Config) -> Self {
        // A new one each time: offsets stored under another cluster's id must not be taken for this
        // one's.
        let id = format!("memory-{:016x}", world.random());
        Self {
            shared: Arc::new(Shared {
                world,
                id,
                core: Mutex::new(Core {
                    cluster: Cluster::new(config),
                    bells: BTreeMap::new(),
                }),
            }),
        }
    }
}

#[async_trait]
impl super::Broker for Broker {
    fn name(&self) -> &str {
        "the in-memory broker"
    }

    async fn cluster_id(&self) -> Result<String, Error> {
        Ok(self.shared.id.clone())
    }

    async fn describe(&self, topic: &TopicName) -> Result<Option<TopicDescription>, Error> {
        Ok(self.shared.step(|cluster, _| cluster.describe(topic)))
    }

    async fn topics(&self) -> Result<Vec<TopicName>, Error> {
        Ok(self.shared.step(|cluster, _| cluster.topics().names()))
    }

    async fn create(&self, topic: &NewTopic) -> Result<bool, Error> {
        self.shared.step(|cluster, now| cluster.create(topic, now))
    }

    async fn send(&self, record: Outgoing) -> Result<Delivery, Error> {
        let position = self
            .shared
            .step(|cluster, now| cluster.append(record, now))?;
        let (done, delivery) = Delivery::new();
        // The receiver is in our hands: it cannot have been dropped.
        let _ = done.send(Ok(position));
        Ok(delivery)
    }

    async fn join(&self, membership: Membership) -> Result<Box<dyn Consumer>, Error> {
        let seat = self
            .shared
            .step(|cluster, now| cluster.join(membership, now))?;
        let bell = self.shared.bell(seat.id);
        Ok(Box::new(consumer::Consumer::new(
            Arc::clone(&self.shared),
            seat,
            bell,
        )))
    }

    async fn read(&self, from: BTreeMap<TopicPartition, i64>) -> Result<Box<dyn Reader>, Error> {
        let id = self.shared.step(|cluster, _| cluster.read(from))?;
        let bell = self.shared.bell(id);
        Ok(Box::new(reader::Reader::new(
            Arc::clone(&self.shared),
            id,
            bell,
        )))
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<(i64, i64), Error> {
        self.shared.step(|cluster, _| {
            let log = cluster.topics().log(partition)?;
            Ok((log.low(), log.high()))
        })
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<i64, Error> {
        self.shared.step(|cluster, _| {
            let log = cluster.topics().log(partition)?;
            Ok(log.offset_at(timestamp_ms))
        })
    }

    async fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        Ok(self
            .shared
            .step(|cluster, _| cluster.committed(group, partitions)))
    }
}

/// One consumer or reader, for as long as it lives. Later ones have higher numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ClientId(u64);

/// What all handles of one cluster share.
struct Shared {
    world: world::Shared,
    id: String,
    core: Mutex<Core>,
}

struct Core {
    cluster: Cluster,
    bells: BTreeMap<ClientId, Arc<Notify>>,
}

impl Shared {
    /// Takes one step of the state machine, and rings for those whom it concerns.
    fn step<T>(&self, work: impl FnOnce(&mut Cluster, Now) -> T) -> T {
        // A step that panicked is a bug that has been reported; others go on with what is there.
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that steps follow each other in time.
        let now = Now {
            wall_ms: self.world.now().as_millisecond(),
            elapsed: self.world.elapsed(),
        };
        let result = work(&mut core.cluster, now);
        for client in core.cluster.take_wakes() {
            if let Some(bell) = core.bells.get(&client) {
                bell.notify_one();
            }
        }
        result
    }

    /// The bell of a new client. It may have missed a ring, but it has yet to ask a first time.
    fn bell(&self, client: ClientId) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        core.bells.insert(client, Arc::clone(&bell));
        bell
    }

    /// Forgets a client's bell.
    fn hang_up(&self, client: ClientId) {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        core.bells.remove(&client);
    }
}

#[cfg(test)]
mod tests;
