//! One member of a consumer group, as the group sees it.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::super::{Error, Membership, TopicPartition};
use super::super::fetch::Fetcher;

/// One member of a consumer group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) membership: Membership,
    pub(super) stage: Stage,
    /// The partitions that are the member's, sorted. Nobody else has them.
    pub(super) owned: Vec<TopicPartition>,
    pub(super) fetcher: Fetcher,
    pub(super) presence: Presence,
    /// What it must be told of when it asks next.
    pub(super) troubles: VecDeque<Error>,
}

/// How far a member has got between two rebalances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Owns nothing and waits until all others own nothing.
    Waiting,
    /// Was given partitions and does not know it yet.
    Given,
    /// Knows it, and has not said where to start.
    Taking,
    /// Reads.
    Reading,
    /// Must give its partitions up and does not know it yet.
    Recalled,
    /// Knows it, and has not given them up.
    Yielding,
}

/// Whether anybody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Asks for what comes next and waits.
    Listening,
    /// Is there, but has not asked since.
    Busy { since: Duration },
    /// Was dropped without leaving.
    Gone { since: Duration },
}

impl Member {
    /// A member that has just joined.
    pub(super) fn new(membership: Membership, now: Duration) -> Self {
        Self {
            membership,
            stage: Stage::Waiting,
            owned: Vec::new(),
            fetcher: Fetcher::default(),
            presence: Presence::Busy { since: now },
            troubles: VecDeque::new(),
        }
    }

    /// When the group gives the member up, as far as can be said now.
    pub(super) fn given_up_at(&self, now: Duration) -> Duration {
        match self.presence {
            // It may fall silent this very moment.
            Presence::Listening => now.saturating_add(self.membership.rebalance_timeout),
            Presence::Busy { since } => since.saturating_add(self.membership.rebalance_timeout),
            Presence::Gone { since } => since.saturating_add(self.membership.session_timeout),
        }
    }

    /// Whether it was dropped without leaving.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.presence, Presence::Gone { .. })
    }

    /// Whether the member is ready for a new assignment. One that is gone never is: it would be
    /// given partitions that nobody reads.
    pub(super) fn has_answered(&self) -> bool {
        self.stage == Stage::Waiting && !self.is_gone()
    }

    /// Takes the first step of giving everything up.
    pub(super) fn recall(&mut self) {
        self.stage = match self.stage {
            Stage::Waiting => Stage::Waiting,
            // It has never known of them.
            Stage::Given => self.give_up(),
            // Whoever takes partitions over is first left to finish that.
            Stage::Taking => Stage::Taking,
            Stage::Reading if self.owned.is_empty() => Stage::Waiting,
            Stage::Reading | Stage::Recalled => Stage::Recalled,
            Stage::Yielding => Stage::Yielding,
        };
    }

    /// Forgets all partitions. The stage that follows.
    pub(super) fn give_up(&mut self) -> Stage {
        self.owned.clear();
        self.fetcher = Fetcher::default();
        Stage::Waiting
    }

    /// Whether it reads, or is about to, what the group last assigned.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Given | Stage::Taking | Stage::Reading)
    }

    /// Whether a partition is the member's.
    pub(super) fn owns(&self, at: &TopicPartition) -> bool {
        self.owned.binary_search(at).is_ok()
    }
}
