//! The real world: the machine's clock, its randomness, and tokio.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;
use rustix::process::Signal;
use tokio::runtime::Handle;

use super::{KillAt, Point, World};

/// The machine's clock, its randomness, and a tokio runtime.
#[derive(Debug)]
pub struct Live {
    runtime: Handle,
    started: Instant,
    kill_at: Option<Kill>,
}

#[derive(Debug)]
struct Kill {
    at: KillAt,
    passed: AtomicU64,
}

impl Live {
    /// On the tokio runtime that this is called from.
    ///
    /// # Panics
    ///
    /// Where it is called outside a tokio runtime.
    pub fn new() -> Self {
        Self::on(Handle::current())
    }

    /// On the given tokio runtime.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge that owns the real clock"
    )]
    pub fn on(runtime: Handle) -> Self {
        Self {
            runtime,
            started: Instant::now(),
            kill_at: None,
        }
    }

    /// The same, in a process that ends itself at this point.
    #[must_use]
    pub fn killed_at(mut self, at: Option<KillAt>) -> Self {
        self.kill_at = at.map(|at| Kill {
            at,
            passed: AtomicU64::new(0),
        });
        self
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge that owns clock and executor"
)]
impl World for Live {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // Entered, so that the timer is registered with our runtime wherever this is called from.
        let _entered = self.runtime.enter();
        tokio::time::sleep(duration).boxed()
    }

    fn start(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        self.runtime.spawn(task);
    }

    fn random(&self) -> u64 {
        rand::random()
    }

    fn passes(&self, point: Point) -> Option<BoxFuture<'static, ()>> {
        let kill = self
            .kill_at
            .as_ref()
            .filter(|kill| kill.at.point == point)?;
        if kill.passed.fetch_add(1, Ordering::Relaxed) + 1 < kill.at.nth {
            return None;
        }
        // As `kill -9` would: nothing is flushed, dropped or said.
        let killed = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
        killed.expect("a process may end itself");
        Some(std::future::pending().boxed())
    }
}
