//! An entry of the ledger: something that was decided once, and for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::money::{Money, Wrong};

/// One line of the ledger. Every field is always there, so that a few lines of any language can
/// read it; a field that the kind does not have is empty or 0.
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
    /// Of a void: the key of the charge.
    pub(crate) charge_key: String,
    /// The order of the charge.
    pub(crate) order_id: String,
    /// The payment that was made or given back.
    pub(crate) payment_id: String,
    /// With units and nanos: what was captured, declined, or given back.
    pub(crate) currency_code: String,
    pub(crate) units: i64,
    pub(crate) nanos: i32,
    /// Of a charge or decline: the end of the card's number.
    pub(crate) card_last4: String,
    /// Of a decline: why.
    pub(crate) reason: Option<Reason>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Money was taken.
    Charge,
    /// The bank said no.
    Decline,
    /// Money was given back.
    Refund,
    /// A charge was undone: what was left of its money was given back, or it will never be taken.
    Void,
}

/// Why a charge was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The bank does not say.
    CardDeclined,
    /// There is not enough money.
    InsufficientFunds,
    /// The card is past its date.
    ExpiredCard,
    /// There is no such card.
    InvalidNumber,
    /// The charge was voided before it was made.
    Voided,
}

impl quadrille_outside::Entry for Entry {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn key(&self) -> &str {
        &self.key
    }
}

impl Entry {
    pub(crate) fn money(&self) -> Result<Money, Wrong> {
        Money::new(&self.currency_code, self.units, self.nanos)
    }

    pub(crate) fn is_charge(&self) -> bool {
        matches!(self.kind, Kind::Charge | Kind::Decline)
    }
}
