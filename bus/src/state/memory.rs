//! The in-memory store: for tests, for the simulator, and for trying things out.
//!
//! Nothing in it outlives the process. One lock guards all of it and is never held across an await.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _, ready};
use jiff::Timestamp;

use super::{
    Applied, Change, Committed, Error, EventKey, EventPosition, OutboxRow, Query, RecordId, RowId,
    Store, Stored, Stores, Taken, Write,
};
use crate::broker::{Outgoing, TopicName, TopicPartition};

/// Rows that may wait in the outbox unless said otherwise.
const OUTBOX_ROWS_MAX: usize = 100_000;

/// A store in memory.
#[derive(Debug)]
pub struct Memory {
    outbox_rows_max: usize,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    records: BTreeMap<RecordId, Row>,
    inbox: HashMap<EventKey, Timestamp>,
    partitions: BTreeMap<TopicPartition, Taken>,
    outbox: BTreeMap<RowId, OutboxRow>,
    // Rows not yet flushed by topic and key, so that a commit finds the last before it at once.
    outbox_by_key: HashMap<(TopicName, Option<Bytes>), BTreeSet<RowId>>,
    last_row: RowId,
}

#[derive(Debug)]
struct Row {
    stored: Stored,
    indexes: BTreeMap<&'static str, String>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_outbox_rows_max(OUTBOX_ROWS_MAX)
    }

    /// An empty store that refuses changes while this many rows wait in its outbox.
    pub fn with_outbox_rows_max(outbox_rows_max: usize) -> Self {
        Self {
            outbox_rows_max,
            tables: Mutex::default(),
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // A panic while the lock was held would be a bug in this file; the data is still whole.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Store for Memory {
    async fn load(&self, record: &RecordId) -> Result<Option<Stored>, Error> {
        Ok(self
            .tables()
            .records
            .get(record)
            .map(|row| row.stored.clone()))
    }

    async fn page(&self, query: &Query) -> Result<Vec<(Arc<str>, Stored)>, Error> {
        let from = RecordId {
            kind: query.kind,
            key: query.after.clone().unwrap_or_default(),
        };
        let wanted = |row: &Row| match &query.index {
            Some((name, value)) => row.indexes.get(name) == Some(value),
            None => true,
        };
        let page = self
            .tables()
            .records
            .range(from..)
            .take_while(|(id, _)| id.kind == query.kind)
            .filter(|(id, row)| {
                query.after.as_ref() != Some(&id.key) && row.stored.json.is_some() && wanted(row)
            })
            .take(query.limit)
            .map(|(id, row)| (Arc::clone(&id.key), row.stored.clone()))
            .collect();
        Ok(page)
    }

    async fn seen(&self, event: &EventKey) -> Result<bool, Error> {
        Ok(self.tables().inbox.contains_key(event))
    }

    fn submit(&self, change: Arc<Change>) -> BoxFuture<'static, Result<Applied, Error>> {
        ready(self.tables().apply(&change, self.outbox_rows_max)).boxed()
    }

    async fn take(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Taken>, Error> {
        let mut tables = self.tables();
        let taken = partitions.iter().map(|at| {
            let taken = tables.partitions.entry(at.clone()).or_default();
            taken.epoch += 1;
            (at.clone(), taken.clone())
        });
        Ok(taken.collect())
    }

    async fn unflushed(&self, after: RowId, limit: usize) -> Result<Vec<OutboxRow>, Error> {
        let tables = self.tables();
        Ok(tables
            .outbox
            .range(after + 1..)
            .take(limit)
            .map(|(_, row)| row.clone())
            .collect())
    }

    async fn is_flushed(&self, row: RowId) -> Result<bool, Error> {
        Ok(!self.tables().outbox.contains_key(&row))
    }

    async fn flushed(&self, rows: &[RowId]) -> Result<(), Error> {
        let mut tables = self.tables();
        for row in rows {
            tables.forget_row(*row);
        }
        Ok(())
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, Error> {
        let mut tables = self.tables();
        let held = tables.inbox.len();
        tables.inbox.retain(|_, at| *at >= before);
        Ok((held - tables.inbox.len()) as u64)
    }
}

impl Tables {
    fn apply(&mut self, change: &Change, outbox_rows_max: usize) -> Result<Applied, Error> {
        let position = change.position.as_ref();
        if position.is_some_and(|at| self.is_fenced(at)) {
            return Ok(Applied::Fenced);
        }
        let event = change.event.as_ref();
        if event.is_some_and(|event| self.inbox.contains_key(event)) {
            // The same event may stand twice in a topic: its second place counts as handled too.
            self.mark_handled(position);
            return Ok(Applied::Duplicate);
        }
        let conflicts = self.conflicts(&change.reads);
        if !conflicts.is_empty() {
            return Ok(Applied::Conflict(conflicts));
        }
        if !change.outbox.is_empty() && self.outbox.len() >= outbox_rows_max {
            return Err(Error::outbox_full(outbox_rows_max));
        }
        if let Some(event) = &change.event {
            self.inbox.insert(event.clone(), change.at);
        }
        for (id, write) in &change.writes {
            self.write(id.clone(), write.clone());
        }
        self.mark_handled(position);
        Ok(Applied::Done(self.put_out(&change.outbox)))
    }

    fn is_fenced(&self, at: &EventPosition) -> bool {
        let taken = self.partitions.get(&at.partition);
        taken.map_or(0, |taken| taken.epoch) != at.epoch
    }

    fn conflicts(&self, reads: &BTreeMap<RecordId, u64>) -> Vec<RecordId> {
        let version = |id: &RecordId| self.records.get(id).map_or(0, |row| row.stored.version);
        reads
            .iter()
            .filter(|(id, read)| version(id) != **read)
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn write(&mut self, id: RecordId, write: Write) {
        let version = self.records.get(&id).map_or(0, |row| row.stored.version) + 1;
        let stored = Stored {
            version,
            json: write.json,
        };
        self.records.insert(
            id,
            Row {
                stored,
                indexes: write.indexes,
            },
        );
    }

    fn mark_handled(&mut self, position: Option<&EventPosition>) {
        let Some(at) = position else { return };
        let taken = self.partitions.entry(at.partition.clone()).or_default();
        let handled = taken.handled.get_or_insert_default();
        handled.add(at.offset, at.low_water);
    }

    fn put_out(&mut self, records: &[Outgoing]) -> Committed {
        if records.is_empty() {
            return Committed::default();
        }
        self.last_row += 1;
        let id = self.last_row;
        let mut after = BTreeSet::new();
        for record in records {
            let key = (record.topic.clone(), record.key.clone());
            let rows = self.outbox_by_key.entry(key).or_default();
            // The last one before suffices: it waits for its own.
            after.extend(rows.range(..id).next_back());
            rows.insert(id);
        }
        let after: Vec<RowId> = after.into_iter().collect();
        self.outbox.insert(
            id,
            OutboxRow {
                id,
                after: after.clone(),
                records: records.to_vec(),
            },
        );
        Committed {
            row: Some(id),
            after,
        }
    }

    fn forget_row(&mut self, id: RowId) {
        let Some(row) = self.outbox.remove(&id) else {
            return;
        };
        for record in row.records {
            let key = (record.topic, record.key);
            if let Some(rows) = self.outbox_by_key.get_mut(&key) {
                rows.remove(&id);
                if rows.is_empty() {
                    self.outbox_by_key.remove(&key);
                }
            }
        }
    }
}

/// Keeps one in-memory store for each service name, for as long as this lives: for one cluster.
#[derive(Debug)]
pub struct MemoryStores {
    outbox_rows_max: usize,
    stores: Mutex<BTreeMap<String, Arc<Memory>>>,
}

impl MemoryStores {
    /// No stores yet. Each will refuse changes while this many rows wait in its outbox.
    pub fn new(outbox_rows_max: usize) -> Self {
        Self {
            outbox_rows_max,
            stores: Mutex::default(),
        }
    }
}

impl Default for MemoryStores {
    fn default() -> Self {
        Self::new(OUTBOX_ROWS_MAX)
    }
}

#[async_trait]
impl Stores for MemoryStores {
    async fn open(&self, service: &str, _cluster: &str) -> Result<Arc<dyn Store>, Error> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Memory::with_outbox_rows_max(self.outbox_rows_max));
        Ok(Arc::clone(stores.entry(service.to_owned()).or_insert_with(new)) as Arc<dyn Store>)
    }
}
