//! What is watched while a run goes on: what each instance does, against what it may.
//!
//! Broken invariants are noted in the chronicle, under the names of `docs/simulate.md`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quadrille::Event as _;
use quadrille::broker::{Outgoing, TopicName, TopicPartition};
use quadrille::prost::Message as _;
use quadrille::state::{Applied, Change, Error, RowId, Taken};
use quadrille::wire::{Activity, PresenceAnnounced};
use quadrille::world::Point;

use crate::decisions::{Decisions, receipt_of};
use crate::end::Broken;
use crate::executor::Owner;
use crate::holdings::{Holdings, Nth};
use crate::site::Site;

/// What is watched in one run.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    holdings: Holdings,
    decisions: Decisions,
    // The last that each instance has said of itself.
    activities: BTreeMap<Owner, Activity>,
    // How long a drain may take.
    drain: Duration,
}

impl Watch {
    /// How long a drain may take.
    pub(crate) fn drain(&self, drain: Duration) {
        self.seen().drain = drain;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.chronicle.watch.seen()
    }

    /// Notes where something does not hold.
    fn must(&self, invariant: &str, holds: Result<(), String>) {
        if let Err(why) = holds {
            let why = format!("{} {why}", self.name());
            self.chronicle.broken(Broken::new(invariant, why));
        }
    }

    /// Partitions are this instance's.
    pub(crate) fn is_assigned(&self, partitions: &[TopicPartition]) {
        self.seen().holdings.assigned(self.owner, partitions);
    }

    /// It hears that they are not any more.
    pub(crate) fn loses(&self, partitions: &[TopicPartition]) {
        let mut seen = self.seen();
        seen.holdings.lost(self.owner, partitions);
        seen.decisions.given_up(self.owner);
    }

    /// It is in its group no more.
    pub(crate) fn has_left(&self) {
        let mut seen = self.seen();
        seen.holdings.gone(self.owner);
        seen.decisions.given_up(self.owner);
    }

    /// It gives partitions up, so long after it was asked to.
    pub(crate) fn releases(&self, partitions: &[TopicPartition], waited: Duration) {
        let holds = {
            let mut seen = self.seen();
            seen.decisions.given_up(self.owner);
            let drain = seen.drain;
            let holdings = &mut seen.holdings;
            holdings.released(self.owner, partitions, waited, drain)
        };
        self.must("drained before given up", holds);
    }

    /// One of its events passes a point.
    pub(crate) fn is_at(&self, point: Point) {
        self.seen().holdings.passes(self.owner, point);
    }

    /// It has taken partitions over in its store.
    pub(crate) fn has_taken(&self, taken: &BTreeMap<TopicPartition, Taken>) {
        let took = self.seen().holdings.took(&self.service, self.owner, taken);
        self.must("one owner settles", took);
    }

    /// It has a store.
    pub(crate) fn keeps_state(&self) {
        self.seen().decisions.keeps(&self.service);
    }

    /// Its store could not do what it was told.
    pub(crate) fn is_refused(&self, change: &Change) {
        self.seen().decisions.refused(&self.service, change);
    }

    /// It submits a change, and this becomes of it. Gives its number, where it is of an event.
    pub(crate) fn has_submitted(
        &self,
        change: &Change,
        applied: &Result<Applied, Error>,
    ) -> Option<Nth> {
        let (service, owner) = (&self.service, self.owner);
        let mut seen = self.seen();
        let repeats = seen.decisions.submitted(service, change);
        if let Ok(Applied::Done(_)) = applied {
            seen.decisions.committed(service, change);
        }
        if let Ok(Applied::Duplicate) = applied {
            seen.decisions.noted(service, owner, change);
        }
        let submitted = match (&change.position, applied) {
            (Some(position), Ok(applied)) => seen
                .holdings
                .submitted(service, owner, position, applied)
                .map(Some),
            _ => Ok(None),
        };
        drop(seen);
        self.must("an attempt repeats", repeats);
        let (nth, settles) = match submitted {
            Ok(nth) => (nth, Ok(())),
            Err(why) => (None, Err(why)),
        };
        self.must("one owner settles", settles);
        nth
    }

    /// It hears what became of a change.
    pub(crate) fn is_answered(&self, nth: Nth) {
        self.seen().holdings.answered(self.owner, nth);
    }

    /// Rows are out, or its sweep has taken them on.
    pub(crate) fn has_out(&self, rows: &[RowId]) {
        self.seen().holdings.out(self.owner, rows);
    }

    /// It has committed offsets.
    pub(crate) fn has_committed(&self, offsets: &BTreeMap<TopicPartition, i64>) {
        let holds = self.seen().decisions.offsets(self.owner, offsets);
        self.must("a second copy has a receipt", holds);
    }

    /// It hands a record to the broker.
    pub(crate) fn hands(&self, record: &Outgoing) {
        let handed = self.seen().decisions.handed(&self.service, record);
        self.must("order of decisions", handed);
        if let (Some(receipt), Some(value)) = (receipt_of(record), &record.value) {
            let (named, counted, settled) = {
                let decisions = &mut self.seen().decisions;
                (
                    decisions.named(&receipt),
                    decisions.counted(&receipt),
                    decisions.settled(&receipt, value),
                )
            };
            self.must("receipts come last", named);
            self.must("attempts are counted", counted);
            self.must("done once where it stands", settled);
        }
        if record.topic.as_str() == PresenceAnnounced::SCHEMA.topic.name {
            self.announces(record);
        }
    }

    /// The broker has stored a record that it handed over.
    pub(crate) fn has_stored(&self, record: &Outgoing) {
        let holds = self.seen().decisions.stored(&self.service, record);
        self.must("order of decisions", holds);
    }

    fn announces(&self, record: &Outgoing) {
        let said = record.value.clone().map(PresenceAnnounced::decode);
        let Some(Ok(said)) = said else { return };
        let named: Vec<_> = said
            .assignment
            .iter()
            .filter_map(|at| {
                let topic = TopicName::parse(&at.topic).ok()?;
                Some(TopicPartition::new(topic, at.partition))
            })
            .collect();
        let holds = {
            let mut seen = self.seen();
            seen.activities.insert(self.owner, said.activity());
            seen.holdings.claims(self.owner, named.iter())
        };
        self.must("presence is true", holds);
    }

    /// It has ended, as it was asked to: the last that it said must be that.
    pub(crate) fn has_stopped(&self) {
        let last = self.seen().activities.get(&self.owner).copied();
        let holds = match last {
            // One that was stopped before it began has said nothing.
            None | Some(Activity::Stopped) => Ok(()),
            Some(other) => {
                let last = other.as_str_name();
                Err(format!("has stopped, and the last that it said is {last}"))
            }
        };
        self.must("presence is true", holds);
    }
}
