//! Writes groups of changes, each group in one short transaction.
//!
//! A task of its own and the only writer of this process. A group that the database refuses is
//! rolled back and its changes are written one by one, so that one that cannot be written holds up
//! nobody; but where the whole database is in trouble, all are told so at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::{Connection as _, SqlitePool};

use super::decide::{Written, decide};
use super::owner::Owner;
use super::queue::{Other, Queue, Submitted, Work};
use super::tables;
use super::trouble::{Trouble, is_everybodys};
use crate::state::{Applied, Error, RowId};
use crate::world;

/// Every write begins so: a transaction that reads first could not go on to write where another
/// process has written meanwhile.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
/// Wait before flushed rows are deleted again that could not be deleted.
const AGAIN: Duration = Duration::from_secs(1);

/// The writer of one store.
pub(super) struct Writer {
    pub(super) world: world::Shared,
    pub(super) path: Arc<Path>,
    pub(super) pool: SqlitePool,
    pub(super) cluster: Arc<str>,
    pub(super) owner: Arc<Owner>,
    pub(super) queue: Arc<Queue>,
    pub(super) written: Written,
    /// Rows in the outbox, as far as this process knows.
    pub(super) rows_waiting: Arc<AtomicUsize>,
    pub(super) outbox_rows_max: usize,
}

impl Writer {
    /// Writes until the store is closed.
    pub(super) async fn run(mut self) {
        while let Some(work) = self.queue.next(&self.world).await {
            match work {
                Work::Group(group, flushed) => self.group(group, &flushed).await,
                Work::Other(other) => self.other(other).await,
            }
        }
    }

    async fn group(&mut self, group: Vec<Submitted>, flushed: &[RowId]) {
        match self.write(&group, flushed).await {
            Ok(verdicts) => {
                self.queue.deleted();
                self.answer(group, verdicts);
            }
            Err(error) => {
                self.queue.not_deleted();
                if group.is_empty() && self.queue.give_up() {
                    // The store is closed: they are published again by whoever opens it.
                } else if group.is_empty() {
                    // They wait for a change, or for a while.
                    self.world.sleep(AGAIN).await;
                } else if group.len() == 1 || is_everybodys(&error) {
                    let error = Trouble::of(&self.path, "write changes")(error);
                    let verdicts = group.iter().map(|_| Err(error.clone())).collect();
                    self.answer(group, verdicts);
                } else {
                    for change in group {
                        Box::pin(self.group(vec![change], &[])).await;
                    }
                }
            }
        }
    }

    fn answer(&self, group: Vec<Submitted>, verdicts: Vec<Result<Applied, Error>>) {
        for (submitted, verdict) in group.into_iter().zip(verdicts) {
            self.queue.end(submitted, verdict);
        }
    }

    /// One transaction.
    async fn write(
        &mut self,
        group: &[Submitted],
        flushed: &[RowId],
    ) -> Result<Vec<Result<Applied, Error>>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let written = self.write_on(&mut connection, group, flushed).await;
        if written.is_err() {
            // In whatever state it is, nobody shall find it so.
            connection.close_on_drop();
        }
        written
    }

    async fn write_on(
        &mut self,
        connection: &mut sqlx::SqliteConnection,
        group: &[Submitted],
        flushed: &[RowId],
    ) -> Result<Vec<Result<Applied, Error>>, sqlx::Error> {
        let mut tx = connection.begin_with(BEGIN).await?;
        // First, so that nothing waits for them.
        let deleted = tables::outbox::delete_rows(&mut tx, flushed).await?;
        let changes: Vec<_> = group.iter().map(|one| &*one.change).collect();
        let mut view = tables::view(&mut tx, &self.cluster, &changes).await?;
        let tickets = group.iter().map(|one| (one.ticket, &*one.change));
        let rows_max = self.outbox_rows_max;
        let room = rows_max.saturating_sub(self.rows_waiting.load(Ordering::Relaxed));
        let decided = decide(tickets, &mut view, &self.written, room, rows_max);
        tables::write(&mut tx, &self.cluster, self.owner.name(), &view, &decided).await?;
        tx.commit().await?;
        let (added, waiting) = (decided.rows.len(), &self.rows_waiting);
        // Rows of other processes may be among those deleted, so that there were fewer known.
        let known = waiting.fetch_add(added, Ordering::Relaxed) + added;
        waiting.fetch_sub(deleted.min(known), Ordering::Relaxed);
        self.written.note(&decided);
        Ok(decided.verdicts)
    }

    async fn other(&self, other: Other) {
        // Whoever asked may have been dropped in a drain.
        match other {
            Other::Take(partitions, answer) => {
                let taken = tables::take(&self.pool, &self.cluster, &partitions).await;
                let taken = taken.map_err(Trouble::of(&self.path, "take partitions over"));
                let _ = answer.send(taken);
            }
            Other::Forget(before, answer) => {
                let forgotten = tables::forget(&self.pool, before).await;
                let forgotten = forgotten.map_err(Trouble::of(&self.path, "trim the inbox"));
                let _ = answer.send(forgotten);
            }
            Other::Adopt(owner, answer) => {
                let adopted = tables::outbox::adopt(&self.pool, &owner, self.owner.name()).await;
                let adopted = adopted.map_err(Trouble::of(&self.path, "adopt rows"));
                let _ = answer.send(adopted);
            }
        }
    }
}
