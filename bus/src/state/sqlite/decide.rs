//! What becomes of a group of changes, and what is to be written for it.
//!
//! Changes are judged one after the other, each on what those before it leave: fence, inbox,
//! versions, then room in the outbox, as in every store. One that is refused leaves no trace, and the
//! others go on.
//!
//! Pure: [`super::tables`] reads the view and writes what was decided.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bytes::Bytes;

use super::pending::{Ticket, ticket_of};
use crate::broker::{Outgoing, TopicName, TopicPartition};
use crate::state::{
    Applied, Change, Committed, Error, EventKey, EventPosition, RecordId, RowId, Taken, Write,
};

/// Versions written by changes of this process that are remembered, for decisions that rest on
/// them. One that rests on an older one conflicts and is made again.
const WRITTEN_MAX: usize = 100_000;

/// What the database holds of what a group asks about.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Partitions that were ever taken.
    pub(super) partitions: BTreeMap<TopicPartition, Taken>,
    /// Events that the inbox has.
    pub(super) seen: BTreeSet<EventKey>,
    /// Versions of records that are there.
    pub(super) versions: BTreeMap<RecordId, u64>,
    /// The last row that is to publish under a topic and key.
    pub(super) last_rows: BTreeMap<Lane, RowId>,
    /// The last row there ever was.
    pub(super) last_row: RowId,
}

/// A topic and key: what is published under one goes out in order.
pub(super) type Lane = (TopicName, Option<Bytes>);

/// What is to be written for a group.
#[derive(Debug, Default)]
pub(super) struct Decided<'a> {
    /// What became of each change, in order.
    pub(super) verdicts: Vec<Result<Applied, Error>>,
    /// Events for the inbox, with their times.
    pub(super) inbox: Vec<(&'a EventKey, jiff::Timestamp)>,
    /// Records, with their new versions. A record that was written twice stands here once.
    pub(super) records: BTreeMap<&'a RecordId, Writing<'a>>,
    /// Partitions whose handled offsets have changed: they stand in the view.
    pub(super) handled: BTreeSet<TopicPartition>,
    /// Rows for the outbox.
    pub(super) rows: Vec<(RowId, &'a [Outgoing])>,
}

/// One record as it is to be written.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    pub(super) version: u64,
    pub(super) ticket: Ticket,
    pub(super) write: &'a Write,
}

/// Which change of this process wrote which version, so that a decision that rests on a change
/// under way can be told from one that rests on something that never came about.
#[derive(Debug, Default)]
pub(super) struct Written {
    // Never iterated, so that no order can show.
    records: HashMap<RecordId, (Ticket, u64)>,
    order: VecDeque<(Ticket, RecordId)>,
}

impl Written {
    /// Notes what is in the database now.
    pub(super) fn note(&mut self, decided: &Decided<'_>) {
        for (id, written) in &decided.records {
            let (id, entry) = ((*id).clone(), (written.ticket, written.version));
            self.records.insert(id.clone(), entry);
            self.order.push_back((written.ticket, id));
        }
        while self.order.len() > WRITTEN_MAX {
            let Some((ticket, id)) = self.order.pop_front() else {
                return;
            };
            if self
                .records
                .get(&id)
                .is_some_and(|(last, _)| *last == ticket)
            {
                self.records.remove(&id);
            }
        }
    }

    fn is(&self, id: &RecordId, ticket: Ticket, version: u64) -> bool {
        self.records.get(id) == Some(&(ticket, version))
    }
}

/// Judges a group of changes, each with its ticket. `room` is for so many rows in the outbox, of
/// `rows_max`.
pub(super) fn decide<'a>(
    changes: impl IntoIterator<Item = (Ticket, &'a Change)>,
    view: &mut View,
    written: &Written,
    room: usize,
    rows_max: usize,
) -> Decided<'a> {
    let mut group = Group {
        view,
        written,
        decided: Decided::default(),
    };
    for (ticket, change) in changes {
        let verdict = if !change.outbox.is_empty() && group.decided.rows.len() >= room {
            group
                .refusal(change)
                .map_or_else(|| Err(Error::outbox_full(rows_max)), Ok)
        } else {
            Ok(group.judge(ticket, change))
        };
        group.decided.verdicts.push(verdict);
    }
    group.decided
}

struct Group<'a, 'v> {
    view: &'v mut View,
    written: &'v Written,
    decided: Decided<'a>,
}

impl<'a> Group<'a, '_> {
    fn judge(&mut self, ticket: Ticket, change: &'a Change) -> Applied {
        if let Some(refused) = self.refusal(change) {
            return refused;
        }
        if let Some(event) = &change.event {
            self.view.seen.insert(event.clone());
            self.decided.inbox.push((event, change.at));
        }
        for (id, write) in &change.writes {
            let version = self.version(id) + 1;
            self.view.versions.insert(id.clone(), version);
            let written = Writing {
                version,
                ticket,
                write,
            };
            self.decided.records.insert(id, written);
        }
        self.mark_handled(change.position.as_ref());
        Applied::Done(self.put_out(&change.outbox))
    }

    /// Why a change cannot be, unless it can.
    fn refusal(&mut self, change: &Change) -> Option<Applied> {
        let position = change.position.as_ref();
        if position.is_some_and(|at| self.is_fenced(at)) {
            return Some(Applied::Fenced);
        }
        let event = change.event.as_ref();
        if event.is_some_and(|event| self.view.seen.contains(event)) {
            // The same event may stand twice in a topic: its second place counts as handled too.
            self.mark_handled(position);
            return Some(Applied::Duplicate);
        }
        let conflicts: Vec<_> = change
            .reads
            .iter()
            .filter(|(id, read)| !self.is_current(id, **read))
            .map(|(id, _)| id.clone())
            .collect();
        (!conflicts.is_empty()).then_some(Applied::Conflict(conflicts))
    }

    fn is_fenced(&self, at: &EventPosition) -> bool {
        let taken = self.view.partitions.get(&at.partition);
        taken.map_or(0, |taken| taken.epoch) != at.epoch
    }

    fn version(&self, id: &RecordId) -> u64 {
        self.view.versions.get(id).copied().unwrap_or(0)
    }

    fn is_current(&self, id: &RecordId, read: u64) -> bool {
        let version = self.version(id);
        match ticket_of(read) {
            None => read == version,
            Some(ticket) => match self.decided.records.get(id) {
                Some(here) => here.ticket == ticket,
                None => self.written.is(id, ticket, version),
            },
        }
    }

    fn mark_handled(&mut self, position: Option<&EventPosition>) {
        let Some(at) = position else { return };
        let taken = self.view.partitions.entry(at.partition.clone());
        let handled = taken.or_default().handled.get_or_insert_default();
        handled.add(at.offset, at.low_water);
        self.decided.handled.insert(at.partition.clone());
    }

    fn put_out(&mut self, records: &'a [Outgoing]) -> Committed {
        if records.is_empty() {
            return Committed::default();
        }
        self.view.last_row += 1;
        let id = self.view.last_row;
        let mut after = BTreeSet::new();
        for lane in lanes(records) {
            // The last one before suffices: it waits for its own.
            after.extend(self.view.last_rows.insert(lane, id));
        }
        self.decided.rows.push((id, records));
        Committed {
            row: Some(id),
            after: after.into_iter().collect(),
        }
    }
}

/// Topics and keys of records, each once.
pub(super) fn lanes(records: &[Outgoing]) -> BTreeSet<Lane> {
    let lane = |record: &Outgoing| (record.topic.clone(), record.key.clone());
    records.iter().map(lane).collect()
}

#[cfg(test)]
mod tests;
