//! One event on its way through react and settle.

use std::sync::Arc;

use crate::broker::Incoming;
use crate::envelope::Envelope;
use crate::envelope::read::Payload;
use crate::id::Caused;
use crate::service::host::Host;
use crate::state::{EventKey, EventPosition};

/// A record that was read, and the reaction that it is for.
pub(crate) struct Delivery {
    /// The record as it came.
    pub(crate) record: Incoming,
    /// Its envelope.
    pub(crate) envelope: Arc<Envelope>,
    /// Its payload, not yet decoded.
    pub(crate) payload: Payload,
    /// Name of the reaction. `None`: the record could not be read well enough to find one.
    pub(crate) reaction: Option<&'static str>,
    /// Offset of its partition below which everything had been finished when it began.
    pub(crate) low_water: i64,
    /// Which taking of its partition this is, as the store counts.
    pub(crate) epoch: u64,
}

impl Delivery {
    pub(crate) fn event_key(&self) -> EventKey {
        EventKey {
            source: self.envelope.source.clone(),
            id: self.envelope.id.clone(),
        }
    }

    pub(crate) fn position(&self) -> EventPosition {
        EventPosition {
            partition: self.record.partition.clone(),
            offset: self.record.offset,
            low_water: self.low_water,
            epoch: self.epoch,
        }
    }

    /// What ids of what follows here are derived from.
    pub(crate) fn caused<'a>(&'a self, host: &'a Host) -> Caused<'a> {
        self.envelope.caused(&host.service)
    }
}
