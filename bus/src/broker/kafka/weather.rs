//! The last that the client library said about why things go wrong.
//!
//! librdkafka answers a request that found no broker with "timed out", and tells the reason, such as
//! "connection refused" or wrong credentials, through another door. What came through that door is
//! kept here for whoever has to explain the timeout.

use std::sync::{Mutex, PoisonError};

use rdkafka::types::RDKafkaErrorCode;

use super::clock::Moment;

/// The last reason for trouble, shared by the clients of one cluster.
#[derive(Debug, Default)]
pub(super) struct Weather {
    last: Mutex<Option<Trouble>>,
}

/// A reason for trouble.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    at: Moment,
    /// The client library's code for it.
    pub(super) code: RDKafkaErrorCode,
    /// Its words for it.
    pub(super) reason: String,
}

impl Weather {
    /// Notes a reason.
    pub(super) fn note(&self, code: RDKafkaErrorCode, reason: &str) {
        // "All brokers are down" follows upon the reason why, and says less.
        if code == RDKafkaErrorCode::AllBrokersDown {
            return;
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Trouble {
            at: Moment::now(),
            code,
            reason: reason.to_owned(),
        });
    }

    /// The last reason, where it was noted at `moment` or later.
    pub(super) fn since(&self, moment: Moment) -> Option<Trouble> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .filter(|trouble| trouble.at >= moment)
    }
}
