//! One member of a consumer group, as the group sees it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::super::super::{Assignor, Error, ErrorKind, Membership, Start, TopicPartition};
use super::super::fetch::{Fetcher, Skipped};
use super::super::log::Log;
use super::super::topics::Topics;
use super::super::{Config, Step};

/// One member of a consumer group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) membership: Membership,
    pub(super) stage: Stage,
    /// The partitions that are the member's, sorted. Nobody else has them.
    pub(super) owned: Vec<TopicPartition>,
    /// Those that the stage is about: given to it, or to be given up. Eager: all that it owns.
    pub(super) moving: Vec<TopicPartition>,
    /// Those that it is given once it has given up others. Eager: none.
    pub(super) follows: Vec<TopicPartition>,
    pub(super) fetcher: Fetcher,
    pub(super) presence: Presence,
    /// What it must be told of when it asks next.
    pub(super) troubles: VecDeque<Error>,
}

/// How far a member has got between two rebalances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Owns nothing and waits to be given something. Eager: until all others own nothing.
    Waiting,
    /// Was given partitions and does not know it yet.
    Given,
    /// Knows it, and has not said where to start.
    Taking,
    /// Reads, and nothing of what it has moves.
    Reading,
    /// Must give partitions up and does not know it yet.
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
            moving: Vec::new(),
            follows: Vec::new(),
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

    /// Whether it gives up all that it has whenever somebody comes or goes.
    pub(super) fn is_eager(&self) -> bool {
        self.membership.assignor == Assignor::Range
    }

    /// Whether the member is ready for a new assignment. One that is gone never is: it would be
    /// given partitions that nobody reads.
    pub(super) fn has_answered(&self) -> bool {
        let is_ready = match self.stage {
            Stage::Waiting => true,
            Stage::Reading => !self.is_eager(),
            _ => false,
        };
        is_ready && !self.is_gone()
    }

    /// Somebody has come or gone. Eager: takes the first step of giving everything up.
    pub(super) fn recall(&mut self) {
        // It has never known of them.
        let follows = std::mem::take(&mut self.follows);
        self.owned.retain(|at| !follows.contains(at));
        self.stage = match self.stage {
            Stage::Waiting => Stage::Waiting,
            Stage::Given => self.give_up_moving(),
            // Whoever takes partitions over is first left to finish that.
            Stage::Taking => Stage::Taking,
            Stage::Reading if self.owned.is_empty() => Stage::Waiting,
            Stage::Reading if self.is_eager() => {
                self.moving.clone_from(&self.owned);
                Stage::Recalled
            }
            Stage::Reading => Stage::Reading,
            Stage::Recalled => Stage::Recalled,
            Stage::Yielding => Stage::Yielding,
        };
    }

    /// Forgets the partitions that move. The stage that follows.
    pub(super) fn give_up_moving(&mut self) -> Stage {
        let moving = std::mem::take(&mut self.moving);
        self.owned.retain(|at| !moving.contains(at));
        self.fetcher.remove(|at| moving.contains(at));
        match self.owned.is_empty() {
            true => Stage::Waiting,
            false => Stage::Reading,
        }
    }

    /// Is given all of this, of which it owns nothing yet.
    pub(super) fn give(&mut self, partitions: Vec<TopicPartition>) {
        self.moving.clone_from(&partitions);
        self.owned.extend(partitions);
        self.owned.sort();
        self.stage = Stage::Given;
    }

    /// Starts to read at these positions. One behind the end is trouble, and the end is taken.
    pub(super) fn start_at(
        &mut self,
        group: &str,
        positions: BTreeMap<TopicPartition, i64>,
        topics: &Topics,
    ) {
        let mut from = BTreeMap::new();
        for (at, position) in positions {
            let Ok(log) = topics.log(&at) else {
                continue;
            };
            if position > log.high() {
                self.troubles.push_back(Error::new(
                    ErrorKind::Other,
                    format!(
                        "group `{group}` was to read {at} from offset {position}, but it ends at \
                         {}; reading goes on there",
                        log.high()
                    ),
                ));
            }
            from.insert(at, position.clamp(0, log.high()));
        }
        self.fetcher.add(from);
        self.moving.clear();
        self.stage = Stage::Reading;
    }

    /// Where a partition starts that the group has committed nothing for.
    pub(super) fn first_position(&self, log: &Log) -> i64 {
        match self.membership.start {
            Start::Beginning => log.low(),
            Start::At(timestamp_ms) => log.offset_at(timestamp_ms),
            Start::Now => log.high(),
        }
    }

    /// Whether it reads, or is about to, what the group last assigned.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Given | Stage::Taking | Stage::Reading)
    }

    /// Whether a partition is the member's, and it knows.
    pub(super) fn holds(&self, at: &TopicPartition) -> bool {
        // One that it released and was given again is its own only once it has heard of that.
        let is_news = self.stage == Stage::Given && self.moving.contains(at);
        !is_news && !self.follows.contains(at) && self.owned.binary_search(at).is_ok()
    }

    /// The partitions that are the member's, and it knows.
    pub(super) fn held(&self) -> Vec<TopicPartition> {
        let owned = self.owned.iter();
        owned.filter(|at| self.holds(at)).cloned().collect()
    }

    /// What the member hears next; `None`: nothing yet.
    pub(super) fn next(&mut self, group: &str, topics: &Topics, config: &Config) -> Option<Step> {
        if let Some(error) = self.troubles.pop_front() {
            return Some(Step::Troubled(error));
        }
        match self.stage {
            Stage::Given => {
                // With nothing to start at, there is no answer to wait for.
                self.stage = match self.moving.is_empty() {
                    true => Stage::Reading,
                    false => Stage::Taking,
                };
                Some(Step::Assigned(self.moving.clone()))
            }
            Stage::Recalled => {
                self.stage = Stage::Yielding;
                self.fetcher.close(&self.moving);
                Some(Step::Revoked(self.moving.clone()))
            }
            // What does not move goes on meanwhile.
            Stage::Waiting | Stage::Taking | Stage::Yielding | Stage::Reading => {
                let mut skipped = Vec::new();
                let records = self.fetcher.fetch(topics, config, &mut skipped);
                self.troubles
                    .extend(skipped.into_iter().map(|skipped| deleted(group, &skipped)));
                match records.is_empty() {
                    true => self.troubles.pop_front().map(Step::Troubled),
                    false => Some(Step::Records(records)),
                }
            }
        }
    }
}

/// The error for records that retention took before the group had read them.
fn deleted(group: &str, skipped: &Skipped) -> Error {
    Error::new(
        ErrorKind::Other,
        format!(
            "retention has deleted offsets {} to {} of {} before group `{group}` read them; reading \
             goes on at {}",
            skipped.from,
            skipped.to - 1,
            skipped.at,
            skipped.to
        ),
    )
}
