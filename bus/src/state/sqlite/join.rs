//! Inbox, handled offset and outbox inside a transaction of the user's own.
//!
//! That is how a service that has tables of its own emits events without a dual write: what it writes
//! and what it tells are committed together, or not at all. The tables are the same as those of a
//! database of our own, so that everything behind the commit, the sweep after a crash included, is
//! the same too.

use std::path::Path;
use std::sync::atomic::Ordering;

use sqlx::SqliteTransaction;

use super::decide::{Written, decide};
use super::{Sqlite, tables};
use crate::state::{Applied, Change, Error, ErrorKind};

impl Sqlite {
    /// Writes a change inside a transaction and commits that. Where the change cannot be, the
    /// transaction is rolled back.
    pub(crate) async fn commit(
        &self,
        mut tx: SqliteTransaction<'_>,
        change: &Change,
    ) -> Result<Applied, Error> {
        debug_assert!(change.reads.is_empty() && change.writes.is_empty());
        self.check_same(&mut tx).await?;
        let trouble = || self.trouble("commit a transaction");
        let view = tables::view(&mut tx, &self.cluster, &[change]).await;
        let mut view = view.map_err(trouble())?;
        let rows_max = self.outbox_rows_max;
        let room = rows_max.saturating_sub(self.rows_waiting.load(Ordering::Relaxed));
        let nothing = Written::default();
        let mut decided = decide([(0, change)], &mut view, &nothing, room, rows_max);
        let verdict = decided.verdicts.pop().expect("one was judged")?;
        if !matches!(verdict, Applied::Done(_)) {
            // What the user has written was for this event: it goes with it.
            tx.rollback().await.map_err(trouble())?;
            return Ok(verdict);
        }
        let written = tables::write(&mut tx, &self.cluster, self.owner.name(), &view, &decided);
        written.await.map_err(trouble())?;
        tx.commit().await.map_err(trouble())?;
        self.rows_waiting
            .fetch_add(decided.rows.len(), Ordering::Relaxed);
        Ok(verdict)
    }

    /// Refuses a transaction on another database: nobody would sweep its outbox.
    async fn check_same(&self, tx: &mut SqliteTransaction<'_>) -> Result<(), Error> {
        let file = tables::file(tx).await;
        let file = file.map_err(self.trouble("commit a transaction"))?;
        let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => a == b,
        };
        if same(Path::new(&file), &self.path) {
            return Ok(());
        }
        let message = format!(
            "the transaction is on {file}, but the service keeps its outbox in {}: give it the pool \
             of that database by `sqlite::Stores::within`",
            self.path.display()
        );
        Err(Error::new(ErrorKind::Other, message))
    }
}
