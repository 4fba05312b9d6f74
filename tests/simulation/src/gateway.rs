//! A payment gateway outside: books in memory that honour their keys, reached through [`Outside`].
//!
//! It promises what the real one does (`deploy/gateway`): the same key gives the same answer and is
//! booked once; a void gives back what was charged under a key, and keeps a later charge from being
//! made. Its ledger is what money is held against: it knows nothing of the bus.

use std::collections::BTreeMap;

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_payments::gateway::{Charge, Charged, Gateway};
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::payments::v1::DeclineReason;
use quadrille_simulator::Outside;

use crate::party::{self, Party};

/// A card that is charged.
pub const GOOD_CARD: &str = "4242424242424242";
/// A card that is declined.
pub const BAD_CARD: &str = "4000000000000002";

/// One entry of the ledger, in the order in which they were booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Money was taken.
    Charged {
        /// For which order.
        order_id: String,
        /// Whole units.
        units: i64,
    },
    /// Money was given back.
    Refunded {
        /// Of which order.
        order_id: String,
        /// Whole units.
        units: i64,
    },
}

/// The gateway.
pub struct Bank(Party<Books>);

/// What the gateway has booked. Cheap to clone.
#[derive(Clone)]
pub struct Ledger(party::Books<Books>);

#[derive(Debug, Default)]
struct Books {
    ledger: Vec<Entry>,
    charges: BTreeMap<EffectKey, Charged>,
    // What was charged under a key and is not given back yet: order and units.
    open: BTreeMap<EffectKey, (String, i64)>,
    refunds: BTreeMap<EffectKey, ()>,
    voided: BTreeMap<EffectKey, ()>,
}

impl Bank {
    /// A gateway with empty books.
    pub fn new(outside: Outside) -> Self {
        Self(Party::new(outside))
    }

    /// Its ledger.
    pub fn ledger(&self) -> Ledger {
        Ledger(self.0.books())
    }
}

impl Ledger {
    /// All entries.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.with(|books| books.ledger.clone())
    }
}

impl Books {
    fn charge(&mut self, charge: Charge) -> Charged {
        if let Some(answer) = self.charges.get(&charge.key) {
            return answer.clone();
        }
        let answer = if self.voided.contains_key(&charge.key) {
            Charged::Declined(DeclineReason::Withdrawn)
        } else if charge.card_number == BAD_CARD {
            Charged::Declined(DeclineReason::CardDeclined)
        } else {
            let (order_id, units) = (charge.order_id, charge.amount.units);
            self.open
                .insert(charge.key.clone(), (order_id.clone(), units));
            self.ledger.push(Entry::Charged { order_id, units });
            Charged::Captured {
                payment_id: charge.key.to_string(),
            }
        };
        self.charges.insert(charge.key, answer.clone());
        answer
    }

    fn refund(&mut self, key: EffectKey, payment_id: &str, units: i64) {
        if self.refunds.insert(key, ()).is_some() {
            return;
        }
        let order = self.open.get(&EffectKey::new(payment_id));
        let order_id = order.map_or_else(|| "nobody".to_owned(), |(order, _)| order.clone());
        self.ledger.push(Entry::Refunded { order_id, units });
        self.open.remove(&EffectKey::new(payment_id));
    }

    fn void(&mut self, charge_key: EffectKey) {
        if let Some((order_id, units)) = self.open.remove(&charge_key) {
            self.ledger.push(Entry::Refunded { order_id, units });
        }
        self.voided.insert(charge_key, ());
    }
}

#[async_trait]
impl Gateway for Bank {
    async fn charge(&self, charge: Charge) -> Result<Charged, Failure> {
        self.0.call(move |books| books.charge(charge)).await
    }

    async fn refund(
        &self,
        key: &EffectKey,
        payment_id: &str,
        amount: &Money,
    ) -> Result<(), Failure> {
        let (key, payment_id, units) = (key.clone(), payment_id.to_owned(), amount.units);
        let refund = move |books: &mut Books| books.refund(key, &payment_id, units);
        self.0.call(refund).await
    }

    async fn void(&self, _: &EffectKey, charge_key: &EffectKey) -> Result<(), Failure> {
        let charge_key = charge_key.clone();
        self.0.call(move |books| books.void(charge_key)).await
    }
}
