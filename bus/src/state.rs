//! State: what a service remembers, and the one transaction in which a reaction's effects happen.
//!
//! A store keeps typed records by kind and key, each with a version. A reaction loads and decides
//! with no transaction open; [`Store::apply`] then checks the inbox and every version that the
//! decision rests on, and writes records, handled offset and outbox together or not at all. Records
//! are JSON text, so that people and other programs can read and total them.
//!
//! Every store passes the same conformance suite. A store never retries and never publishes: that
//! is [`crate::settle`]'s part.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) mod inbox;
pub(crate) mod locks;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use crate::broker::{Outgoing, TopicPartition};
use crate::id::{EventId, Source};

/// What a service keeps: a marker type that its kinds of record belong to.
pub trait State: Send + Sync + 'static {}

/// A service that keeps nothing.
impl State for () {}

/// One kind of record of a service's state.
///
/// Maps in it must be ordered (`BTreeMap`), so that equal records have equal text.
pub trait Record: Serialize + DeserializeOwned + Send + 'static {
    /// The state that this kind belongs to: only that service's reactions can load it.
    type In: State;

    /// Name of the kind, unique within the state, e.g. `item`.
    const KIND: &'static str;

    /// Values to find records by, by index name. Empty: found by key only.
    fn indexes(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::new()
    }
}

/// A record from its text. The error says which one does not fit.
pub(crate) fn parse<R: Record>(id: &RecordId, text: &str) -> Result<R, Error> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(
            ErrorKind::Unfit,
            format!("{id} in the store does not fit its type: {error}"),
        )
    })
}

/// Which record: its kind and key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// The kind, as [`Record::KIND`] says.
    pub kind: &'static str,
    /// The key within the kind.
    pub key: Arc<str>,
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.key)
    }
}

/// A record as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Tells this state of the record from every other one. In the store it counts the writes, from
    /// 1; a deleted record that is written again goes on counting, so that no reader mistakes it for
    /// the old one. For a change that is not yet in the store it is some other number.
    pub version: u64,
    /// The record as JSON text. `None`: deleted.
    pub json: Option<Arc<str>>,
}

/// A store for one service.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The SQLite store, where it is one: only that can be joined by a user's own transaction.
    #[cfg(feature = "sqlite")]
    fn as_sqlite(&self) -> Option<&sqlite::Sqlite> {
        None
    }

    /// Loads a record for a decision, also a deleted one. `None`: never written.
    ///
    /// It may show a change that was submitted and is not yet in the store. A decision that rests
    /// on one which then does not come about conflicts. See [`Store::confirm`] for what cannot be taken
    /// back.
    async fn load(&self, record: &RecordId) -> Result<Option<Stored>, Error>;

    /// Waits until a record is in the store as it was loaded, for a decision that is about to have an
    /// effect outside it: what is done there stays done, whatever becomes of a change under way.
    /// `false`: it is not there so, and the decision could only conflict.
    ///
    /// The default is for a store that shows nothing but what it holds.
    async fn confirm(&self, _record: &RecordId, _loaded: &Stored) -> Result<bool, Error> {
        Ok(true)
    }

    /// A record as it is in the store, for reading from outside decisions.
    async fn read(&self, record: &RecordId) -> Result<Option<Stored>, Error> {
        self.load(record).await
    }

    /// One page of the records of a kind, in key order, for reading from outside reactions.
    async fn page(&self, query: &Query) -> Result<Vec<(Arc<str>, Stored)>, Error>;

    /// Whether the inbox has this event.
    async fn seen(&self, event: &EventKey) -> Result<bool, Error>;

    /// Takes in what one reaction, or one decision at a door, amounts to: all of it or nothing.
    ///
    /// When this returns, later loads see the change; what it gives resolves when the change is in
    /// the store, or when it is clear that it will not be. Inbox first, then every version read, is
    /// checked there. A store may gather changes into one transaction; one that conflicts never
    /// holds up the others.
    fn submit(&self, change: Arc<Change>) -> BoxFuture<'static, Result<Applied, Error>>;

    /// Submits a change and waits for what becomes of it.
    async fn apply(&self, change: Change) -> Result<Applied, Error> {
        self.submit(Arc::new(change)).await
    }

    /// Takes partitions over: changes of whoever had them before are refused from now on. Says how
    /// far each has been handled.
    async fn take(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Taken>, Error>;

    /// Rows of the outbox that are not yet flushed and that nobody else is about to flush, oldest
    /// first, with a number above `after`.
    async fn unflushed(&self, after: RowId, limit: usize) -> Result<Vec<OutboxRow>, Error>;

    /// Whether the broker has this row's records, whoever was to flush it.
    async fn is_flushed(&self, row: RowId) -> Result<bool, Error>;

    /// Forgets rows whose records the broker has. The store may take its time with that; a crash
    /// before leads to their being published again.
    async fn flushed(&self, rows: &[RowId]) -> Result<(), Error>;

    /// Forgets some of what the inbox holds from before this time. Returns how many; 0: none left.
    async fn forget(&self, before: Timestamp) -> Result<u64, Error>;

    /// Lets go of what it is kept in, once all that was submitted is there. Whatever is asked of it
    /// afterwards is refused.
    async fn close(&self) {}
}

/// Which records to read, from outside reactions.
#[derive(Debug, Clone)]
pub struct Query {
    /// The kind.
    pub kind: &'static str,
    /// Name and value of an index. `None`: all records of the kind.
    pub index: Option<(&'static str, String)>,
    /// Keys above this one. `None`: from the first.
    pub after: Option<Arc<str>>,
    /// At most this many.
    pub limit: usize,
}

/// An event as the inbox knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// Who published it.
    pub source: Source,
    /// Its id.
    pub id: EventId,
}

/// What one reaction, or one decision at a door, amounts to.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The event reacted to. `None`: a decision at a door.
    pub event: Option<EventKey>,
    /// Where that event stands.
    pub position: Option<EventPosition>,
    /// Versions that the decision rests on: 0 for a record that was never written.
    pub reads: BTreeMap<RecordId, u64>,
    /// Records to write, or to delete where there is no text.
    pub writes: BTreeMap<RecordId, Write>,
    /// Records to publish: events and the receipt, in order.
    pub outbox: Vec<Outgoing>,
    /// When.
    pub at: Timestamp,
}

/// Where a handled event stands, and how far its partition has been handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPosition {
    /// The partition.
    pub partition: TopicPartition,
    /// The event's offset, handled by this change.
    pub offset: i64,
    /// Every offset below this one has been handled before.
    pub low_water: i64,
    /// As [`Store::take`] gave it.
    pub epoch: u64,
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// JSON text. `None`: delete the record.
    pub json: Option<Arc<str>>,
    /// Index values.
    pub indexes: BTreeMap<&'static str, String>,
}

/// What became of a [`Change`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It is in the store.
    Done(Committed),
    /// The inbox had the event: nothing was changed.
    Duplicate,
    /// These records were changed meanwhile: nothing was changed, decide again.
    Conflict(Vec<RecordId>),
    /// Somebody else has taken the event's partition over: nothing was changed, leave it to them.
    Fenced,
}

/// A change that is in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Its row in the outbox. `None`: there was nothing to publish.
    pub row: Option<RowId>,
    /// For each of its topics and keys, the last row before it that is not yet flushed: it goes
    /// first.
    pub after: Vec<RowId>,
}

/// Number of a row in the outbox: later commits have higher ones.
pub type RowId = u64;

/// A row of the outbox: what one handled event has to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number.
    pub id: RowId,
    /// For each of its topics and keys, the last row before it that is not yet flushed: it goes
    /// first.
    pub after: Vec<RowId>,
    /// What to publish, in order.
    pub records: Vec<Outgoing>,
}

/// A partition that was taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Counts the takings of the partition, from 1.
    pub epoch: u64,
    /// How far it has been handled. `None`: nothing is known of it.
    pub handled: Option<Handled>,
}

/// How far a partition has been handled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handled {
    /// Every offset below this one.
    pub low_water: i64,
    /// And these above it.
    pub above: BTreeSet<i64>,
}

impl Handled {
    /// Adds an offset, and what is known of those before it.
    pub fn add(&mut self, offset: i64, low_water: i64) {
        self.above.insert(offset);
        self.low_water = self.low_water.max(low_water);
        while self.above.remove(&self.low_water) {
            self.low_water += 1;
        }
        if self
            .above
            .first()
            .is_some_and(|first| *first < self.low_water)
        {
            self.above = self.above.split_off(&self.low_water);
        }
    }

    /// Whether an offset has been handled.
    pub fn contains(&self, offset: i64) -> bool {
        offset < self.low_water || self.above.contains(&offset)
    }
}

/// Where a service's store comes from, by the service's name.
#[async_trait]
pub trait Stores: Send + Sync + 'static {
    /// Opens the store of a service. Opened again under the same name, it is the same store. What it
    /// knows of handled offsets is of this cluster alone: another one counts from 0.
    async fn open(&self, service: &str, cluster: &str) -> Result<Arc<dyn Store>, Error>;
}

/// A store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Why.
    pub kind: ErrorKind,
    /// What was tried and what is to be done.
    pub message: String,
}

impl Error {
    /// An error with what was tried and why it failed.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// So many rows wait in the outbox that no more are taken.
    pub(crate) fn outbox_full(rows_max: usize) -> Self {
        let message = format!(
            "the outbox holds {rows_max} rows that the broker has not taken, its limit \
             (state.outbox_rows_max): try again when the broker answers"
        );
        Self::new(ErrorKind::OutboxFull, message)
    }
}

/// Why a store could not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The database is out of reach, locked or out of space: later it may work.
    Unavailable,
    /// A record's text does not fit its type.
    Unfit,
    /// The outbox is at its limit.
    OutboxFull,
    /// The context was used after its reaction had ended.
    Sealed,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// Whether it passes by itself, or once a person has mended it, with no fault in the event.
    pub(crate) fn is_weather(self) -> bool {
        matches!(self, Self::Unavailable | Self::OutboxFull)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handled_offsets_collapse_into_the_low_water_mark() {
        // Shows that what is kept per partition does not grow with what was handled.
        let mut handled = Handled::default();
        for (offset, low_water) in [(7, 5), (5, 5), (9, 5), (6, 5)] {
            handled.add(offset, low_water);
        }
        assert_eq!(
            handled,
            Handled {
                low_water: 8,
                above: BTreeSet::from([9])
            }
        );
        assert!(handled.contains(7) && handled.contains(9) && !handled.contains(8));

        // Then somebody who skipped 8 says so.
        handled.add(20, 12);
        assert_eq!(
            handled,
            Handled {
                low_water: 12,
                above: BTreeSet::from([20])
            }
        );
    }
}
