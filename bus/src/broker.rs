//! The edge to a broker: what the bus asks of Kafka, and of the in-memory broker in its place.
//!
//! Two implementations stand behind these traits, [`memory`] and `kafka`, and one conformance
//! suite runs on both. Everything above this line is the same on either. The edge moves bytes: it
//! knows nothing of events, envelopes or reactions, and it never retries on its own what the
//! broker has refused for good.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;

mod assignor;
mod error;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
pub mod partitioner;
pub(crate) mod headers;
mod record;

pub use assignor::Assignor;
pub use error::{Error, ErrorKind};
pub use headers::Headers;
pub use record::{Incoming, Outgoing, Position, TopicName, TopicPartition};

use crate::event::Retention;

/// A cluster that keeps topics.
///
/// Every call may be made from many tasks at once. A call that cannot reach the cluster ends with
/// [`ErrorKind::Unreachable`] within the adapter's own time limit; it never hangs for ever.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// What to call this cluster in a message to a person, e.g. `kafka at 127.0.0.1:9092`.
    fn name(&self) -> &str;

    /// The cluster's own id, the same for every client.
    async fn cluster_id(&self) -> Result<String, Error>;

    /// Describes one topic, or `None` where there is none of that name.
    async fn describe(&self, topic: &TopicName) -> Result<Option<TopicDescription>, Error>;

    /// All topics' names except the cluster's own, sorted.
    async fn topics(&self) -> Result<Vec<TopicName>, Error>;

    /// Creates a topic. `Ok(false)`: it was there already, and is left as it was.
    async fn create(&self, topic: &NewTopic) -> Result<bool, Error>;

    /// Hands a record over. Waits only while the bounded queue of records in flight is full, or the
    /// first record of its partition is still under way.
    ///
    /// The delivery resolves once the broker has the record on all in-sync replicas. Records of one
    /// partition are stored in the order of these calls.
    async fn send(&self, record: Outgoing) -> Result<Delivery, Error>;

    /// Joins a consumer group.
    async fn join(&self, membership: Membership) -> Result<Box<dyn Consumer>, Error>;

    /// Reads partitions without a group, from the given offsets on (clamped to what is there).
    async fn read(&self, from: BTreeMap<TopicPartition, i64>) -> Result<Box<dyn Reader>, Error>;

    /// First offset that is there, and the offset that the next record will get.
    async fn watermarks(&self, partition: &TopicPartition) -> Result<(i64, i64), Error>;

    /// First offset with a timestamp at or after the given one in milliseconds; the high watermark
    /// where there is none.
    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<i64, Error>;

    /// Offsets that a group has committed. Partitions without a commit are left out.
    async fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error>;
}

/// What the cluster says about a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication: i32,
    /// Fewest in-sync copies that acks=all waits for, where the cluster tells.
    pub min_insync_replicas: Option<i32>,
    /// How long records are kept, where the cluster tells.
    pub retention: Option<Retention>,
}

/// A topic to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: TopicName,
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of each partition. `None`: the cluster's default.
    pub replication: Option<i32>,
    /// How long records are kept.
    pub retention: Retention,
}

/// How a member takes part in its consumer group.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The group: the service's name.
    pub group: String,
    /// Topics subscribed to.
    pub topics: Vec<TopicName>,
    /// Where a partition starts that the group has committed nothing for.
    pub start: Start,
    /// How the group shares its partitions out. A member that names another one than the others of
    /// its group fails for good.
    pub assignor: Assignor,
    /// A name that is this member's for ever, so that its restart within the session timeout moves
    /// no partition (`group.instance.id`). `None`: a dynamic member.
    pub instance: Option<String>,
    /// The group's coordinator gives the partitions away when it has heard nothing for this long.
    pub session_timeout: Duration,
    /// Longest that a revocation may take, and that a member may go without polling
    /// (`max.poll.interval.ms`).
    pub rebalance_timeout: Duration,
}

/// Where a new service starts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first record that is there.
    Beginning,
    /// At records that come from now on. The group remembers where that was, so that a member that
    /// takes over before the first commit loses nothing.
    Now,
    /// At the first record with this timestamp in milliseconds or a later one.
    At(i64),
}

/// One member of a consumer group.
///
/// Dropping it without [`Consumer::leave`] is what a crash looks like: the group finds out when the
/// session times out.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for what comes next. Cancel-safe: a dropped call loses nothing.
    async fn next(&mut self) -> Signal;

    /// Stops fetching these partitions without leaving the group. What was prefetched may be thrown
    /// away and fetched again. Partitions that are not assigned are passed over. A pause ends when
    /// the partition is given up: assigned again, it is fetched.
    fn pause(&mut self, partitions: &[TopicPartition]);

    /// Takes up fetching again after [`Consumer::pause`].
    fn resume(&mut self, partitions: &[TopicPartition]);

    /// Commits, for each partition, the offset of the next record to be read.
    ///
    /// Fails with [`ErrorKind::Fenced`] where the member no longer owns a partition.
    async fn commit(&mut self, offsets: &BTreeMap<TopicPartition, i64>) -> Result<(), Error>;

    /// Leaves the group at once, so that others take over without waiting for a timeout. The member
    /// must have settled and committed what it wants to keep; no [`Signal::Revoked`] follows.
    ///
    /// A member with a name ([`Membership::instance`]) keeps its place until its session times out,
    /// as on Kafka: its restart is to move no partition.
    async fn leave(self: Box<Self>);
}

/// What a group member is told.
#[derive(Debug)]
pub enum Signal {
    /// Records of assigned partitions, in offset order per partition. Never empty.
    Records(Vec<Incoming>),
    /// These partitions are the member's from now on; records follow once it has answered. With
    /// [`Assignor::CooperativeSticky`] they come on top of those that it has. Where there are more
    /// members than partitions, there may be none: the member stands by.
    Assigned(Assigned),
    /// These partitions are to be given up; they stay the member's until it has answered, or until
    /// the rebalance timeout. With [`Assignor::Range`] these are all that it has; otherwise the
    /// others stay the member's, paused or not as they are, and it goes on with those.
    Revoked(Revoked),
    /// These partitions were taken away: somebody else may have them already. Nothing of them can be
    /// committed any more. The member joins again by itself.
    Lost(Vec<TopicPartition>),
    /// Something went wrong that the adapter will go on trying to mend by itself, or that was mended
    /// at a price, e.g. records that retention deleted before the group had read them.
    Troubled(Error),
    /// The trouble told of last is over. Where records or an assignment follow upon a trouble, that
    /// is over too, and this need not come.
    Recovered,
    /// The member has failed for good and must be built again. No further signal follows.
    Failed(Error),
}

/// Partitions that are the member's from now on. Dropping this unanswered is an answer without
/// positions.
#[derive(Debug)]
pub struct Assigned {
    /// The partitions added.
    pub partitions: Vec<TopicPartition>,
    reply: oneshot::Sender<BTreeMap<TopicPartition, i64>>,
}

impl Assigned {
    /// For an adapter: the signal, and where the answer arrives.
    pub fn new(
        partitions: Vec<TopicPartition>,
    ) -> (Self, oneshot::Receiver<BTreeMap<TopicPartition, i64>>) {
        let (reply, answer) = oneshot::channel();
        (Self { partitions, reply }, answer)
    }

    /// Takes the partitions over, reading from `positions`. A partition that is not named there
    /// starts at the group's committed offset, or else as [`Membership::start`] says.
    pub fn start_at(self, positions: BTreeMap<TopicPartition, i64>) {
        // The adapter may have been dropped meanwhile; then nobody waits for the answer.
        let _ = self.reply.send(positions);
    }
}

/// Partitions that are to be given up. Dropping this unanswered is an answer without offsets.
#[derive(Debug)]
pub struct Revoked {
    /// The partitions to give up.
    pub partitions: Vec<TopicPartition>,
    reply: oneshot::Sender<BTreeMap<TopicPartition, i64>>,
}

impl Revoked {
    /// For an adapter: the signal, and where the answer arrives.
    pub fn new(
        partitions: Vec<TopicPartition>,
    ) -> (Self, oneshot::Receiver<BTreeMap<TopicPartition, i64>>) {
        let (reply, answer) = oneshot::channel();
        (Self { partitions, reply }, answer)
    }

    /// Commits `offsets` and gives the partitions up.
    pub fn release(self, offsets: BTreeMap<TopicPartition, i64>) {
        // The adapter may have been dropped meanwhile; then nobody waits for the answer.
        let _ = self.reply.send(offsets);
    }
}

/// Reads partitions without a group.
#[async_trait]
pub trait Reader: Send {
    /// Waits for the next records, in offset order per partition. Never empty. Cancel-safe.
    async fn next(&mut self) -> Result<Vec<Incoming>, Error>;
}

/// Resolves once the broker has a record, or has refused it.
#[derive(Debug)]
pub struct Delivery(oneshot::Receiver<Result<Position, Error>>);

impl Delivery {
    /// For an adapter: the delivery, and where to say what became of it.
    pub fn new() -> (oneshot::Sender<Result<Position, Error>>, Self) {
        let (done, delivery) = oneshot::channel();
        (done, Self(delivery))
    }
}

impl Future for Delivery {
    type Output = Result<Position, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| {
            answer.unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Closed,
                    "the broker client was shut down before the record was acknowledged",
                ))
            })
        })
    }
}
