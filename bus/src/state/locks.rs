//! In-process locks on records, taken by a rerun after a conflict.
//!
//! A thousand lanes that decide on one hot record at once would else conflict for ever: each rerun
//! waits here for the records that it touched before. Locks are taken in the records' order, so
//! that two reruns cannot wait for each other. They only spare work; what keeps the state right is
//! the check of versions in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::RecordId;

/// Locks of one store.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    // Never iterated, so that the map's order cannot show.
    records: Mutex<HashMap<RecordId, Arc<AsyncMutex<()>>>>,
}

impl Locks {
    /// Locks the records, in their order, until the guard is dropped.
    pub(crate) async fn lock(self: &Arc<Self>, mut records: Vec<RecordId>) -> Guard {
        records.sort();
        records.dedup();
        let mut held = Vec::with_capacity(records.len());
        for record in records {
            let lock = Arc::clone(
                self.records
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry(record.clone())
                    .or_default(),
            );
            held.push((record, lock.lock_owned().await));
        }
        Guard {
            locks: Arc::clone(self),
            held,
        }
    }
}

/// Locked records.
#[derive(Debug)]
pub(crate) struct Guard {
    locks: Arc<Locks>,
    held: Vec<(RecordId, OwnedMutexGuard<()>)>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut records = self
            .locks
            .records
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (record, guard) in self.held.drain(..) {
            // Held by the map and by this guard alone: nobody waits, so the entry can go. Whoever
            // comes for it waits for the map's lock, which we hold.
            if Arc::strong_count(OwnedMutexGuard::mutex(&guard)) == 2 {
                records.remove(&record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn item(key: &str) -> RecordId {
        RecordId {
            kind: "item",
            key: key.into(),
        }
    }

    #[test]
    fn a_second_one_waits_and_nothing_is_left_behind() {
        // Shows mutual exclusion per record, and that the map empties itself.
        let locks = Arc::new(Locks::default());
        let first = locks
            .lock(vec![item("b"), item("a"), item("a")])
            .now_or_never()
            .unwrap();
        let mut second = Box::pin(locks.lock(vec![item("b")]));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(locks.lock(vec![item("c")]).now_or_never().is_some());

        drop(first);
        drop(second.as_mut().now_or_never().unwrap());

        assert!(locks.records.lock().unwrap().is_empty());
    }
}
