//! An entry of the ledger: something that was decided once, and for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of the ledger. Every field is always there, so that a few lines of any language can read
/// it; a field that the kind does not have is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Counts from 1 without a gap.
    pub(crate) seq: u64,
    /// When it was decided.
    pub(crate) at: Timestamp,
    /// What happened.
    pub(crate) kind: Kind,
    /// The key that it was asked under.
    pub(crate) key: String,
    /// Of a recall: the key of the shipment.
    pub(crate) shipment_key: String,
    /// The order of the shipment.
    pub(crate) order_id: String,
    /// The shipment that was made or recalled.
    pub(crate) shipment_id: String,
    /// Of a refusal: why.
    pub(crate) reason: Option<Reason>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A parcel was taken.
    Shipment,
    /// A parcel was not taken.
    Refusal,
    /// A parcel was brought back, or will never be taken.
    Recall,
}

/// Why a parcel was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is no such address.
    AddressUnknown,
    /// The shipment was recalled before it was made.
    Recalled,
}

impl quadrille_outside::Entry for Entry {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn key(&self) -> &str {
        &self.key
    }
}
