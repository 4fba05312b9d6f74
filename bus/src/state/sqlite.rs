//! The SQLite store: what the instances of a service on one host remember, in one file.
//!
//! Changes are gathered: whatever was submitted while a transaction was being written goes into the
//! next one, so that many events share one wait for the disk. A change is visible to later loads as
//! soon as it is submitted, so that lanes that decide on one hot record follow each other into the
//! same transaction. What keeps the state right is the check of versions inside of it.
//!
//! The tables are described in `sqlite/0001_tables.sql`. They may stand in a database of their own
//! ([`Stores::in_folder`]) or among a user's tables ([`Stores::within`]), where [`crate::Cx::commit`]
//! and [`crate::service::door::Through::commit`] write them inside the user's own transaction.
//!
//! It refuses a database that a newer version has written, and one of another service. It is not
//! for a network file system: there, locks do not hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt as _, ready};
use jiff::Timestamp;
use sqlx::SqlitePool;

mod decide;
mod join;
mod open;
mod owner;
mod pending;
mod queue;
mod reader;
mod row;
mod tables;
mod trouble;
mod writer;

use super::{
    Applied, Change, Error, EventKey, OutboxRow, Query, RecordId, RowId, Store, Stored, Taken,
};
use crate::broker::TopicPartition;
use crate::world::{self, Task};
use open::Opened;
use owner::Owner;
use queue::Queue;
use reader::Reader;
use trouble::Trouble;

/// Limits of a store. The defaults are those of `config.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Rows that this process may have in the outbox. At this many, changes that publish are
    /// refused.
    pub outbox_rows_max: usize,
    /// Longest wait for another process that is writing.
    pub busy_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            outbox_rows_max: 100_000,
            busy_timeout: Duration::from_secs(5),
        }
    }
}

/// Where the stores of services come from.
pub struct Stores {
    world: world::Shared,
    place: Place,
    options: Options,
}

enum Place {
    Folder(PathBuf),
    Pool(SqlitePool),
}

impl Stores {
    /// A file for each service, `<service>.sqlite`, in one folder. It is created if it is missing.
    pub fn in_folder(world: world::Shared, folder: impl Into<PathBuf>, options: Options) -> Self {
        let place = Place::Folder(folder.into());
        Self {
            world,
            place,
            options,
        }
    }

    /// Inside the database of one service that has tables of its own. It should be in WAL mode with
    /// `synchronous=FULL`, as in the example `bus/examples/own_tables.rs`.
    pub fn within(world: world::Shared, pool: SqlitePool, options: Options) -> Self {
        let place = Place::Pool(pool);
        Self {
            world,
            place,
            options,
        }
    }
}

#[async_trait]
impl super::Stores for Stores {
    async fn open(&self, service: &str, cluster: &str) -> Result<Arc<dyn Store>, Error> {
        let opened = match &self.place {
            Place::Folder(folder) => open::in_folder(folder, service, self.options).await?,
            Place::Pool(pool) => open::within(pool.clone(), service).await?,
        };
        Ok(Arc::new(Sqlite::new(
            &self.world,
            opened,
            cluster,
            self.options,
        )))
    }
}

/// The store of one service.
pub struct Sqlite {
    path: Arc<Path>,
    reading: SqlitePool,
    owner: Arc<Owner>,
    queue: Arc<Queue>,
    reader: Arc<Reader>,
    cluster: Arc<str>,
    rows_waiting: Arc<AtomicUsize>,
    outbox_rows_max: usize,
    writer: Mutex<Option<Task<()>>>,
    // Those that are its own, and not a user's.
    pools: Vec<SqlitePool>,
}

impl Sqlite {
    fn new(world: &world::Shared, opened: Opened, cluster: &str, options: Options) -> Self {
        let Opened {
            path,
            writing,
            reading,
            owner,
            rows_waiting,
            pools,
        } = opened;
        let (path, owner): (Arc<Path>, _) = (path.into(), Arc::new(owner));
        let (cluster, rows_waiting): (Arc<str>, _) =
            (cluster.into(), Arc::new(AtomicUsize::new(rows_waiting)));
        let (queue, reader) = (Arc::<Queue>::default(), Arc::<Reader>::default());
        let writer = writer::Writer {
            world: Arc::clone(world),
            path: Arc::clone(&path),
            pool: writing,
            cluster: Arc::clone(&cluster),
            owner: Arc::clone(&owner),
            queue: Arc::clone(&queue),
            written: decide::Written::default(),
            rows_waiting: Arc::clone(&rows_waiting),
            outbox_rows_max: options.outbox_rows_max,
        };
        // Both end when the store is dropped, the writer after it has written what it was given.
        let writer = world::spawn(world, "state writer", writer.run());
        drop(world::spawn(
            world,
            "state reader",
            Arc::clone(&reader).run(reading.clone(), Arc::clone(&path)),
        ));
        Self {
            path,
            reading,
            owner,
            queue,
            reader,
            cluster,
            rows_waiting,
            outbox_rows_max: options.outbox_rows_max,
            writer: Mutex::new(Some(writer)),
            pools,
        }
    }

    fn trouble(&self, doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        Trouble::of(&self.path, doing)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.queue.close();
        self.reader.close();
    }
}

#[async_trait]
impl Store for Sqlite {
    fn as_sqlite(&self) -> Option<&Sqlite> {
        Some(self)
    }

    async fn load(&self, record: &RecordId) -> Result<Option<Stored>, Error> {
        match self.queue.under_way(record) {
            Some(stored) => Ok(Some(stored)),
            None => self.reader.load(record.clone()).await,
        }
    }

    async fn confirm(&self, record: &RecordId, loaded: &Stored) -> Result<bool, Error> {
        if pending::ticket_of(loaded.version).is_none() {
            return Ok(true);
        }
        if !self.queue.ended(record, loaded.version).await {
            return Ok(false);
        }
        // Its version there is another one. Whoever wrote the same text since then does no harm.
        let stored = self.reader.load(record.clone()).await?;
        Ok(stored.is_some_and(|stored| stored.json == loaded.json))
    }

    async fn read(&self, record: &RecordId) -> Result<Option<Stored>, Error> {
        self.reader.load(record.clone()).await
    }

    async fn page(&self, query: &Query) -> Result<Vec<(Arc<str>, Stored)>, Error> {
        let page = tables::page(&self.reading, query).await;
        page.map_err(self.trouble("read records"))
    }

    async fn seen(&self, event: &EventKey) -> Result<bool, Error> {
        self.reader.seen(event.clone()).await
    }

    fn submit(&self, change: Arc<Change>) -> BoxFuture<'static, Result<Applied, Error>> {
        match self.queue.submit(change) {
            Ok(told) => told.boxed(),
            Err(at_once) => ready(at_once).boxed(),
        }
    }

    async fn take(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Taken>, Error> {
        self.queue.take(partitions.to_vec()).await
    }

    async fn unflushed(&self, after: RowId, limit: usize) -> Result<Vec<OutboxRow>, Error> {
        self.adopt().await?;
        let (mut found, mut after) = (Vec::new(), after);
        loop {
            // Asked before the database: a row that is being deleted may be in what it reads, and
            // forgotten here by then.
            let known = self.queue.known_flushed();
            let rows =
                tables::outbox::unflushed(&self.reading, self.owner.name(), after, limit).await;
            let mut rows = rows.map_err(self.trouble("read the outbox"))?;
            let Some(last) = rows.last() else {
                return Ok(found);
            };
            after = last.id;
            rows.retain(|row| !known.contains(&row.id) && !self.queue.is_flushed(row.id));
            found.append(&mut rows);
            if found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    async fn is_flushed(&self, row: RowId) -> Result<bool, Error> {
        if self.queue.is_flushed(row) {
            return Ok(true);
        }
        let there = tables::outbox::has_row(&self.reading, row).await;
        Ok(!there.map_err(self.trouble("read the outbox"))?)
    }

    async fn flushed(&self, rows: &[RowId]) -> Result<(), Error> {
        self.queue.flushed(rows);
        Ok(())
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, Error> {
        self.queue.forget(before).await
    }

    async fn close(&self) {
        self.queue.close();
        let writer = {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.take()
        };
        if let Some(writer) = writer {
            // Where it ended early, there is nothing more to wait for.
            let _ = writer.await;
        }
        // The last connection to a database puts what its log holds into the file.
        for pool in &self.pools {
            pool.close().await;
        }
        self.owner.release();
    }
}

impl Sqlite {
    /// Makes rows one's own whose process has ended.
    async fn adopt(&self) -> Result<(), Error> {
        let owners = tables::outbox::owners(&self.reading).await;
        for name in owners.map_err(self.trouble("read the outbox"))? {
            // Held until the rows are ours, so that nobody else adopts them too.
            if let Some(dead) = self.owner.if_dead(&name) {
                self.queue.adopt(name).await?;
                dead.bury();
            }
        }
        Ok(())
    }
}
