//! One assigned partition as a state machine: what was taken, what may run, what is finished.
//!
//! Consuming → Draining → Complete. While *consuming*, records move from the intake into lanes as
//! limits allow, and out of lanes as reactions. *Draining* begins when the partition is to be given
//! up: nothing new starts, what waits is dropped (its offset is not committed, so the next owner
//! gets it), what runs may end. *Complete* once nothing runs: the mark no longer moves. There is no
//! way back: a partition that returns gets a new assignment.
//!
//! Pure: no clock, no broker, no tasks. [`super::partition`] drives it.

use std::collections::VecDeque;

use super::lanes::{Lane, Lanes};
use super::low_water::LowWater;
use crate::broker::Incoming;
use crate::state::Handled;

/// Limits of one partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Records waiting behind one key.
    pub(crate) key_waiting_max: usize,
    /// Records waiting in all lanes.
    pub(crate) waiting_max: usize,
}

/// One assigned partition.
#[derive(Debug)]
pub(crate) struct Assignment {
    phase: Phase,
    limits: Limits,
    handled: Handled,
    intake: VecDeque<Incoming>,
    lanes: Lanes,
    water: LowWater,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Consuming,
    Draining,
}

/// A record that may be handled now.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) record: Incoming,
    /// The lane that it runs in.
    pub(crate) lane: Lane,
    /// The low-water mark when it started.
    pub(crate) low_water: i64,
}

impl Assignment {
    /// A partition that has just been assigned, with what the store knows to be handled.
    pub(crate) fn new(limits: Limits, handled: Handled, start: i64) -> Self {
        Self {
            phase: Phase::Consuming,
            limits,
            handled,
            intake: VecDeque::new(),
            lanes: Lanes::default(),
            water: LowWater::at(start),
        }
    }

    /// Takes records in, in offset order. Returns how many of them are held: those handled before
    /// and those that come a second time are not, nor is anything once the drain has begun.
    pub(crate) fn take(&mut self, records: impl IntoIterator<Item = Incoming>) -> usize {
        let mut held = 0;
        for record in records {
            if self.phase != Phase::Consuming || !self.water.take(record.offset) {
                continue;
            }
            if self.handled.contains(record.offset) {
                self.water.finish(record.offset);
                continue;
            }
            held += 1;
            self.intake.push_back(record);
        }
        held
    }

    /// The next record that may be handled.
    pub(crate) fn start(&mut self) -> Option<Started> {
        if self.phase != Phase::Consuming {
            return None;
        }
        self.fill_lanes();
        let (lane, record) = self.lanes.start()?;
        Some(Started {
            record,
            lane,
            low_water: self.water.mark(),
        })
    }

    /// Whether there is a record that may be handled now.
    pub(crate) fn can_start(&mut self) -> bool {
        self.fill_lanes();
        self.phase == Phase::Consuming && self.lanes.can_start()
    }

    /// A started record has ended. Unless it is finished, its offset holds the mark for ever: it is
    /// the next owner's.
    pub(crate) fn end(&mut self, lane: Lane, offset: i64, finished: bool) {
        assert!(
            finished || self.phase == Phase::Draining,
            "only a drain leaves a record unfinished"
        );
        self.lanes.end(lane);
        if finished {
            self.water.finish(offset);
        }
    }

    /// Begins to give the partition up. Returns how many held records were dropped.
    pub(crate) fn drain(&mut self) -> usize {
        let dropped = self.intake.len() + self.lanes.waiting();
        self.phase = Phase::Draining;
        self.intake.clear();
        self.lanes.clear_waiting();
        dropped
    }

    /// Whether nothing runs, and nothing will.
    pub(crate) fn is_complete(&self) -> bool {
        self.phase == Phase::Draining && self.lanes.running() == 0
    }

    /// The offset to commit: everything below is finished.
    pub(crate) fn mark(&self) -> i64 {
        self.water.mark()
    }

    fn fill_lanes(&mut self) {
        while self.lanes.waiting() < self.limits.waiting_max
            && let Some(next) = self.intake.pop_front()
        {
            if let Some(next) = self.lanes.push(next, self.limits.key_waiting_max) {
                self.intake.push_front(next);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::broker::{Headers, TopicName, TopicPartition};

    const LIMITS: Limits = Limits {
        key_waiting_max: 2,
        waiting_max: 10,
    };

    fn record(key: &'static str, offset: i64) -> Incoming {
        Incoming {
            partition: TopicPartition::new(TopicName::parse("t").unwrap(), 0),
            offset,
            timestamp_ms: 0,
            key: Some(Bytes::from(key)),
            value: None,
            headers: Headers::new(),
        }
    }

    fn assignment(records: &[(&'static str, i64)]) -> Assignment {
        let mut assignment = Assignment::new(LIMITS, Handled::default(), 0);
        assignment.take(records.iter().map(|(key, offset)| record(key, *offset)));
        assignment
    }

    /// Starts the next, which is this one.
    fn start(assignment: &mut Assignment, offset: i64) -> Lane {
        let started = assignment.start().unwrap();
        assert_eq!(started.record.offset, offset);
        started.lane
    }

    #[test]
    fn a_slow_key_holds_the_mark_but_not_the_others() {
        // Shows that other keys go on while one runs, and that the mark waits for it.
        let mut assignment = assignment(&[("slow", 0), ("a", 1), ("b", 2)]);
        let slow = start(&mut assignment, 0);
        for offset in [1, 2] {
            let lane = start(&mut assignment, offset);
            assignment.end(lane, offset, true);
            assert_eq!(assignment.mark(), 0);
        }
        assignment.end(slow, 0, true);
        assert_eq!(assignment.mark(), 3);
    }

    #[test]
    fn a_full_lane_stops_the_intake_until_it_moves() {
        // Shows the limit on one key: what comes behind waits in the intake, in order.
        let mut assignment = assignment(&[("a", 0), ("a", 1), ("a", 2), ("a", 3), ("b", 4)]);
        let a = start(&mut assignment, 0);
        assert!(assignment.start().is_none());
        assignment.end(a, 0, true);
        let started = [assignment.start().unwrap(), assignment.start().unwrap()];
        assert_eq!(started.map(|started| started.record.offset), [1, 4]);
    }

    #[test]
    fn a_drain_lets_end_what_runs_and_leaves_the_rest() {
        // Shows that what was dropped stays above the mark.
        let mut assignment = assignment(&[("a", 0), ("b", 1), ("a", 2)]);
        let (a, b) = (start(&mut assignment, 0), start(&mut assignment, 1));
        assert_eq!(assignment.drain(), 1);
        assert!(assignment.start().is_none());
        assert_eq!(assignment.take([record("c", 3)]), 0);
        assignment.end(a, 0, true);
        assert!(!assignment.is_complete());
        assignment.end(b, 1, false);
        assert!(assignment.is_complete());
        assert_eq!(assignment.mark(), 1);
    }

    #[test]
    fn what_the_store_knows_is_not_handled_again() {
        // Shows that offsets handled above the low-water mark are passed over.
        let mut handled = Handled::default();
        handled.add(1, 0);
        let mut assignment = Assignment::new(LIMITS, handled, 0);
        assert_eq!(assignment.take((0..3).map(|offset| record("a", offset))), 2);
        let a = start(&mut assignment, 0);
        assignment.end(a, 0, true);
        assert_eq!(assignment.mark(), 2);
    }
}
