//! The real world, in which a test decides what becomes of an event at each point of its path.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use quadrille::world::{Live, Point, World};

/// The real world, watched. What `passes` gives back is waited for, as [`World::passes`] says.
pub struct Watched<F> {
    live: Live,
    passes: F,
}

impl<F: Fn(Point) -> Option<BoxFuture<'static, ()>>> Watched<F> {
    /// On the tokio runtime that this is called from.
    pub fn new(passes: F) -> Self {
        Self {
            live: Live::new(),
            passes,
        }
    }
}

impl<F> World for Watched<F>
where
    F: Fn(Point) -> Option<BoxFuture<'static, ()>> + Send + Sync + 'static,
{
    fn now(&self) -> Timestamp {
        self.live.now()
    }

    fn elapsed(&self) -> Duration {
        self.live.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.live.sleep(duration)
    }

    fn start(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.live.start(name, task);
    }

    fn random(&self) -> u64 {
        self.live.random()
    }

    fn passes(&self, point: Point) -> Option<BoxFuture<'static, ()>> {
        (self.passes)(point)
    }
}
