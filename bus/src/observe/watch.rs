//! How far behind a service is, measured every so often while anybody looks at metrics.
//!
//! Lag in offsets is the broker's end of a partition less the mark below which all is handled. Lag in
//! time is the age of the record at that mark: it is known once the record has been read, and said to
//! be nothing where there is none left.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::metric::Standing;
use crate::service::host::Host;

/// What gauges read: how the service stood when it was last measured.
#[derive(Default)]
pub(super) struct Board(Mutex<Option<Seen>>);

/// How a service stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) partitions: Vec<Standing>,
    pub(super) retrying: usize,
    pub(super) outbox_rows: usize,
}

impl Board {
    pub(super) fn seen(&self) -> Option<Seen> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn show(&self, seen: Option<Seen>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

/// Takes the board down when the service ends: its gauges say nothing then.
struct Shown(Arc<Board>);

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.show(None);
    }
}

/// Measures for as long as the service runs. Ends at once where nobody may ever look.
pub(crate) async fn keep(host: Arc<Host>) {
    let Some(metrics) = host.observer.watched_meter() else {
        return;
    };
    let shown = Shown(Arc::clone(&metrics.board));
    let interval = host.observer.options().map(|options| options.lag_interval);
    let interval = interval.unwrap_or(Duration::from_secs(5));
    loop {
        if host.observer.is_watched() {
            let seen = measured(&host).await;
            shown.0.show(Some(seen));
        }
        host.world.sleep(interval).await;
    }
}

async fn measured(host: &Host) -> Seen {
    let (partitions, retrying) = {
        let at_work = host.at_work();
        let partitions: Vec<_> = at_work.partitions.values().cloned().collect();
        (partitions, at_work.retrying.len())
    };
    let mut standing = Vec::with_capacity(partitions.len());
    for shared in partitions {
        // Trouble of the broker's is told of elsewhere.
        let end = host.broker.watermarks(&shared.partition).await.ok();
        let mark = shared.mark();
        let lag = end
            .filter(|_| mark >= 0)
            .map(|(_, end)| (end - mark).max(0));
        let now_ms = host.world.now().as_millisecond();
        let age = |at_ms: i64| Duration::from_millis(u64::try_from(now_ms - at_ms).unwrap_or(0));
        let behind = match lag {
            Some(0) => Some(Duration::ZERO),
            _ => shared.oldest_ms().map(age),
        };
        standing.push(Standing {
            at: shared.partition.clone(),
            lag,
            behind,
            is_paused: shared.paused.load(std::sync::atomic::Ordering::Relaxed),
            held: shared.held(),
        });
    }
    Seen {
        partitions: standing,
        retrying,
        outbox_rows: host.outbox.rows_under_way(),
    }
}
