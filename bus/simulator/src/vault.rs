//! A store as one instance of a service sees it, with what goes wrong there.
//!
//! A change is in the store at once, and its answer is late: an instance may end in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt as _, ready};
use jiff::Timestamp;
use quadrille::broker::TopicPartition;
use quadrille::state::{
    Applied, Change, Error, ErrorKind, EventKey, OutboxRow, Query, RecordId, RowId, Store, Stored,
    Stores, Taken,
};
use quadrille::world::World as _;

use crate::site::Site;
use crate::weather::Submitting;

/// How long whoever asks a store that is down waits before being told.
const REFUSED_AFTER: Duration = Duration::from_millis(30);

/// Where an instance's store comes from.
pub(crate) struct Vaults {
    pub(crate) stores: Arc<dyn Stores>,
    pub(crate) site: Site,
}

#[async_trait]
impl Stores for Vaults {
    async fn open(&self, service: &str, cluster: &str) -> Result<Arc<dyn Store>, Error> {
        let store = self.stores.open(service, cluster).await?;
        self.site.chronicle.keeps(service, Arc::clone(&store));
        let site = self.site.clone();
        site.keeps_state();
        Ok(Arc::new(Vault { store, site }))
    }
}

struct Vault {
    store: Arc<dyn Store>,
    site: Site,
}

impl Vault {
    /// Asks a store that may be down, or far away.
    async fn asked(&self) -> Result<(), Error> {
        self.site.alive().await;
        let now = self.site.elapsed();
        if self
            .site
            .weather
            .down_until(&self.site.service, now)
            .is_some()
        {
            self.site.sleep(REFUSED_AFTER).await;
            return Err(down());
        }
        Ok(())
    }
}

fn down() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "simulated: the store does not answer",
    )
}

#[async_trait]
impl Store for Vault {
    async fn load(&self, record: &RecordId) -> Result<Option<Stored>, Error> {
        self.asked().await?;
        self.site.latency().await;
        self.store.load(record).await
    }

    async fn confirm(&self, record: &RecordId, loaded: &Stored) -> Result<bool, Error> {
        self.store.confirm(record, loaded).await
    }

    async fn read(&self, record: &RecordId) -> Result<Option<Stored>, Error> {
        self.asked().await?;
        self.store.read(record).await
    }

    async fn page(&self, query: &Query) -> Result<Vec<(Arc<str>, Stored)>, Error> {
        self.asked().await?;
        self.store.page(query).await
    }

    async fn seen(&self, event: &EventKey) -> Result<bool, Error> {
        self.asked().await?;
        self.store.seen(event).await
    }

    fn submit(&self, change: Arc<Change>) -> BoxFuture<'static, Result<Applied, Error>> {
        let site = self.site.clone();
        if !site.executor.is_alive(site.owner) {
            return std::future::pending().boxed();
        }
        let late = |refused: Result<Applied, Error>| {
            let wait = site.sleep(REFUSED_AFTER);
            wait.map(move |()| refused).boxed()
        };
        match site.weather.submits(&site.service, site.elapsed()) {
            Some(Submitting::Down) => {
                site.is_refused(&change);
                return late(Err(down()));
            }
            Some(Submitting::Full) if !change.outbox.is_empty() => {
                let full = Error::new(ErrorKind::OutboxFull, "simulated: the outbox is full");
                return late(Err(full));
            }
            Some(Submitting::Conflict) if !change.reads.is_empty() => {
                site.tell(|| "meets a conflict".to_owned());
                let records = change.reads.keys().cloned().collect();
                return ready(Ok(Applied::Conflict(records))).boxed();
            }
            Some(_) | None => {}
        }
        let submitted = self.store.submit(Arc::clone(&change)).now_or_never();
        let applied = submitted.expect("a simulated store answers at once");
        let nth = site.has_submitted(&change, &applied);
        let moment = site.moment();
        async move {
            if let Some(moment) = moment {
                moment.await;
            }
            // One that has ended meanwhile hears nothing any more.
            site.alive().await;
            if let Some(nth) = nth {
                site.is_answered(nth);
            }
            applied
        }
        .boxed()
    }

    async fn take(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Taken>, Error> {
        self.asked().await?;
        self.site.latency().await;
        let taken = self.store.take(partitions).await?;
        self.site.has_taken(&taken);
        Ok(taken)
    }

    async fn unflushed(&self, after: RowId, limit: usize) -> Result<Vec<OutboxRow>, Error> {
        self.asked().await?;
        let rows = self.store.unflushed(after, limit).await?;
        let numbers: Vec<_> = rows.iter().map(|row| row.id).collect();
        self.site.has_out(&numbers);
        Ok(rows)
    }

    async fn is_flushed(&self, row: RowId) -> Result<bool, Error> {
        self.asked().await?;
        self.store.is_flushed(row).await
    }

    async fn flushed(&self, rows: &[RowId]) -> Result<(), Error> {
        self.asked().await?;
        self.store.flushed(rows).await?;
        self.site.has_out(rows);
        Ok(())
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, Error> {
        self.asked().await?;
        self.store.forget(before).await
    }

    async fn close(&self) {
        self.site.alive().await;
        self.store.close().await;
    }
}
