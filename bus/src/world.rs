//! The one seam to clock, randomness and executor.
//!
//! Everything in the bus that waits, asks the time, draws a number or starts a task does it through
//! a [`World`]. [`Live`] is the real one, on tokio; the simulator brings its own under a seed. No
//! other module may use tokio's timers or spawn, nor the wall clock: `clippy.toml` bans them.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{AbortHandle, Abortable, BoxFuture, Either};
use jiff::Timestamp;
use tokio::sync::oneshot;

mod live;
#[cfg(feature = "planted")]
mod planted;

pub use live::Live;
#[cfg(feature = "planted")]
pub use planted::Bug;

/// Clock, randomness and executor.
pub trait World: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, never going back.
    fn elapsed(&self) -> Duration;

    /// Resolves after the duration.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Runs a task on its own. Use [`spawn`], which gives a handle.
    fn start(&self, name: &'static str, task: BoxFuture<'static, ()>);

    /// A random number, uniform over all 64 bits.
    fn random(&self) -> u64;

    /// An event comes by this point. What is given back is waited for: it never ends where the
    /// instance is to end here. `None`, the usual case: it goes on.
    fn passes(&self, _point: Point) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// Whether the bus is to have this bug.
    #[cfg(feature = "planted")]
    fn has(&self, _bug: Bug) -> bool {
        false
    }
}

/// A point on the path of an event, at which a test may end an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// A record was taken from its lane.
    Taken,
    /// Its reaction has returned.
    Reacted,
    /// What it decided is in the store.
    Committed,
    /// The broker has what it emitted.
    Flushed,
    /// Its offset may be committed.
    Settled,
    /// A call to the outside is about to be made.
    Calling,
    /// It was answered.
    Called,
}

impl Point {
    /// All points, in path order.
    pub const ALL: [Self; 7] = [
        Self::Taken,
        Self::Calling,
        Self::Called,
        Self::Reacted,
        Self::Committed,
        Self::Flushed,
        Self::Settled,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Reacted => "reacted",
            Self::Committed => "committed",
            Self::Flushed => "flushed",
            Self::Settled => "settled",
            Self::Calling => "calling",
            Self::Called => "called",
        }
    }
}

/// The point at which a process ends itself, and how often it comes by before: `committed:10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillAt {
    /// The point.
    pub point: Point,
    /// The passing at which it ends, from 1.
    pub nth: u64,
}

impl std::str::FromStr for KillAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
        let point = Point::ALL.into_iter().find(|point| point.name() == name);
        let point = point.ok_or_else(|| {
            let names: Vec<_> = Point::ALL.iter().map(|point| point.name()).collect();
            format!("`{name}` is no point, which are {}", names.join(", "))
        })?;
        match nth.parse() {
            Ok(nth) if nth > 0 => Ok(Self { point, nth }),
            _ => Err(format!("`{nth}` is no number from 1")),
        }
    }
}

/// Lets an event come by a point.
pub(crate) async fn pass(world: &Shared, point: Point) {
    if let Some(held) = world.passes(point) {
        held.await;
    }
}

/// A world, shared.
pub type Shared = Arc<dyn World>;

/// Starts a task with a name.
pub fn spawn<F>(world: &Shared, name: &'static str, task: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (abort, registration) = AbortHandle::new_pair();
    let (done, result) = oneshot::channel();
    world.start(
        name,
        async move {
            let task = Abortable::new(AssertUnwindSafe(task).catch_unwind(), registration);
            let ended = match task.await {
                Ok(Ok(output)) => Ok(output),
                Ok(Err(panic)) => Err(Ended::Panicked(panic_message(&*panic))),
                Err(_) => Err(Ended::Aborted),
            };
            // Whoever started the task may have dropped its handle.
            let _ = done.send(ended);
        }
        .boxed(),
    );
    Task {
        name,
        abort,
        result,
    }
}

/// Runs a future for at most `limit`. `None`: the time was up, and the future was dropped.
pub async fn timeout<F: Future>(world: &Shared, limit: Duration, work: F) -> Option<F::Output> {
    let mut work = std::pin::pin!(work);
    // Most work is done at once, and then needs no timer.
    let at_once = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx)));
    if let Poll::Ready(output) = at_once.await {
        return Some(output);
    }
    match futures::future::select(work, world.sleep(limit)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// What a panic said, for a log line.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// A running task. Dropping it lets the task go on.
#[derive(Debug)]
pub struct Task<T> {
    name: &'static str,
    abort: AbortHandle,
    result: oneshot::Receiver<Result<T, Ended>>,
}

impl<T> Task<T> {
    /// The name it was started with.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Stops the task at its next await.
    pub fn abort(&self) {
        self.abort.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, Ended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A task whose executor is gone has sent nothing: it was stopped with it.
        Pin::new(&mut self.result)
            .poll(cx)
            .map(|ended| ended.unwrap_or(Err(Ended::Aborted)))
    }
}

/// A task that is stopped when this is dropped: it must not outlive whoever started it.
#[derive(Debug)]
pub struct Scoped<T>(Task<T>);

impl<T> Task<T> {
    /// Stops the task when the handle is dropped.
    pub fn scoped(self) -> Scoped<T> {
        Scoped(self)
    }
}

impl<T> Scoped<T> {
    /// Stops the task, and waits until it has let go of all it holds.
    pub async fn stop(self) {
        self.0.abort();
        // Whatever it was at, the caller asked for its end.
        let _ = self.await;
    }
}

impl<T> Future for Scoped<T> {
    type Output = Result<T, Ended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for Scoped<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a task ended without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was aborted, or its executor was shut down.
    Aborted,
    /// It panicked, with this message.
    Panicked(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aborted => f.write_str("the task was stopped"),
            Self::Panicked(message) => write!(f, "the task panicked: {message}"),
        }
    }
}

impl std::error::Error for Ended {}
