//! The real world: the machine's clock, its randomness, and tokio.

use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::World;

/// The machine's clock, its randomness, and a tokio runtime.
#[derive(Debug)]
pub struct Live {
    runtime: Handle,
    started: Instant,
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
        }
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
}
