//! What a service on the bench stands on: a world in which time stands still and nothing runs in
//! the background, and no broker.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::broker::{
    Broker, Consumer, Delivery, Error, ErrorKind, Membership, NewTopic, Outgoing, Reader,
    TopicDescription, TopicName, TopicPartition,
};
use crate::world::World;

/// 2026-01-01T00:00:00Z, a day like any other.
const BEGIN: Duration = Duration::from_secs(1_767_225_600);

/// A world in which time passes only when it is told to, and nothing runs in the background.
pub(super) struct StillWorld {
    now: Mutex<Duration>,
    drawn: AtomicU64,
}

impl Default for StillWorld {
    fn default() -> Self {
        Self {
            now: Mutex::new(BEGIN),
            drawn: AtomicU64::new(0),
        }
    }
}

impl StillWorld {
    pub(super) fn pass(&self, time: Duration) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }

    fn time(&self) -> Duration {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World for StillWorld {
    fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.time().as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.time() - BEGIN
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.pass(duration);
        futures::future::ready(()).boxed()
    }

    fn start(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        // What was born at a door stays in the outbox, where the bench reads it.
        drop(task);
    }

    fn random(&self) -> u64 {
        // SplitMix64: every number differs from those before it, and each run draws the same.
        let nth = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        let mut z = nth.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// No broker: whatever is asked of it fails.
pub(super) struct NoBroker;

fn none<T>() -> Result<T, Error> {
    Err(Error::new(
        ErrorKind::Closed,
        "there is no broker on the bench",
    ))
}

#[async_trait]
impl Broker for NoBroker {
    fn name(&self) -> &str {
        "no broker"
    }

    async fn cluster_id(&self) -> Result<String, Error> {
        none()
    }

    async fn describe(&self, _: &TopicName) -> Result<Option<TopicDescription>, Error> {
        none()
    }

    async fn topics(&self) -> Result<Vec<TopicName>, Error> {
        none()
    }

    async fn create(&self, _: &NewTopic) -> Result<bool, Error> {
        none()
    }

    async fn send(&self, _: Outgoing) -> Result<Delivery, Error> {
        none()
    }

    async fn join(&self, _: Membership) -> Result<Box<dyn Consumer>, Error> {
        none()
    }

    async fn read(&self, _: BTreeMap<TopicPartition, i64>) -> Result<Box<dyn Reader>, Error> {
        none()
    }

    async fn watermarks(&self, _: &TopicPartition) -> Result<(i64, i64), Error> {
        none()
    }

    async fn offset_at(&self, _: &TopicPartition, _: i64) -> Result<i64, Error> {
        none()
    }

    async fn committed(
        &self,
        _: &str,
        _: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        none()
    }
}
