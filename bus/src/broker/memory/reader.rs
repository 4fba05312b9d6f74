//! A reader outside groups, at the async edge.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::super::{self as broker, Error, Incoming};
use super::{ClientId, Shared};

/// Reads partitions without a group.
pub(super) struct Reader {
    shared: Arc<Shared>,
    id: ClientId,
    bell: Arc<Notify>,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, id: ClientId, bell: Arc<Notify>) -> Self {
        Self { shared, id, bell }
    }
}

#[async_trait]
impl broker::Reader for Reader {
    async fn next(&mut self) -> Result<Vec<Incoming>, Error> {
        loop {
            let records = self
                .shared
                .step(|cluster, now| cluster.next_records(self.id, now));
            if !records.is_empty() {
                return Ok(records);
            }
            self.bell.notified().await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.hang_up(self.id);
        self.shared.step(|cluster, _| cluster.close(self.id));
    }
}
