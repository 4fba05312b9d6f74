//! Trouble of the store at a door: the service is unready while its store fails, and says why.
//!
//! A reaction that the store fails waits and tries again, and settle tells of it. At a door somebody is
//! given an error and may never come back, so the store itself is tried until it takes a change: a
//! service that is unready is asked nothing, and would else never learn that its store is well again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::host::Host;
use crate::observe;
use crate::react::Failure;
use crate::state::{self, Applied, Change, ErrorKind, RecordId, Write};

/// Time between two tries.
const TRY_INTERVAL: Duration = Duration::from_millis(500);
/// The condition that is missing meanwhile. Not settle's, which comes and goes with its own tries.
const CONDITION: &str = "state at the doors";

/// Tells whoever watches that a door met with trouble.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Notify);

impl Host {
    /// Notes that the store failed a door.
    pub(super) fn note_trouble(&self, error: &state::Error) {
        let is_the_stores = match error.kind {
            ErrorKind::Unavailable | ErrorKind::Other => true,
            // Of one record, of one caller, and of the broker, which is told of elsewhere.
            ErrorKind::Unfit | ErrorKind::Sealed | ErrorKind::OutboxFull => false,
        };
        if is_the_stores {
            observe::store_in_trouble(&self.service, error, TRY_INTERVAL);
            self.status.set_waiting(CONDITION, error.message.as_str());
            self.trouble.0.notify_one();
        }
    }

    /// Notes it where a decision failed because of the store.
    pub(super) fn note_failure(&self, failure: &Failure) {
        if let Some(error) = failure.store_error() {
            self.note_trouble(error);
        }
    }
}

/// Tries the store from the first trouble on, until it takes a change.
pub(super) async fn watch(host: Arc<Host>) {
    let Some(store) = host.store.clone() else {
        return;
    };
    loop {
        host.trouble.0.notified().await;
        loop {
            host.world.sleep(TRY_INTERVAL).await;
            match store.apply(try_change(&host)).await {
                Ok(Applied::Done(_)) => break,
                // Another instance tries too, so it takes changes.
                Ok(Applied::Conflict(_) | Applied::Duplicate | Applied::Fenced) => break,
                Err(error) => {
                    observe::store_in_trouble(&host.service, &error, TRY_INTERVAL);
                    host.status.set_waiting(CONDITION, error.message.as_str());
                }
            }
        }
        host.status.clear(CONDITION);
    }
}

/// A change that leaves nothing to be read, but cannot be taken by a store that cannot write.
fn try_change(host: &Host) -> Change {
    let id = RecordId {
        kind: "quadrille.trouble",
        key: Arc::clone(&host.service),
    };
    let write = Write {
        json: None,
        indexes: BTreeMap::new(),
    };
    Change {
        writes: [(id, write)].into(),
        at: host.world.now(),
        ..Change::default()
    }
}
