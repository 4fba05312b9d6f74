//! What payments remembers: how far each order's payment has come.

use quadrille::{Record, State};
use quadrille_schemas::common::v1::Money;
use serde::{Deserialize, Serialize};

/// The payments.
pub struct Payments;

impl State for Payments {}

/// One order's payment, by order id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Payment {
    /// The order was withdrawn before its stock was reserved: it will not be charged.
    Withdrawn,
    /// The card was charged.
    Captured {
        /// The gateway's id of the charge.
        payment_id: String,
        /// The idempotency key under which the money goes back, whoever asks for it first: two facts
        /// that ask at once must not give it back twice.
        refund_key: String,
        /// Currency as three letters of ISO 4217.
        currency_code: String,
        /// Whole units.
        units: i64,
        /// Billionths of a unit.
        nanos: i32,
    },
    /// The card was not charged, and will not be.
    Declined,
    /// The card was charged, and got its money back.
    Refunded {
        /// The gateway's id of the charge.
        payment_id: String,
    },
}

impl Payment {
    /// A charge that was made.
    pub fn captured(payment_id: String, refund_key: String, amount: &Money) -> Self {
        let Money {
            currency_code,
            units,
            nanos,
        } = amount;
        let (currency_code, units, nanos) = (currency_code.clone(), *units, *nanos);
        Self::Captured {
            payment_id,
            refund_key,
            currency_code,
            units,
            nanos,
        }
    }
}

impl Record for Payment {
    type In = Payments;
    const KIND: &'static str = "payment";
}
