//! Commits of a member's offsets, on a thread of their own.
//!
//! librdkafka's synchronous commit waits for a coordinator that is away for as long as a session,
//! and its asynchronous one never tells how it ended (rust-rdkafka #856). So a second thread waits,
//! the poll thread goes on polling, and a commit that takes too long is answered by the poll
//! thread, which looks at the time often. Commits that wait are made as one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::super::{Error, ErrorKind, TopicPartition};
use super::clock::Moment;

/// Most commits that wait. A member waits for each of its commits, so that more than a few are those
/// that it gave up waiting for.
const WAITING_MAX: usize = 64;

/// Offsets of the next records to be read.
pub(super) type Offsets = BTreeMap<TopicPartition, i64>;

type Answer = oneshot::Sender<Result<(), Error>>;

/// Commits on their way from the member to the thread that makes them.
#[derive(Debug, Default)]
pub(super) struct Commits {
    state: Mutex<State>,
    /// Rings for the thread.
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Offsets, Question)>,
    /// Those that the thread is at.
    running: Vec<Question>,
    is_closed: bool,
}

#[derive(Debug)]
struct Question {
    deadline: Moment,
    answer: Option<Answer>,
}

impl Question {
    fn answer(&mut self, result: Result<(), Error>) {
        if let Some(answer) = self.answer.take() {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(result);
        }
    }
}

impl Commits {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a commit. The answer comes by `deadline`, more or less.
    pub(super) fn ask(
        &self,
        offsets: Offsets,
        deadline: Moment,
    ) -> oneshot::Receiver<Result<(), Error>> {
        let (answer, result) = oneshot::channel();
        let mut question = Question {
            deadline,
            answer: Some(answer),
        };
        let mut state = self.state();
        if state.is_closed {
            question.answer(Err(closed()));
        } else if state.waiting.len() >= WAITING_MAX {
            question.answer(Err(too_late()));
        } else {
            state.waiting.push_back((offsets, question));
            self.bell.notify_one();
        }
        result
    }

    /// Answers those whose time is up. Their offsets may be committed all the same.
    pub(super) fn answer_late(&self) {
        let mut state = self.state();
        let State {
            waiting, running, ..
        } = &mut *state;
        let questions = waiting.iter_mut().map(|(_, question)| question);
        for question in questions.chain(running) {
            if question.deadline.has_come() {
                question.answer(Err(too_late()));
            }
        }
    }

    /// Makes commits until closed. `commit` is called with what waits, put together.
    pub(super) fn run(&self, commit: impl Fn(Offsets) -> Result<(), Error>) {
        while let Some(offsets) = self.take() {
            let result = commit(offsets);
            for mut question in std::mem::take(&mut self.state().running) {
                question.answer(result.clone());
            }
        }
    }

    /// Waits for commits and takes them all; `None` once closed.
    fn take(&self) -> Option<Offsets> {
        let mut state = self.state();
        while state.waiting.is_empty() && !state.is_closed {
            state = self
                .bell
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed {
            return None;
        }
        let mut together = Offsets::new();
        while let Some((offsets, question)) = state.waiting.pop_front() {
            // Later ones win: they were asked for later.
            together.extend(offsets);
            state.running.push(question);
        }
        Some(together)
    }

    /// Ends the thread once it has made the commit that it is at. Those that wait are refused.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        for (_, mut question) in std::mem::take(&mut state.waiting) {
            question.answer(Err(closed()));
        }
        self.bell.notify_one();
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Closed,
        "cannot commit offsets: the member has left its group",
    )
}

fn too_late() -> Error {
    Error::new(
        ErrorKind::Unreachable,
        "cannot commit offsets: kafka's group coordinator does not answer in time; is the broker \
         running?",
    )
}

/// The result of a commit whose answer was waited for; a lost answer means that nobody is there.
pub(super) fn result(
    answer: Result<Result<(), Error>, oneshot::error::RecvError>,
) -> Result<(), Error> {
    answer.unwrap_or_else(|_| Err(closed()))
}

/// Runs [`Commits::run`] on a thread of its own.
pub(super) fn start(
    group: &str,
    commits: Arc<Commits>,
    commit: impl Fn(Offsets) -> Result<(), Error> + Send + 'static,
) -> Result<std::thread::JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(format!("commit {group}"))
        .spawn(move || commits.run(commit))
        .map_err(|error| {
            Error::new(
                ErrorKind::Other,
                format!("cannot start a thread for commits of group `{group}`: {error}"),
            )
        })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::broker::TopicName;

    fn offsets(offset: i64) -> Offsets {
        let topic = TopicName::parse("t").unwrap();
        Offsets::from([(TopicPartition::new(topic, 0), offset)])
    }

    fn later() -> Moment {
        Moment::within(Duration::from_secs(60))
    }

    #[test]
    fn commits_that_wait_are_made_as_one_and_all_are_answered() {
        // Shows that a slow coordinator costs one round and not one for each commit that waits.
        let commits = Arc::new(Commits::default());
        let first = commits.ask(offsets(1), later());
        let second = commits.ask(offsets(2), later());
        let (made, seen) = mpsc::sync_channel(8);
        let thread = start("g", Arc::clone(&commits), move |offsets| {
            made.send(offsets).unwrap();
            Ok(())
        })
        .unwrap();
        assert!(result(first.blocking_recv()).is_ok());
        assert!(result(second.blocking_recv()).is_ok());
        commits.close();
        thread.join().unwrap();
        assert_eq!(seen.iter().collect::<Vec<_>>(), [offsets(2)]);
    }

    #[test]
    fn a_commit_that_takes_too_long_is_answered_without_its_result() {
        // Shows that the member is not held up by a coordinator that is away.
        let commits = Arc::new(Commits::default());
        let (release, gate) = mpsc::sync_channel::<()>(0);
        let (entered, inside) = mpsc::sync_channel::<()>(0);
        let gate = Mutex::new(gate);
        let thread = start("g", Arc::clone(&commits), move |_| {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap();
            Ok(())
        })
        .unwrap();
        let running = commits.ask(offsets(1), Moment::now());
        inside.recv().unwrap();
        let waiting = commits.ask(offsets(2), Moment::now());
        commits.answer_late();
        for answer in [running, waiting] {
            let error = result(answer.blocking_recv()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreachable);
        }
        commits.close();
        release.send(()).unwrap();
        thread.join().unwrap();
    }

    #[test]
    fn nothing_is_left_unanswered_at_the_end() {
        // Shows what a commit gets that comes too late, and that those waiting are limited.
        let commits = Commits::default();
        let waiting: Vec<_> = (0..=WAITING_MAX)
            .map(|_| commits.ask(offsets(1), later()))
            .collect();
        commits.close();
        let after = commits.ask(offsets(1), later());
        let mut kinds: Vec<_> = waiting
            .into_iter()
            .chain([after])
            .map(|answer| result(answer.blocking_recv()).unwrap_err().kind())
            .collect();
        assert_eq!(kinds.pop(), Some(ErrorKind::Closed));
        assert_eq!(kinds.pop(), Some(ErrorKind::Unreachable));
        assert!(kinds.iter().all(|kind| *kind == ErrorKind::Closed));
    }
}
