//! The inbox's memory: how long an event is remembered, so that a second copy of it is known for one.
//!
//! What a partition redelivers after a crash is known by its offset, which stands in the store. The
//! inbox is for copies under another offset: a producer that crashed between publishing and knowing
//! so publishes again. It must remember for as long as a topic can hold such a copy, also for those
//! who read a topic again from its beginning.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Retention, Topic};
use crate::observe;
use crate::service::Error;
use crate::service::host::Host;

/// Time between two trims: short beside any time that is remembered.
const TRIM_INTERVAL: Duration = Duration::from_secs(600);

/// Refuses to remember for a shorter time than a topic keeps its events.
pub(crate) fn check(
    service: &str,
    keep: Duration,
    reacted: impl Iterator<Item = &'static Topic>,
) -> Result<(), Error> {
    for topic in reacted {
        match topic.retention {
            Retention::For(kept) if kept > keep => {
                return Err(Error::Inbox {
                    service: service.to_owned(),
                    hours: keep.as_secs() / 3_600,
                    topic: topic.name,
                    kept: topic.retention,
                });
            }
            Retention::For(_) => {}
            Retention::Forever | Retention::Compacted => {
                observe::inbox_is_shorter(service, topic.name, keep);
            }
        }
    }
    Ok(())
}

/// Forgets what is older, now and then, for as long as it runs.
pub(crate) async fn trim(host: Arc<Host>, keep: Duration) {
    let Some(store) = &host.store else { return };
    loop {
        // Before the clock began there is nothing to forget.
        if let Ok(before) = host.world.now().checked_sub(keep) {
            let mut all = 0;
            loop {
                match store.forget(before).await {
                    Ok(0) => break,
                    Ok(some) => all += some,
                    Err(error) => {
                        observe::store_in_trouble(&host.service, &error, TRIM_INTERVAL);
                        break;
                    }
                }
            }
            observe::trimmed(&host.service, all);
        }
        host.world.sleep(TRIM_INTERVAL).await;
    }
}
