//! Waiting on a thread of ours for a future, for at most so long, and without missing a stop.
//!
//! The threads of this adapter belong to no runtime. Whatever wakes them, an answer, a command or a
//! record that came in, does it by `unpark`, so that one thread can wait for all of it at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use super::clock::Moment;

/// Longest nap between two looks at whether to stop.
const NAP: Duration = Duration::from_millis(50);

/// How a wait ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited<T> {
    /// With the future's output.
    Done(T),
    /// The time was up.
    TimeUp,
    /// `stop` said so.
    Stopped,
}

/// Polls `future` on this thread until it is done, `deadline` has come, or `stop` says so. `stop` is
/// asked several times a second.
pub(super) fn until<F: Future + Unpin>(
    mut future: F,
    deadline: Moment,
    mut stop: impl FnMut() -> bool,
) -> Waited<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = Pin::new(&mut future).poll(&mut cx) {
            return Waited::Done(output);
        }
        if stop() {
            return Waited::Stopped;
        }
        let left = deadline.left();
        if left.is_zero() {
            return Waited::TimeUp;
        }
        thread::park_timeout(left.min(NAP));
    }
}

/// Lets some time pass, unless `stop` says not to. Returns whether the time has passed.
pub(super) fn pause(length: Duration, stop: impl FnMut() -> bool) -> bool {
    let never = std::future::pending::<()>();
    until(never, Moment::within(length), stop) == Waited::TimeUp
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn an_answer_from_another_thread_ends_the_wait() {
        // Shows that the waiting thread is woken, not only asked now and then.
        let (answer, question) = oneshot::channel();
        let other = thread::Builder::new()
            .spawn(move || answer.send(7).unwrap())
            .unwrap();
        let deadline = Moment::within(Duration::from_secs(60));
        assert_eq!(until(question, deadline, || false), Waited::Done(Ok(7)));
        other.join().unwrap();
    }

    #[test]
    fn a_wait_ends_when_its_time_is_up_or_it_is_stopped() {
        // Shows both ends without an answer.
        let (_answer, mut question) = oneshot::channel::<()>();
        let soon = Moment::within(Duration::from_millis(1));
        assert_eq!(until(&mut question, soon, || false), Waited::TimeUp);
        let later = Moment::within(Duration::from_secs(60));
        assert_eq!(until(&mut question, later, || true), Waited::Stopped);
    }
}
