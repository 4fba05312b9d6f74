//! What can be asked of the gateway, with every part checked.

use crate::card::CardNumber;
use crate::entry::{Entry, Kind};
use crate::money::Money;

/// A question. Its key makes it the same question, however often it is asked.
#[derive(Debug, Clone)]
pub enum Ask {
    Charge(Charge),
    Refund(Refund),
    Void(Void),
}

/// Takes money from a card.
#[derive(Debug, Clone)]
pub struct Charge {
    pub(crate) key: String,
    pub(crate) order_id: String,
    pub(crate) money: Money,
    pub(crate) card: CardNumber,
}

/// Gives money of a payment back.
#[derive(Debug, Clone)]
pub struct Refund {
    pub(crate) key: String,
    pub(crate) payment_id: String,
    pub(crate) money: Money,
}

/// Undoes whatever happened, or may still happen, under a charge's key.
#[derive(Debug, Clone)]
pub struct Void {
    pub(crate) key: String,
    pub(crate) charge_key: String,
}

impl Ask {
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Charge(charge) => &charge.key,
            Self::Refund(refund) => &refund.key,
            Self::Void(void) => &void.key,
        }
    }

    /// Whether this is the question that the entry answered.
    ///
    /// Of the card only the last four digits are kept, so only these are compared.
    pub(crate) fn is_of(&self, entry: &Entry) -> bool {
        match self {
            Self::Charge(charge) => {
                entry.is_charge()
                    && entry.order_id == charge.order_id
                    && entry.card_last4 == charge.card.last4()
                    && entry.money().as_ref() == Ok(&charge.money)
            }
            Self::Refund(refund) => {
                entry.kind == Kind::Refund
                    && entry.payment_id == refund.payment_id
                    && entry.money().as_ref() == Ok(&refund.money)
            }
            Self::Void(void) => entry.kind == Kind::Void && entry.charge_key == void.charge_key,
        }
    }
}
