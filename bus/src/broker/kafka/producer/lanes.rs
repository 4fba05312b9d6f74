//! One record at a time into a partition until the first one is acknowledged.
//!
//! Brokers number an idempotent producer's batches for each partition, but take any number from one
//! that they know nothing of. While a leader is new, the first batch may be refused and the second,
//! which is under way already, stored; the first one is then taken for a repetition: it is
//! acknowledged and lost. Kafka's own clients have that hole (confluent-kafka-go #921), and a topic
//! that was created a moment ago falls into it every other minute under load. So a partition's
//! *lane* opens with the first acknowledgement, and stays open while it is used. From then on the
//! brokers refuse what comes out of turn, and librdkafka sends it again in order.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot::{self, error::TryRecvError};

use super::super::super::partitioner::partition_of;
use super::super::super::{Outgoing, TopicName};
use super::super::clock::Moment;
use super::flight::Ready;
use super::gather::Gather;

/// A lane that was not used for this long is closed: brokers forget a producer that is idle for a
/// day (`producer.id.expiration.ms`), or earlier where they were told to.
const IDLE_MAX: Duration = Duration::from_secs(600);

/// Records without a key go to one partition until it has got this much, then to the next, as
/// Java's sticky partitioner does for the sake of full batches.
const STICKY_BYTES: usize = 16 * 1024;

/// The lanes of all topics.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    topics: Mutex<BTreeMap<TopicName, Arc<Topic>>>,
}

/// One topic: how many partitions it has, as far as it is known, and a lane for each.
#[derive(Debug, Default)]
pub(super) struct Topic {
    /// Held while somebody asks how many partitions there are.
    pub(super) asking: tokio::sync::Mutex<Asked>,
    lanes: Mutex<Known>,
}

/// What the cluster said when it was last asked about a topic.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// It said that there is no such topic.
    pub(super) is_missing: bool,
}

#[derive(Debug, Default)]
struct Known {
    lanes: Vec<Arc<Entrance>>,
    sticky: usize,
    sticky_bytes: usize,
}

/// Where a record goes.
#[derive(Debug)]
pub(super) struct Way {
    /// The partition to ask for; `None` leaves it to librdkafka, which hashes as we do.
    pub(super) asked: Option<i32>,
    /// The partition that it will be.
    pub(super) expected: i32,
    entrance: Arc<Entrance>,
}

/// Where the senders into a lane meet. Whoever finds nobody waiting, and the lane open, goes in at
/// once; the others queue, each behind those who came before.
///
/// Only the queue is asynchronous: to hand a lock from task to task takes a wake-up each time, and
/// where nobody need wait, nobody should queue.
#[derive(Debug, Default)]
struct Entrance {
    /// How many queue, whoever is inside included.
    queue: Mutex<usize>,
    lane: tokio::sync::Mutex<Lane>,
    /// Those who have gone in, and wait for others to be answered.
    gather: Arc<Gather<Ready>>,
}

/// A place in the queue.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    // In this order: whoever finds nobody waiting finds the lane free.
    lane: tokio::sync::MutexGuard<'a, Lane>,
    _queued: Queued<'a>,
}

#[derive(Debug)]
struct Queued<'a>(&'a Entrance);

/// One partition's lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    state: State,
    /// The client that opened it: another one is unknown to the brokers.
    line: u64,
    used: Option<Moment>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    /// The first record is under way. It says whether it was acknowledged.
    Opening(oneshot::Receiver<bool>),
    Open,
}

impl Lanes {
    /// The lanes of a topic.
    pub(super) fn topic(&self, name: &TopicName) -> Arc<Topic> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        match topics.get(name) {
            Some(topic) => Arc::clone(topic),
            None => Arc::clone(topics.entry(name.clone()).or_default()),
        }
    }

    /// Forgets how many partitions a topic has: it has turned out to be wrong.
    pub(super) fn forget(&self, name: &TopicName) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.remove(name);
    }

    /// Hands over what has waited for too long for an answer to others.
    pub(super) fn overdue(&self, hand_over: impl Fn(Ready, &Arc<Gather<Ready>>) -> bool) {
        let now = Moment::now();
        let topics: Vec<_> = {
            let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
            topics.values().map(Arc::clone).collect()
        };
        for topic in topics {
            let lanes = topic.known().lanes.clone();
            for gather in lanes.iter().map(|lane| &lane.gather) {
                gather.overdue(now, |ready| hand_over(ready, gather));
            }
        }
    }
}

impl Topic {
    /// Notes how many partitions there are.
    pub(super) fn has(&self, partitions: i32) {
        let count = usize::try_from(partitions).unwrap_or(0);
        let mut known = self.known();
        known.lanes.resize_with(count, Arc::default);
    }

    /// Whether it is known how many partitions there are.
    pub(super) fn is_known(&self) -> bool {
        !self.known().lanes.is_empty()
    }

    /// The way of a record; `None` where it is not known how many partitions there are.
    pub(super) fn way(&self, record: &Outgoing) -> Option<Way> {
        let mut known = self.known();
        let count = known.lanes.len();
        if count == 0 {
            return None;
        }
        let partitions = i32::try_from(count).unwrap_or(i32::MAX);
        let (asked, expected) = match (record.partition, &record.key) {
            (Some(partition), _) => (Some(partition), partition),
            (None, Some(key)) => (None, partition_of(key, partitions)),
            (None, None) => {
                let sticky = i32::try_from(known.stick(record.size())).unwrap_or(0);
                (Some(sticky), sticky)
            }
        };
        let lane = usize::try_from(expected)
            .ok()
            .and_then(|number| known.lanes.get(number));
        Some(Way {
            asked,
            expected,
            // One that is not there is librdkafka's to refuse.
            entrance: lane.map(Arc::clone).unwrap_or_default(),
        })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The partition for a record without a key.
    fn stick(&mut self, bytes: usize) -> usize {
        if self.sticky_bytes >= STICKY_BYTES {
            self.sticky = (self.sticky + 1) % self.lanes.len();
            self.sticky_bytes = 0;
        }
        self.sticky_bytes += bytes.max(1);
        self.sticky
    }
}

impl Way {
    /// Where records of the partition wait for an answer to others.
    pub(super) fn gather(&self) -> &Arc<Gather<Ready>> {
        &self.entrance.gather
    }

    /// Does something in the lane at once, unless somebody waits there or it is not open for this
    /// client. `None`: it was not done.
    pub(super) fn at_once<T>(&self, line: u64, act: impl FnOnce() -> Option<T>) -> Option<T> {
        // Held meanwhile, so that nobody overtakes.
        let queue = self.entrance.queue();
        if *queue > 0 {
            return None;
        }
        let mut lane = self.entrance.lane.try_lock().ok()?;
        lane.is_open_to(line).then(act).flatten()
    }

    /// Waits for the turn in the lane, behind those who came before.
    pub(super) async fn turn(&self) -> Turn<'_> {
        *self.entrance.queue() += 1;
        let queued = Queued(&self.entrance);
        Turn {
            lane: self.entrance.lane.lock().await,
            _queued: queued,
        }
    }
}

impl Entrance {
    fn queue(&self) -> MutexGuard<'_, usize> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        *self.0.queue() -= 1;
    }
}

impl Deref for Turn<'_> {
    type Target = Lane;

    fn deref(&self) -> &Lane {
        &self.lane
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Lane {
        &mut self.lane
    }
}

impl Lane {
    /// Whether a record of this client may enter without waiting, and need not tell of itself.
    fn is_open_to(&mut self, line: u64) -> bool {
        self.close_unless_known(line);
        if let State::Opening(first) = &mut self.state {
            match first.try_recv() {
                Ok(true) => self.state = State::Open,
                Err(TryRecvError::Empty) => {}
                // Heard once, it is not to be heard again.
                Ok(false) | Err(TryRecvError::Closed) => self.state = State::Closed,
            }
        }
        matches!(self.state, State::Open)
    }

    /// Closes it to a client that brokers do not know here, or no longer.
    fn close_unless_known(&mut self, line: u64) {
        let now = Moment::now();
        let is_idle = self.used.is_none_or(|used| used.plus(IDLE_MAX) <= now);
        if self.line != line || (is_idle && matches!(self.state, State::Open)) {
            self.state = State::Closed;
        }
        self.used = Some(now);
        self.line = line;
    }

    /// Waits until a record may enter for this client. `Some`: it is the first, and whoever hears
    /// what became of it says so there. Cancel-safe.
    pub(super) async fn enter(&mut self, line: u64) -> Option<oneshot::Sender<bool>> {
        self.close_unless_known(line);
        if let State::Opening(first) = &mut self.state {
            // Where nobody heard of it, the client is gone, and the next one opens the lane.
            self.state = match first.await {
                Ok(true) => State::Open,
                Ok(false) | Err(_) => State::Closed,
            };
        }
        match self.state {
            State::Open => None,
            State::Closed | State::Opening(_) => {
                let (tell, heard) = oneshot::channel();
                self.state = State::Opening(heard);
                Some(tell)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::FutureExt as _;

    use super::*;
    use crate::broker::Headers;

    fn record(key: Option<&'static str>, partition: Option<i32>) -> Outgoing {
        Outgoing {
            topic: TopicName::parse("t").unwrap(),
            partition,
            key: key.map(Bytes::from),
            value: Some(Bytes::from_static(&[0; 1024])),
            headers: Headers::new(),
            timestamp_ms: None,
        }
    }

    fn topic(partitions: i32) -> Topic {
        let topic = Topic::default();
        topic.has(partitions);
        topic
    }

    #[test]
    fn a_second_record_waits_for_the_first_one_only() {
        // Shows that a lane opens with the first acknowledgement and then holds nobody up.
        let mut lane = Lane::default();
        let first = lane.enter(1).now_or_never().unwrap().unwrap();
        assert!(lane.enter(1).now_or_never().is_none());
        first.send(true).unwrap();
        for _ in 0..3 {
            assert!(lane.enter(1).now_or_never().unwrap().is_none());
        }
    }

    #[test]
    fn nobody_goes_in_ahead_of_those_who_wait() {
        // Shows that the way in without waiting is there only for an open lane without a queue.
        let topic = topic(1);
        let way = topic.way(&record(Some("k"), None)).unwrap();
        let goes_in = || way.at_once(1, || Some(())).is_some();
        assert!(!goes_in(), "the lane is closed");
        {
            let mut turn = way.turn().now_or_never().unwrap();
            let first = turn.enter(1).now_or_never().unwrap().unwrap();
            first.send(true).unwrap();
            assert!(!goes_in(), "somebody is inside");
            let mut second = Box::pin(way.turn());
            assert!(second.as_mut().now_or_never().is_none());
            drop(turn);
            assert!(!goes_in(), "somebody waits");
        }
        assert!(goes_in(), "nobody waits, and the first was acknowledged");
        assert!(way.at_once(2, || Some(())).is_none(), "to another client");

        // Where the first one failed, the next to wait is the first.
        for told in [Some(false), None] {
            let mut turn = way.turn().now_or_never().unwrap();
            let first = turn.enter(3).now_or_never().unwrap().unwrap();
            match told {
                Some(told) => first.send(told).unwrap(),
                None => drop(first),
            }
            drop(turn);
            assert!(way.at_once(3, || Some(())).is_none());
            let mut turn = way.turn().now_or_never().unwrap();
            drop(turn.enter(3).now_or_never().unwrap().unwrap());
        }
    }

    #[test]
    fn a_lane_stays_closed_where_the_first_record_fails() {
        // Shows that the next record is the first then, whether the failure was told or not.
        let mut lane = Lane::default();
        let failed = lane.enter(1).now_or_never().unwrap().unwrap();
        failed.send(false).unwrap();
        let lost = lane.enter(1).now_or_never().unwrap().unwrap();
        drop(lost);
        assert!(lane.enter(1).now_or_never().unwrap().is_some());
    }

    #[test]
    fn a_lane_is_closed_to_another_client_and_after_a_long_rest() {
        // Shows both ways in which brokers no longer know the producer.
        let mut lane = Lane::default();
        let open = |lane: &mut Lane, line| {
            let first = lane.enter(line).now_or_never().unwrap();
            first.map(|first| first.send(true).unwrap()).is_some()
        };
        assert!(open(&mut lane, 1));
        assert!(!open(&mut lane, 1));
        assert!(open(&mut lane, 2));
        assert!(!open(&mut lane, 2));
        lane.used = None;
        assert!(open(&mut lane, 2));
    }

    #[test]
    fn records_find_their_partition() {
        // Shows the order of preference, and that records without a key stay together for a while.
        assert!(Topic::default().way(&record(Some("k"), None)).is_none());
        let topic = topic(7);
        let way = topic.way(&record(Some("foobar"), Some(3))).unwrap();
        assert_eq!((way.asked, way.expected), (Some(3), 3));
        let way = topic.way(&record(Some("21"), None)).unwrap();
        assert_eq!((way.asked, way.expected), (None, 3));
        let beyond = topic.way(&record(None, Some(7))).unwrap();
        assert_eq!((beyond.asked, beyond.expected), (Some(7), 7));
        let sticky: Vec<_> = (0..40)
            .map(|_| topic.way(&record(None, None)).unwrap().expected)
            .collect();
        assert!(sticky.is_sorted());
        assert_eq!(sticky.iter().filter(|p| **p == 0).count(), 16);
        assert_eq!(sticky[39], 2);
    }
}
