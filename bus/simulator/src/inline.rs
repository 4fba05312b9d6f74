//! SQLite inside a run: whatever is asked of it is answered before virtual time goes on.
//!
//! The database has threads of its own, and they take as long as they take. So each question is
//! waited for on the spot, on a runtime that runs for nothing else: to the run, no time has passed,
//! and nothing else has happened. Changes are therefore never gathered here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt as _, ready};
use jiff::Timestamp;
use quadrille::broker::TopicPartition;
use quadrille::state::sqlite::{self, Options};
use quadrille::state::{
    Applied, Change, Error, EventKey, OutboxRow, Query, RecordId, RowId, Store, Stored, Taken,
};
use quadrille::world::Live;
use tokio::runtime::{Builder, Runtime};

/// Databases in a folder.
pub(crate) struct Stores {
    runtime: Arc<Runtime>,
    folder: PathBuf,
}

impl Stores {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        Self {
            runtime: Arc::new(runtime.expect("a runtime for the databases can be made")),
            folder: folder.to_owned(),
        }
    }
}

#[async_trait]
impl quadrille::state::Stores for Stores {
    async fn open(&self, service: &str, cluster: &str) -> Result<Arc<dyn Store>, Error> {
        let world = Arc::new(Live::on(self.runtime.handle().clone()));
        let stores = sqlite::Stores::in_folder(world, &self.folder, Options::default());
        let opening = quadrille::state::Stores::open(&stores, service, cluster);
        let store = self.runtime.block_on(opening)?;
        let runtime = Arc::clone(&self.runtime);
        Ok(Arc::new(Inline { runtime, store }))
    }
}

struct Inline {
    runtime: Arc<Runtime>,
    store: Arc<dyn Store>,
}

impl Drop for Inline {
    fn drop(&mut self) {
        // Whoever comes next must find that this one has ended.
        self.runtime.block_on(self.store.close());
    }
}

#[async_trait]
impl Store for Inline {
    async fn load(&self, record: &RecordId) -> Result<Option<Stored>, Error> {
        self.runtime.block_on(self.store.load(record))
    }

    async fn confirm(&self, record: &RecordId, loaded: &Stored) -> Result<bool, Error> {
        self.runtime.block_on(self.store.confirm(record, loaded))
    }

    async fn read(&self, record: &RecordId) -> Result<Option<Stored>, Error> {
        self.runtime.block_on(self.store.read(record))
    }

    async fn page(&self, query: &Query) -> Result<Vec<(Arc<str>, Stored)>, Error> {
        self.runtime.block_on(self.store.page(query))
    }

    async fn seen(&self, event: &EventKey) -> Result<bool, Error> {
        self.runtime.block_on(self.store.seen(event))
    }

    fn submit(&self, change: Arc<Change>) -> BoxFuture<'static, Result<Applied, Error>> {
        let submitted = self.store.submit(change);
        ready(self.runtime.block_on(submitted)).boxed()
    }

    async fn take(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Taken>, Error> {
        self.runtime.block_on(self.store.take(partitions))
    }

    async fn unflushed(&self, after: RowId, limit: usize) -> Result<Vec<OutboxRow>, Error> {
        self.runtime.block_on(self.store.unflushed(after, limit))
    }

    async fn is_flushed(&self, row: RowId) -> Result<bool, Error> {
        self.runtime.block_on(self.store.is_flushed(row))
    }

    async fn flushed(&self, rows: &[RowId]) -> Result<(), Error> {
        self.runtime.block_on(self.store.flushed(rows))
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, Error> {
        self.runtime.block_on(self.store.forget(before))
    }

    async fn close(&self) {
        self.runtime.block_on(self.store.close());
    }
}
