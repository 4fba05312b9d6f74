//! The log of one partition.
//!
//! Offsets only grow. Retention drops records at the front and moves the low watermark; compaction
//! takes older records of a key out of the middle, leaves gaps, and moves no watermark. Key, value
//! and headers are shared with whoever sent them, never copied.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::super::{Headers, Incoming, TopicPartition};
use super::ClientId;

/// What keeping one record costs beside its own bytes.
const RECORD_OVERHEAD: usize = 128;

/// Fewest records that are worth a compaction.
const COMPACT_AT_LEAST: usize = 1_000;

/// What a record consists of, before it has an offset.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) timestamp_ms: i64,
    pub(super) key: Option<Bytes>,
    pub(super) value: Option<Bytes>,
    pub(super) headers: Headers,
}

impl Body {
    /// Bytes of key, value and headers.
    pub(super) fn payload(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len)
            + self.value.as_ref().map_or(0, Bytes::len)
            + self.headers.size()
    }

    /// Bytes that count against the broker's memory.
    pub(super) fn cost(&self) -> usize {
        self.payload() + RECORD_OVERHEAD
    }
}

#[derive(Debug)]
struct Stored {
    offset: i64,
    body: Body,
}

/// How much more one call may hand out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

/// The log of one partition.
#[derive(Debug)]
pub(super) struct Log {
    records: VecDeque<Stored>,
    low: i64,
    high: i64,
    /// Timestamps have never gone down, so that one can be searched for by halves.
    in_time_order: bool,
    newest_ms: i64,
    /// Records appended since the last compaction.
    dirty: usize,
    /// Who has read everything here and waits for more.
    waiting: BTreeSet<ClientId>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self {
            records: VecDeque::new(),
            low: 0,
            high: 0,
            in_time_order: true,
            newest_ms: i64::MIN,
            dirty: 0,
            waiting: BTreeSet::new(),
        }
    }

    /// First offset that is there.
    pub(super) fn low(&self) -> i64 {
        self.low
    }

    /// Offset that the next record will get.
    pub(super) fn high(&self) -> i64 {
        self.high
    }

    /// Stores a record at the end and says at which offset.
    pub(super) fn append(&mut self, body: Body) -> i64 {
        let offset = self.high;
        self.in_time_order &= body.timestamp_ms >= self.newest_ms;
        self.newest_ms = self.newest_ms.max(body.timestamp_ms);
        self.records.push_back(Stored { offset, body });
        self.high += 1;
        self.dirty += 1;
        offset
    }

    /// Who waited for what was appended. They wait no longer.
    pub(super) fn take_waiting(&mut self) -> BTreeSet<ClientId> {
        std::mem::take(&mut self.waiting)
    }

    /// Notes that a client has read everything and waits.
    pub(super) fn wait(&mut self, client: ClientId) {
        self.waiting.insert(client);
    }

    /// Notes that a client waits no longer, whether it did or not.
    pub(super) fn forget(&mut self, client: ClientId) {
        self.waiting.remove(&client);
    }

    /// Copies records from `position` on into `out` while there is room, and says where to go on.
    ///
    /// At least one record is copied where there is one and nothing has been copied yet: a record
    /// larger than the room must get through too.
    pub(super) fn read(
        &self,
        at: &TopicPartition,
        position: i64,
        room: &mut Room,
        out: &mut Vec<Incoming>,
    ) -> i64 {
        let from = self.index_of(position);
        for stored in self.records.range(from..) {
            let bytes = stored.body.payload();
            let fits = room.records > 0 && bytes <= room.bytes;
            if !fits && !out.is_empty() {
                // Spent, so that the next partition does not slip a small record past this one.
                room.records = 0;
                return stored.offset;
            }
            room.records = room.records.saturating_sub(1);
            room.bytes = room.bytes.saturating_sub(bytes);
            out.push(Incoming {
                partition: at.clone(),
                offset: stored.offset,
                timestamp_ms: stored.body.timestamp_ms,
                key: stored.body.key.clone(),
                value: stored.body.value.clone(),
                headers: stored.body.headers.clone(),
            });
        }
        // Also past a gap that compaction left at the end.
        self.high.max(position)
    }

    /// First offset with a timestamp at or after the given one; the high watermark where there is
    /// none.
    pub(super) fn offset_at(&self, timestamp_ms: i64) -> i64 {
        let late = |stored: &Stored| stored.body.timestamp_ms >= timestamp_ms;
        let found = if self.in_time_order {
            let index = self.records.partition_point(|stored| !late(stored));
            self.records.get(index)
        } else {
            self.records.iter().find(|stored| late(stored))
        };
        found.map_or(self.high, |stored| stored.offset)
    }

    /// Timestamp and offset of the first record.
    pub(super) fn front(&self) -> Option<(i64, i64)> {
        self.records
            .front()
            .map(|stored| (stored.body.timestamp_ms, stored.offset))
    }

    /// Drops the first record and says what it cost.
    pub(super) fn drop_front(&mut self) -> Option<usize> {
        let dropped = self.records.pop_front()?;
        self.low = self.front().map_or(self.high, |(_, offset)| offset);
        self.dirty = self.dirty.min(self.records.len());
        Some(dropped.body.cost())
    }

    /// Drops records at the front that are older than this, and says what they cost.
    pub(super) fn drop_before(&mut self, timestamp_ms: i64) -> usize {
        let mut freed = 0;
        while self.front().is_some_and(|(time, _)| time < timestamp_ms) {
            freed += self.drop_front().unwrap_or(0);
        }
        freed
    }

    /// Whether at least half of the log has not been compacted yet, as Kafka's
    /// `min.cleanable.dirty.ratio` has it. Compacting then costs each append a constant share.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty >= COMPACT_AT_LEAST && self.dirty * 2 >= self.records.len()
    }

    /// Keeps the newest record of each key, and drops tombstones older than this. Says what the
    /// dropped records cost.
    pub(super) fn compact(&mut self, tombstones_before_ms: i64) -> usize {
        let mut newest: BTreeMap<Bytes, i64> = BTreeMap::new();
        for stored in &self.records {
            if let Some(key) = &stored.body.key {
                newest.insert(key.clone(), stored.offset);
            }
        }
        let mut freed = 0;
        self.records.retain(|stored| {
            let superseded = stored
                .body
                .key
                .as_ref()
                .is_some_and(|key| newest.get(key) != Some(&stored.offset));
            let forgotten =
                stored.body.value.is_none() && stored.body.timestamp_ms < tombstones_before_ms;
            if superseded || forgotten {
                freed += stored.body.cost();
            }
            !superseded && !forgotten
        });
        self.dirty = 0;
        freed
    }

    /// Index of the first record at or after an offset.
    fn index_of(&self, offset: i64) -> usize {
        // Without gaps the index is a subtraction; compaction makes it a search.
        let Some(first) = self.records.front() else {
            return 0;
        };
        let guess = usize::try_from(offset - first.offset).unwrap_or(0);
        match self.records.get(guess) {
            Some(stored) if stored.offset == offset => guess,
            _ => self
                .records
                .partition_point(|stored| stored.offset < offset),
        }
    }
}

#[cfg(test)]
mod tests;
