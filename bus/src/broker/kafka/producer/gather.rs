//! Records that wait while others of their partition are on their way, and then go out together.
//!
//! A record goes out at once where nothing of its partition is under way. Otherwise it waits for the
//! answer, and goes with all that came meanwhile. That is Nagle's algorithm (RFC 896), with records
//! for bytes: a partition that is seldom used has no delay, and one that is much used has batches.
//! Left to itself and without linger, librdkafka sends what it has for as long as it has fewer than
//! five requests under way, and a broker spends more on a small batch than on its records.
//!
//! Nothing waits for long: an answer that does not come lets go of them too, so that the time in
//! which librdkafka gives a record up begins soon after it was handed over. Whoever sets a linger
//! has librdkafka gather, and nothing waits here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::clock::Moment;

/// Longest that a record waits for an answer to those before it.
pub(super) const WAIT_MAX: Duration = Duration::from_millis(100);
/// As many records go out although there was no answer: a batch of them is large enough.
const RECORDS_MAX: usize = 1_000;
/// The same in bytes.
const BYTES_MAX: usize = 128 * 1024;

/// What waits for a partition.
#[derive(Debug)]
pub(super) struct Gather<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    /// Handed over and not answered. While there is none, nothing waits.
    under_way: usize,
    waiting: Vec<T>,
    bytes: usize,
    /// When the first of them came.
    since: Option<Moment>,
    /// Somebody hands over what has waited. Whoever comes meanwhile waits, so that order holds.
    is_letting_go: bool,
}

impl<T> Default for Gather<T> {
    fn default() -> Self {
        Self(Mutex::new(State {
            under_way: 0,
            waiting: Vec::new(),
            bytes: 0,
            since: None,
            is_letting_go: false,
        }))
    }
}

impl<T> Gather<T> {
    /// Hands one over at once, or has it wait. Where too much waits, all of it is handed over: `later`
    /// tells of each whether it is under way now.
    pub(super) fn pass<E>(
        &self,
        one: T,
        bytes: usize,
        at_once: impl FnOnce(T) -> Result<(), E>,
        later: impl FnMut(T) -> bool,
    ) -> Result<(), E> {
        let mut state = self.state();
        if state.under_way == 0 && !state.is_letting_go {
            at_once(one)?;
            state.under_way = 1;
            return Ok(());
        }
        state.since.get_or_insert_with(Moment::now);
        state.waiting.push(one);
        state.bytes += bytes;
        if state.waiting.len() >= RECORDS_MAX || state.bytes >= BYTES_MAX {
            self.let_go(state, later);
        }
        Ok(())
    }

    /// Notes an answer. With the last one, what waits is handed over.
    pub(super) fn answered(&self, later: impl FnMut(T) -> bool) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(1);
        if state.under_way == 0 {
            self.let_go(state, later);
        }
    }

    /// Hands over what has waited for too long by now.
    pub(super) fn overdue(&self, now: Moment, later: impl FnMut(T) -> bool) {
        let state = self.state();
        if state.since.is_some_and(|since| since.plus(WAIT_MAX) <= now) {
            self.let_go(state, later);
        }
    }

    /// Hands over what waits, and what comes while nothing of it is under way. Those who come do not wait
    /// for the handing over, which takes its time with a large batch.
    fn let_go<'a>(&'a self, mut state: MutexGuard<'a, State<T>>, mut later: impl FnMut(T) -> bool) {
        if state.is_letting_go {
            return;
        }
        state.is_letting_go = true;
        loop {
            let batch = std::mem::take(&mut state.waiting);
            state.bytes = 0;
            state.since = None;
            // Counted before: an answer may come before the last of them is handed over.
            state.under_way += batch.len();
            drop(state);
            let handed_over = batch.into_iter().map(&mut later);
            let refused = handed_over.filter(|is_under_way| !is_under_way).count();
            state = self.state();
            state.under_way = state.under_way.saturating_sub(refused);
            if state.under_way > 0 || state.waiting.is_empty() {
                break;
            }
        }
        state.is_letting_go = false;
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A lane and what has gone out, as batches.
    #[derive(Default)]
    struct Lane {
        gather: Gather<u32>,
        out: RefCell<Vec<u32>>,
    }

    impl Lane {
        fn pass(&self, one: u32, bytes: usize) {
            let passed =
                self.gather
                    .pass(one, bytes, |one| self.go(one), |one| self.go(one).is_ok());
            passed.unwrap();
        }

        fn go(&self, one: u32) -> Result<(), u32> {
            if one == u32::MAX {
                return Err(one);
            }
            self.out.borrow_mut().push(one);
            Ok(())
        }

        fn answered(&self) {
            self.gather.answered(|one| self.go(one).is_ok());
        }

        fn gone(&self) -> Vec<u32> {
            self.out.take()
        }
    }

    #[test]
    fn what_comes_while_another_is_under_way_goes_out_together() {
        // Shows that nothing waits where nothing is under way, that the rest goes with the last
        // answer, and in order.
        let lane = Lane::default();
        for one in 1..=4 {
            lane.pass(one, 1);
        }
        assert_eq!(lane.gone(), [1]);
        lane.answered();
        assert_eq!(lane.gone(), [2, 3, 4]);
        lane.pass(5, 1);
        lane.answered();
        lane.answered();
        assert!(lane.gone().is_empty(), "4 is under way");
        lane.answered();
        assert_eq!(lane.gone(), [5]);
        lane.answered();
        lane.pass(6, 1);
        assert_eq!(lane.gone(), [6]);
    }

    #[test]
    fn a_batch_that_is_large_enough_waits_for_nobody() {
        // Shows both limits.
        let lane = Lane::default();
        lane.pass(0, 1);
        for one in 1..=u32::try_from(RECORDS_MAX).unwrap() {
            lane.pass(one, 1);
        }
        assert_eq!(lane.gone().len(), 1 + RECORDS_MAX);
        lane.pass(7, BYTES_MAX - 1);
        assert!(lane.gone().is_empty());
        lane.pass(8, 1);
        assert_eq!(lane.gone(), [7, 8]);
    }

    #[test]
    fn who_comes_while_others_are_handed_over_waits_behind_them() {
        // Shows that order holds although nobody waits for the handing over, also where the answers
        // to all before it have come by then.
        let lane = Lane::default();
        lane.pass(1, 1);
        lane.pass(2, 1);
        lane.pass(3, 1);
        lane.gather.answered(|one| {
            if one < 10 {
                lane.pass(10 + one, 1);
            }
            let went = lane.go(one).is_ok();
            lane.answered();
            went
        });
        assert_eq!(lane.gone(), [1, 2, 3, 12, 13]);
    }

    #[test]
    fn one_that_is_refused_holds_nobody_up() {
        // Shows that only what is under way is waited for.
        let lane = Lane::default();
        let refused = lane.gather.pass(u32::MAX, 1, |one| lane.go(one), |_| true);
        assert_eq!(refused, Err(u32::MAX));
        lane.pass(1, 1);
        lane.pass(u32::MAX, 1);
        assert_eq!(lane.gone(), [1]);
        lane.answered();
        lane.pass(2, 1);
        assert_eq!(lane.gone(), [2]);
    }

    #[test]
    fn an_answer_that_does_not_come_lets_go_too() {
        // Shows that a record's own time begins although those before it have no answer.
        let lane = Lane::default();
        lane.pass(1, 1);
        lane.pass(2, 1);
        assert_eq!(lane.gone(), [1]);
        let now = Moment::now();
        lane.gather.overdue(now, |one| lane.go(one).is_ok());
        assert!(lane.gone().is_empty(), "it came just now");
        let late = now.plus(WAIT_MAX);
        lane.gather.overdue(late, |one| lane.go(one).is_ok());
        assert_eq!(lane.gone(), [2]);
    }
}
