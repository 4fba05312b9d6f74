//! A carrier outside: books in memory that honour their keys, reached through [`Outside`].
//!
//! It promises what the real one does (`deploy/carrier`): the same key gives the same answer and is
//! booked once; a recall brings back what was taken under a key, and keeps a later parcel from being
//! taken. Its ledger is what parcels are held against: it knows nothing of the bus.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_schemas::shipping::v1::FailureReason;
use quadrille_shipping::carrier::{Carrier, Shipped};
use quadrille_simulator::Outside;

use crate::party::{self, Party};

/// Ends the id of an order that cannot be delivered.
pub const NOWHERE: &str = "-nowhere";

/// One entry of the ledger, in the order in which they were booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A parcel was taken.
    Taken {
        /// Of which order.
        order_id: String,
    },
    /// A parcel was brought back.
    Back {
        /// Of which order.
        order_id: String,
    },
}

/// The carrier.
pub struct Haulier(Party<Books>);

/// What the carrier has booked. Cheap to clone.
#[derive(Clone)]
pub struct Ledger(party::Books<Books>);

#[derive(Debug, Default)]
struct Books {
    ledger: Vec<Entry>,
    answers: BTreeMap<EffectKey, Shipped>,
    // What was taken under a key and is not back: the order.
    on_their_way: BTreeMap<EffectKey, String>,
    recalled: BTreeSet<EffectKey>,
}

impl Haulier {
    /// A carrier with empty books.
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
    fn ship(&mut self, key: EffectKey, order_id: String) -> Shipped {
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let answer = if self.recalled.contains(&key) {
            Shipped::Refused(FailureReason::Withdrawn)
        } else if order_id.ends_with(NOWHERE) {
            Shipped::Refused(FailureReason::AddressUnknown)
        } else {
            self.on_their_way.insert(key.clone(), order_id.clone());
            self.ledger.push(Entry::Taken { order_id });
            Shipped::Dispatched {
                shipment_id: format!("shp-{key}"),
            }
        };
        self.answers.insert(key, answer.clone());
        answer
    }

    fn recall(&mut self, shipment_key: EffectKey) {
        if let Some(order_id) = self.on_their_way.remove(&shipment_key) {
            self.ledger.push(Entry::Back { order_id });
        }
        self.recalled.insert(shipment_key);
    }
}

#[async_trait]
impl Carrier for Haulier {
    async fn ship(&self, key: &EffectKey, order_id: &str) -> Result<Shipped, Failure> {
        let (key, order_id) = (key.clone(), order_id.to_owned());
        self.0.call(move |books| books.ship(key, order_id)).await
    }

    async fn recall(&self, _: &EffectKey, shipment_key: &EffectKey) -> Result<(), Failure> {
        let shipment_key = shipment_key.clone();
        self.0.call(move |books| books.recall(shipment_key)).await
    }
}
