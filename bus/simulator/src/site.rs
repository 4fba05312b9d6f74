//! Where one instance of a service runs: its world, with its own clock and its own end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use jiff::{SignedDuration, Timestamp};
use quadrille::world::{Point, World};

use crate::chronicle::Chronicle;
use crate::executor::{Executor, NOBODY, Owner};
use crate::weather::{Crash, Passing, Weather};

/// When every run begins: 2026-01-01T00:00:00Z.
const BEGIN: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// Longest that the network, or a disk, takes where nothing is wrong.
const LATENCY_MAX: u64 = 12;

/// Where one instance runs, or what is around all of them.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) executor: Arc<Executor>,
    pub(crate) weather: Arc<Weather>,
    pub(crate) chronicle: Arc<Chronicle>,
    pub(crate) service: Arc<str>,
    pub(crate) owner: Owner,
    #[cfg(feature = "planted")]
    pub(crate) bug: Option<quadrille::world::Bug>,
}

impl Site {
    /// What is around all instances.
    pub(crate) fn around(
        executor: Arc<Executor>,
        weather: Arc<Weather>,
        chronicle: Arc<Chronicle>,
    ) -> Self {
        Self {
            executor,
            weather,
            chronicle,
            service: Arc::from("outside"),
            owner: NOBODY,
            #[cfg(feature = "planted")]
            bug: None,
        }
    }

    /// Where an instance of a service runs.
    pub(crate) fn of(&self, service: &Arc<str>, owner: Owner) -> Self {
        Self {
            service: Arc::clone(service),
            owner,
            ..self.clone()
        }
    }

    /// The instance's name, e.g. `payments/2`.
    pub(crate) fn name(&self) -> String {
        if self.owner == NOBODY {
            return self.service.to_string();
        }
        format!("{}/{}", self.service, self.owner)
    }

    /// What whoever asks an instance that has ended gets: no answer.
    pub(crate) async fn alive(&self) {
        if !self.executor.is_alive(self.owner) {
            std::future::pending::<()>().await;
        }
    }

    /// A moment, as the network and disks take it. Often none at all.
    pub(crate) fn moment(&self) -> Option<BoxFuture<'static, ()>> {
        let drawn = self.executor.random();
        if drawn & 1 == 0 {
            return None;
        }
        let micros = (drawn >> 1) % (LATENCY_MAX * 1_000);
        Some(self.executor.sleep(Duration::from_micros(micros)).boxed())
    }

    /// Waits for a moment.
    pub(crate) async fn latency(&self) {
        if let Some(moment) = self.moment() {
            moment.await;
        }
    }

    /// Writes a line of the story.
    pub(crate) fn tell(&self, what: impl FnOnce() -> String) {
        self.chronicle
            .tell(self.executor.elapsed(), || (self.name(), what()));
    }
}

impl World for Site {
    fn now(&self) -> Timestamp {
        let now = BEGIN + self.executor.elapsed();
        now + SignedDuration::from_millis(self.weather.skew(&self.service))
    }

    fn elapsed(&self) -> Duration {
        self.executor.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.executor.sleep(duration).boxed()
    }

    fn start(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        self.executor.spawn(self.owner, task);
    }

    fn random(&self) -> u64 {
        self.executor.random()
    }

    #[cfg(feature = "planted")]
    fn has(&self, bug: quadrille::world::Bug) -> bool {
        self.bug == Some(bug)
    }

    fn passes(&self, point: Point) -> Option<BoxFuture<'static, ()>> {
        if self.owner == NOBODY {
            return None;
        }
        if !self.executor.is_alive(self.owner) {
            return Some(std::future::pending().boxed());
        }
        self.is_at(point);
        match self.weather.passes(&self.service, point)? {
            Passing::Slow(wait) => {
                self.tell(|| format!("is slow at {} for {} ms", point.name(), wait.as_millis()));
                Some(self.sleep(wait))
            }
            Passing::Crash(back) => {
                self.tell(|| format!("CRASHES at {}", point.name()));
                self.executor.kill(self.owner);
                let owner = self.owner;
                self.weather.crashed(Crash { owner, back });
                Some(std::future::pending().boxed())
            }
        }
    }
}
