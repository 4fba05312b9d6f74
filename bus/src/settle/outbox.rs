//! Publishes what was settled, in order per topic and key, for as long as it takes.
//!
//! A row of the store's outbox goes out when the rows that must go before it are out, whoever wrote
//! them. A row that a crash left behind is found by [`Outbox::sweep`]. Where there is no store,
//! records go straight to the broker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::select;
use tokio::sync::oneshot;

use super::retry;
use crate::broker::{self, Broker, Outgoing};
use crate::observe::{self, Observer};
use crate::state::{self, RowId, Store};
use crate::status::Status;
use crate::world::{self, Point};

/// How long to wait for a row of another process before asking the store again.
const OTHERS_POLL: Duration = Duration::from_millis(500);
/// Rows that a sweep reads at once.
const SWEEP_ROWS: usize = 100;

/// Publishes for one instance of a service.
pub(crate) struct Outbox {
    broker: Arc<dyn Broker>,
    store: Option<Arc<dyn Store>>,
    world: world::Shared,
    retry: retry::Policy,
    status: Status,
    observer: Observer,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    // Being flushed by this process: the sweep leaves them alone.
    flushing: BTreeSet<RowId>,
    waiting: BTreeMap<RowId, Vec<oneshot::Sender<()>>>,
}

impl Outbox {
    pub(crate) fn new(
        broker: Arc<dyn Broker>,
        store: Option<Arc<dyn Store>>,
        world: world::Shared,
        retry: retry::Policy,
        status: Status,
        observer: Observer,
    ) -> Self {
        Self {
            broker,
            store,
            world,
            retry,
            status,
            observer,
            rows: Mutex::default(),
        }
    }

    /// Publishes a committed row and forgets it.
    pub(crate) async fn flush(&self, row: RowId, after: &[RowId], records: &[Outgoing]) {
        let Some(store) = &self.store else { return };
        let Some(_flushing) = self.begin(row) else {
            return;
        };
        self.flush_begun(&**store, row, after, records).await;
    }

    /// Rows that are being published.
    pub(crate) fn rows_under_way(&self) -> usize {
        self.rows().flushing.len()
    }

    async fn flush_begun(
        &self,
        store: &dyn Store,
        row: RowId,
        after: &[RowId],
        records: &[Outgoing],
    ) {
        for earlier in after {
            self.wait_for(store, *earlier).await;
        }
        self.send_all(records).await;
        world::pass(&self.world, Point::Flushed).await;
        self.forget(store, row).await;
        let waiting = self.rows().waiting.remove(&row).unwrap_or_default();
        for waiter in waiting {
            // Whoever waited may have been dropped in a drain.
            let _ = waiter.send(());
        }
    }

    /// Publishes records in order and returns once the broker has all of them.
    pub(crate) async fn send_all(&self, records: &[Outgoing]) {
        let mut left: Vec<&Outgoing> = records.iter().collect();
        let mut attempt = 1;
        loop {
            let Err((unsent, error)) = self.send_once(left).await else {
                return;
            };
            left = unsent;
            let wait = self.retry.wait(attempt, self.world.random());
            observe::cannot_publish(left[0], &error, wait);
            self.status.set_waiting("broker", error.to_string());
            self.world.sleep(wait).await;
            attempt += 1;
        }
    }

    /// Publishes a record that nothing depends on. A failure is logged, not repeated.
    pub(crate) async fn send_and_forget(&self, record: Option<Outgoing>) {
        let Some(record) = record else { return };
        let copy = record.clone();
        if let Err(error) = self.broker.send(record).await {
            observe::cannot_publish(&copy, &error, Duration::ZERO);
        }
    }

    /// Publishes rows that a crash, a drain or another instance's death left behind.
    ///
    /// Never waits for another row: whose that is may end at any moment, and then nobody but the next
    /// sweep would publish it. A row behind one that is not out yet is left to the next sweep too.
    pub(crate) async fn sweep(&self) -> Result<usize, state::Error> {
        let Some(store) = &self.store else {
            return Ok(0);
        };
        let (mut after, mut swept) = (0, 0);
        loop {
            let rows = store.unflushed(after, SWEEP_ROWS).await?;
            let Some(last) = rows.last() else {
                return Ok(swept);
            };
            after = last.id;
            for row in rows {
                let Some(_flushing) = self.begin(row.id) else {
                    continue;
                };
                // Its own flush may have ended since the page was read.
                if store.is_flushed(row.id).await? || !all_flushed(&**store, &row.after).await? {
                    continue;
                }
                swept += 1;
                self.flush_begun(&**store, row.id, &[], &row.records).await;
            }
        }
    }

    /// Sends all; gives back those not acknowledged, in order, with the first error.
    async fn send_once<'a>(
        &self,
        records: Vec<&'a Outgoing>,
    ) -> Result<(), (Vec<&'a Outgoing>, broker::Error)> {
        let mut deliveries = Vec::with_capacity(records.len());
        for record in &records {
            let started = self.observer.moment();
            deliveries.push((started, self.broker.send((*record).clone()).await));
        }
        let mut unsent = Vec::new();
        let mut first = None;
        for ((started, delivery), record) in deliveries.into_iter().zip(records) {
            let answer = match delivery {
                Ok(delivery) => delivery.await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(position) => self.observer.sent(record, &position, started),
                Err(error) => {
                    self.observer.not_sent(record, &error, started);
                    unsent.push(record);
                    first.get_or_insert(error);
                }
            }
        }
        first.map_or(Ok(()), |error| Err((unsent, error)))
    }

    async fn wait_for(&self, store: &dyn Store, row: RowId) {
        loop {
            let (done, out) = oneshot::channel();
            // Registered before the store is asked: a row that goes out in between wakes us.
            {
                let mut rows = self.rows();
                let waiting = rows.waiting.entry(row).or_default();
                waiting.retain(|waiter| !waiter.is_closed());
                waiting.push(done);
            }
            match store.is_flushed(row).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => observe::store_in_trouble("outbox", &error, OTHERS_POLL),
            }
            select(out, self.world.sleep(OTHERS_POLL)).await;
        }
    }

    async fn forget(&self, store: &dyn Store, row: RowId) {
        let mut attempt = 1;
        while let Err(error) = store.flushed(&[row]).await {
            let wait = self.retry.wait(attempt, self.world.random());
            observe::store_in_trouble("outbox", &error, wait);
            self.world.sleep(wait).await;
            attempt += 1;
        }
    }

    /// Marks a row as being flushed. `None`: it is already.
    fn begin(&self, row: RowId) -> Option<Flushing<'_>> {
        let begun = self.rows().flushing.insert(row);
        // Made only where it was begun, and not under the lock: its drop takes the mark away.
        begun.then(|| Flushing { outbox: self, row })
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn all_flushed(store: &dyn Store, rows: &[RowId]) -> Result<bool, state::Error> {
    for row in rows {
        if !store.is_flushed(*row).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A row that this process flushes, until dropped.
struct Flushing<'a> {
    outbox: &'a Outbox,
    row: RowId,
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.outbox.rows().flushing.remove(&self.row);
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
