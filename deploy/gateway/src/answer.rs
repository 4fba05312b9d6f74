//! What the gateway answers: made from the ledger's entry alone, so that a repeated question gets
//! the answer of the first one, after a restart as well.

use axum::http::StatusCode;
use quadrille_outside::Refused;
use serde::Serialize;

use crate::entry::{Entry, Kind, Reason};
use crate::money::Written;

/// The answer to a question that was understood and decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Answer {
    /// The charge was made.
    Captured { payment_id: String },
    /// The charge was not made, and never will be.
    Declined { reason: Reason },
    /// The money was given back.
    Refunded {
        payment_id: String,
        refunded: Written,
    },
    /// The charge is undone, or will never be made.
    Voided {
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        refunded: Option<Written>,
    },
}

/// Why a question that was understood has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this key was used before, with other content; take a new key for a new question")]
    Conflict,
    #[error("there is no such payment")]
    UnknownPayment,
    #[error("no more can be refunded than is left of the payment: {left}")]
    TooMuch { left: String },
}

impl Refused for Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Conflict => StatusCode::CONFLICT,
            Self::UnknownPayment => StatusCode::NOT_FOUND,
            Self::TooMuch { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

impl From<&Entry> for Answer {
    fn from(entry: &Entry) -> Self {
        let payment_id = entry.payment_id.clone();
        let money = Written {
            currency_code: entry.currency_code.clone(),
            units: entry.units,
            nanos: entry.nanos,
        };
        match entry.kind {
            Kind::Charge => Self::Captured { payment_id },
            Kind::Decline => Self::Declined {
                reason: entry.reason.unwrap_or(Reason::CardDeclined),
            },
            Kind::Refund => Self::Refunded {
                payment_id,
                refunded: money,
            },
            Kind::Void => Self::Voided {
                payment_id: Some(payment_id).filter(|id| !id.is_empty()),
                refunded: Some(money).filter(|money| money.units > 0 || money.nanos > 0),
            },
        }
    }
}
