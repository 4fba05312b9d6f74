//! What waits for the writer: changes, in the order in which they were submitted, and the rest.
//!
//! A change becomes visible to loads in the same instant in which it gets its place in the queue, so
//! that whatever rests on it stands behind it. Rows whose records the broker has are deleted with
//! the next group of changes, or after a moment where there is none.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};

use super::pending::{Pending, Ticket};
use crate::broker::TopicPartition;
use crate::state::{Applied, Change, Error, ErrorKind, RecordId, RowId, Stored, Taken};
use crate::world;

/// Changes that may wait. What runs at once is limited elsewhere, long before this.
const WAITING_MAX: usize = 1_000_000;
/// Changes in one transaction: enough to share the wait for the disk, and no more than that a
/// caller waits for its answer.
const GROUP_MAX: usize = 1_000;
/// How long flushed rows wait for a change to share its transaction.
const FLUSHED_WAIT: Duration = Duration::from_millis(20);

/// What waits for the writer.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    // Tells all who wait that a change has ended.
    ended: Notify,
}

#[derive(Default)]
struct Waiting {
    pending: Pending,
    changes: VecDeque<Submitted>,
    others: VecDeque<Other>,
    flushed: BTreeSet<RowId>,
    // Taken by the writer, and not yet deleted.
    deleting: BTreeSet<RowId>,
    closed: bool,
}

/// A change, and who waits for what becomes of it.
pub(super) struct Submitted {
    pub(super) ticket: Ticket,
    pub(super) change: Arc<Change>,
    answer: oneshot::Sender<Result<Applied, Error>>,
}

/// What is written besides changes.
pub(super) enum Other {
    Take(Vec<TopicPartition>, Answer<BTreeMap<TopicPartition, Taken>>),
    Forget(Timestamp, Answer<u64>),
    Adopt(String, Answer<()>),
}

type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// What the writer is to do next.
pub(super) enum Work {
    Group(Vec<Submitted>, Vec<RowId>),
    Other(Other),
}

impl Queue {
    /// Takes a change in. The error: what becomes of it is clear at once.
    pub(super) fn submit(
        &self,
        change: Arc<Change>,
    ) -> Result<impl Future<Output = Result<Applied, Error>> + use<>, Result<Applied, Error>> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(Err(closed()));
        }
        if waiting.changes.len() >= WAITING_MAX {
            let message = format!("{WAITING_MAX} changes wait for the database: try again later");
            return Err(Err(Error::new(ErrorKind::Unavailable, message)));
        }
        let ticket = waiting.pending.admit(&change);
        let ticket = ticket.map_err(|stale| Ok(Applied::Conflict(stale)))?;
        let (answer, told) = oneshot::channel();
        waiting.changes.push_back(Submitted {
            ticket,
            change,
            answer,
        });
        drop(waiting);
        self.arrived.notify_one();
        Ok(answered(told))
    }

    /// The record as the last change under way leaves it.
    pub(super) fn under_way(&self, record: &RecordId) -> Option<Stored> {
        self.waiting().pending.get(record)
    }

    /// Waits until the change that wrote this version of a record has ended. `false`: another one was
    /// submitted on top of it meanwhile.
    pub(super) async fn ended(&self, record: &RecordId, version: u64) -> bool {
        loop {
            let ended = self.ended.notified();
            match self.under_way(record) {
                None => return true,
                Some(stored) if stored.version != version => return false,
                Some(_) => ended.await,
            }
        }
    }

    /// Tells what became of a change. From now on, its records are loaded from the database.
    pub(super) fn end(&self, submitted: Submitted, applied: Result<Applied, Error>) {
        let Submitted {
            ticket,
            change,
            answer,
        } = submitted;
        self.waiting().pending.end(ticket, &change);
        self.ended.notify_waiters();
        // Whoever waited may have been dropped in a drain.
        let _ = answer.send(applied);
    }

    pub(super) async fn take(
        &self,
        partitions: Vec<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Taken>, Error> {
        let (answer, told) = oneshot::channel();
        self.add(Other::Take(partitions, answer));
        answered(told).await
    }

    pub(super) async fn forget(&self, before: Timestamp) -> Result<u64, Error> {
        let (answer, told) = oneshot::channel();
        self.add(Other::Forget(before, answer));
        answered(told).await
    }

    pub(super) async fn adopt(&self, owner: String) -> Result<(), Error> {
        let (answer, told) = oneshot::channel();
        self.add(Other::Adopt(owner, answer));
        answered(told).await
    }

    fn add(&self, other: Other) {
        let mut waiting = self.waiting();
        // Dropped where it is closed, which tells whoever asked.
        if !waiting.closed {
            waiting.others.push_back(other);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Notes rows whose records the broker has.
    pub(super) fn flushed(&self, rows: &[RowId]) {
        self.waiting().flushed.extend(rows);
        self.arrived.notify_one();
    }

    /// Notes that flushed rows could not be deleted: they wait again.
    pub(super) fn not_deleted(&self) {
        let mut waiting = self.waiting();
        let mut rows = std::mem::take(&mut waiting.deleting);
        waiting.flushed.append(&mut rows);
    }

    /// Gives up deleting flushed rows, if closed: it could not be done, and nobody waits for ever.
    pub(super) fn give_up(&self) -> bool {
        let mut waiting = self.waiting();
        if waiting.closed {
            waiting.flushed.clear();
        }
        waiting.closed
    }

    /// Notes that they were.
    pub(super) fn deleted(&self) {
        self.waiting().deleting.clear();
    }

    /// Whether the broker is known to have a row's records.
    pub(super) fn is_flushed(&self, row: RowId) -> bool {
        let waiting = self.waiting();
        waiting.flushed.contains(&row) || waiting.deleting.contains(&row)
    }

    /// The rows that are known to be flushed, and may still be in the database.
    pub(super) fn known_flushed(&self) -> BTreeSet<RowId> {
        let waiting = self.waiting();
        waiting.flushed.union(&waiting.deleting).copied().collect()
    }

    /// Ends the writer once it has written what was submitted until now.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.arrived.notify_one();
    }

    /// What is to be done next. `None`: the store is gone, and all is written.
    pub(super) async fn next(&self, world: &world::Shared) -> Option<Work> {
        let mut waited = false;
        loop {
            let arrived = self.arrived.notified();
            let flushed_only = {
                let mut waiting = self.waiting();
                if let Some(other) = waiting.others.pop_front() {
                    return Some(Work::Other(other));
                }
                let has_rows = !waiting.flushed.is_empty();
                if !waiting.changes.is_empty() || has_rows && (waited || waiting.closed) {
                    return Some(waiting.group());
                }
                if waiting.closed {
                    return None;
                }
                has_rows
            };
            if flushed_only {
                futures::future::select(std::pin::pin!(arrived), world.sleep(FLUSHED_WAIT)).await;
                // A change may have come: it is taken with them.
                waited = true;
            } else {
                arrived.await;
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn group(&mut self) -> Work {
        let count = self.changes.len().min(GROUP_MAX);
        let changes = self.changes.drain(..count).collect();
        self.deleting = std::mem::take(&mut self.flushed);
        Work::Group(changes, self.deleting.iter().copied().collect())
    }
}

/// What the writer, or the reader, says. It may be gone, with the runtime that it ran on.
pub(super) async fn answered<T>(told: oneshot::Receiver<Result<T, Error>>) -> Result<T, Error> {
    told.await.unwrap_or_else(|_| Err(closed()))
}

/// What whoever comes too late is told.
pub(super) fn closed() -> Error {
    let message = "the store was closed before it answered: its service has ended";
    Error::new(ErrorKind::Unavailable, message)
}
