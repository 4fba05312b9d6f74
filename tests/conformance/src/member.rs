//! A group member that answers what it is asked and remembers what it has read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use futures::future::{FutureExt as _, select_all};
use quadrille::broker::{
    Assignor, Consumer, ErrorKind, Incoming, Membership, Signal, Start, TopicName, TopicPartition,
};

use crate::Fixture;
use crate::fixture::text;

/// A group member that answers what it is asked and remembers what it has read.
///
/// It starts where the group committed, and on a revocation it commits all that it has read.
pub struct Member {
    /// The member, for what a case does itself.
    pub consumer: Box<dyn Consumer>,
    /// Partitions that are the member's.
    pub assigned: BTreeSet<TopicPartition>,
    /// How often it was given partitions, none included.
    pub assignments: usize,
    /// How often partitions were taken from it, with or without being asked.
    pub losses: usize,
    /// Everything that it has read, in the order in which it came.
    pub read: Vec<Incoming>,
    /// Offset of the next record of each partition of which it has read some since it got it.
    pub positions: BTreeMap<TopicPartition, i64>,
    /// Where to start instead of where the group committed.
    pub start_at: BTreeMap<TopicPartition, i64>,
}

impl Member {
    /// A dynamic member's way to take part, starting at the beginning. Both timeouts are longer
    /// than any case takes.
    pub fn ship(fixture: &Fixture, group: &str, topics: &[&TopicName]) -> Membership {
        let long = fixture.timeouts.patience * 2;
        Membership {
            group: group.to_owned(),
            topics: topics.iter().map(|topic| (*topic).clone()).collect(),
            start: Start::Beginning,
            assignor: Assignor::Range,
            instance: None,
            session_timeout: long,
            rebalance_timeout: long,
        }
    }

    /// Joins a group as [`Member::ship`] has it.
    pub async fn join(fixture: &Fixture, group: &str, topics: &[&TopicName]) -> Self {
        Self::join_as(fixture, Self::ship(fixture, group, topics)).await
    }

    /// Joins a group.
    pub async fn join_as(fixture: &Fixture, membership: Membership) -> Self {
        let consumer = fixture
            .patiently("a member joins", fixture.broker.join(membership))
            .await
            .expect("the group takes a member");
        Self {
            consumer,
            assigned: BTreeSet::new(),
            assignments: 0,
            losses: 0,
            read: Vec::new(),
            positions: BTreeMap::new(),
            start_at: BTreeMap::new(),
        }
    }

    /// Takes one signal and answers it. Cancel-safe.
    pub async fn step(&mut self) {
        let signal = self.consumer.next().await;
        self.answer(signal);
    }

    /// Answers a signal.
    pub fn answer(&mut self, signal: Signal) {
        match signal {
            Signal::Records(records) => self.take(records),
            Signal::Assigned(assigned) => {
                for at in &assigned.partitions {
                    assert!(self.assigned.insert(at.clone()), "{at} is given once");
                }
                self.assignments += 1;
                assigned.start_at(self.start_at.clone());
            }
            Signal::Revoked(revoked) => {
                self.forget(&revoked.partitions);
                let mut offsets = std::mem::take(&mut self.positions);
                self.positions = offsets.split_off_all(|at| self.assigned.contains(at));
                revoked.release(offsets);
            }
            Signal::Lost(partitions) => {
                self.forget(&partitions);
                self.positions.retain(|at, _| self.assigned.contains(at));
            }
            // A topic that is not there yet is trouble, and so is a broker that is slow to answer.
            Signal::Troubled(_) | Signal::Recovered => {}
            Signal::Failed(error) => panic!("the member has failed: {error}"),
        }
    }

    /// Values of everything that it has read, in the order in which they came.
    pub fn values(&self) -> Vec<String> {
        self.read.iter().map(text).collect()
    }

    /// Steps until something holds.
    pub async fn until(&mut self, fixture: &Fixture, what: &str, done: impl Fn(&Member) -> bool) {
        drive(fixture, what, &mut [self], |members| done(members[0])).await;
    }

    /// Steps until it has been given its partitions, none included.
    pub async fn until_assigned(&mut self, fixture: &Fixture) {
        self.until(fixture, "the member is given its partitions", |member| {
            member.assignments > 0
        })
        .await;
    }

    /// Commits all that it has read.
    pub async fn commit(&mut self, fixture: &Fixture) {
        let committed = self.consumer.commit(&self.positions);
        fixture
            .patiently("offsets are committed", committed)
            .await
            .expect("the member commits what is its own");
    }

    /// Leaves the group.
    pub async fn leave(self, fixture: &Fixture) {
        fixture
            .patiently("a member leaves", self.consumer.leave())
            .await;
    }

    /// Checks and remembers records.
    fn take(&mut self, records: Vec<Incoming>) {
        assert!(!records.is_empty(), "records are never empty");
        for record in &records {
            assert!(
                self.assigned.contains(&record.partition),
                "{} at {} is of an assigned partition",
                record.partition,
                record.offset
            );
            let next = self
                .positions
                .insert(record.partition.clone(), record.offset + 1);
            assert!(
                next.is_none_or(|next| next <= record.offset),
                "{} goes on at {} in order",
                record.partition,
                record.offset
            );
        }
        self.read.extend(records);
    }

    fn forget(&mut self, partitions: &[TopicPartition]) {
        self.losses += 1;
        for at in partitions {
            assert!(self.assigned.remove(at), "{at} was the member's");
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} after {} assignments, {} records read",
            self.assigned,
            self.assignments,
            self.read.len()
        )
    }
}

/// Steps several members in turn until something holds of them all.
///
/// Each step drops the others' waits, so that every case relies on their being cancel-safe.
pub async fn drive(
    fixture: &Fixture,
    what: &str,
    members: &mut [&mut Member],
    mut done: impl FnMut(&[&mut Member]) -> bool,
) {
    let limit = fixture.timeouts.patience;
    let started = fixture.world.elapsed();
    let mut turn = 0;
    while !done(members) {
        let left = limit.saturating_sub(fixture.world.elapsed() - started);
        if left == Duration::ZERO {
            panic!("waited {limit:?} in vain: {what}; members: {members:#?}");
        }
        // Each in turn is asked first, so that none that always has records starves the others.
        turn += 1;
        let first = turn % members.len();
        members.rotate_left(first);
        let steps = members.iter_mut().map(|member| member.step().boxed());
        // The time alone ends a wait in vain; the loop finds out.
        let _ = quadrille::world::timeout(&fixture.world, left, select_all(steps)).await;
        members.rotate_right(first);
    }
}

/// What the group says when a member no longer owns what it commits.
pub(crate) fn assert_fenced(result: Result<(), quadrille::broker::Error>) {
    let error = result.expect_err("what is no longer the member's cannot be committed");
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
}

trait SplitOffAll {
    /// Moves out what the condition holds of.
    fn split_off_all(&mut self, moves: impl Fn(&TopicPartition) -> bool) -> Self;
}

impl SplitOffAll for BTreeMap<TopicPartition, i64> {
    fn split_off_all(&mut self, moves: impl Fn(&TopicPartition) -> bool) -> Self {
        self.extract_if(.., |at, _| moves(at)).collect()
    }
}
