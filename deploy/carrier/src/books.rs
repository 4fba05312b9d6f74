//! The books: what the ledger's entries add up to, and what follows from them for a question.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use jiff::Timestamp;
use quadrille_outside::{Impossible, Read, Refused};
use serde::Serialize;
use uuid::Uuid;

use crate::entry::{Entry, Kind, Reason};
use crate::read;

/// Orders whose ids end so cannot be delivered.
const UNKNOWN_ADDRESS: &str = "-nowhere";
/// Shipment ids are derived from the shipment's key under this namespace, so that they are unique
/// without randomness.
const SHIPMENTS: Uuid = Uuid::from_u128(0x2c5e_91a7_33d0_4f0e_8a86_1b7d_5c42_90ee);

/// What the entries so far add up to.
#[derive(Debug, Default)]
pub struct Books {
    by_key: HashMap<String, Entry>,
    /// Keys of shipments that were recalled, or must not be made any more.
    recalled: HashSet<String>,
    totals: Totals,
}

/// A question. Its key makes it the same question, however often it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Takes the parcel of an order.
    Ship {
        /// The question's key.
        key: String,
        /// The order.
        order_id: String,
    },
    /// Undoes whatever happened, or may still happen, under a shipment's key.
    Recall {
        /// The question's key.
        key: String,
        /// The shipment's.
        shipment_key: String,
    },
}

/// The answer to a question that was understood and decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Answer {
    /// The parcel was taken.
    Dispatched {
        /// The shipment.
        shipment_id: String,
    },
    /// The parcel was not taken, and never will be.
    Refused {
        /// Why.
        reason: Reason,
    },
    /// The parcel is back, or will never be taken.
    Recalled {
        /// The shipment, where there was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        shipment_id: Option<String>,
    },
}

/// What all entries add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    entries: u64,
    shipments: u64,
    refusals: u64,
    recalls: u64,
    /// Shipments that were not recalled.
    on_their_way: u64,
}

/// The key was used before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this key was used before, with other content; take a new key for a new question")]
pub struct Conflict;

impl Refused for Conflict {
    fn status(&self) -> StatusCode {
        StatusCode::CONFLICT
    }
}

impl Ask {
    fn key(&self) -> &str {
        match self {
            Self::Ship { key, .. } | Self::Recall { key, .. } => key,
        }
    }

    /// Whether this is the question that the entry answered.
    fn is_of(&self, entry: &Entry) -> bool {
        match self {
            Self::Ship { order_id, .. } => {
                entry.kind != Kind::Recall && entry.order_id == *order_id
            }
            Self::Recall { shipment_key, .. } => {
                entry.kind == Kind::Recall && entry.shipment_key == *shipment_key
            }
        }
    }
}

type Decision = quadrille_outside::Decision<Books>;

impl quadrille_outside::Books for Books {
    const NAME: &'static str = "carrier";
    const ENVIRONMENT: &'static str = "QUADRILLE_CARRIER_";
    const LISTEN: &'static str = "127.0.0.1:7091";
    const LEDGER: &'static str = ".quadrille/carrier/ledger.jsonl";
    const ROUTES: &'static [(&'static str, Read<Ask>)] =
        &[("/shipments", read::shipment), ("/recalls", read::recall)];

    type Ask = Ask;
    type Entry = Entry;
    type Answer = Answer;
    type Refused = Conflict;
    type Totals = Totals;

    fn next_seq(&self) -> u64 {
        self.totals.entries + 1
    }

    fn totals(&self) -> &Totals {
        &self.totals
    }

    fn depends_on<'a>(&'a self, ask: &'a Ask) -> [&'a str; 2] {
        match ask {
            Ask::Ship { key, .. } => [key, key],
            Ask::Recall { key, shipment_key } => [key, shipment_key],
        }
    }

    fn decide(&self, ask: &Ask, seq: u64, at: Timestamp) -> Decision {
        if let Some(entry) = self.by_key.get(ask.key()) {
            return match ask.is_of(entry) {
                true => Decision::Known(Self::answer(entry)),
                false => Decision::Refuse(Conflict),
            };
        }
        let blank = Entry {
            seq,
            at,
            kind: Kind::Recall,
            key: ask.key().to_owned(),
            shipment_key: String::new(),
            order_id: String::new(),
            shipment_id: String::new(),
            reason: None,
        };
        match ask {
            Ask::Ship { key, .. } if self.recalled.contains(key) => {
                let reason = Reason::Recalled;
                Decision::Known(Answer::Refused { reason })
            }
            Ask::Ship { key, order_id } => Decision::Book(Box::new(ship(key, order_id, blank))),
            Ask::Recall { shipment_key, .. } => {
                let shipment = self.by_key.get(shipment_key);
                let shipment = shipment.filter(|entry| entry.kind == Kind::Shipment);
                let of = |field: fn(&Entry) -> &String| shipment.map(field).cloned();
                Decision::Book(Box::new(Entry {
                    shipment_key: shipment_key.clone(),
                    order_id: of(|entry| &entry.order_id).unwrap_or_default(),
                    shipment_id: of(|entry| &entry.shipment_id).unwrap_or_default(),
                    ..blank
                }))
            }
        }
    }

    fn apply(&mut self, entry: Entry) -> Result<(), Impossible> {
        let expected = self.next_seq();
        let impossible = |why: String| Err(Impossible(why));
        if entry.seq != expected {
            return impossible(format!(
                "its seq is {}, but {expected} must follow",
                entry.seq
            ));
        }
        if self.by_key.contains_key(&entry.key) {
            return impossible("its key was used before".to_owned());
        }
        match entry.kind {
            Kind::Refusal if entry.reason.is_none() => {
                return impossible("it is a refusal without a reason".to_owned());
            }
            Kind::Shipment | Kind::Refusal if self.recalled.contains(&entry.key) => {
                return impossible("it is a shipment that was recalled before".to_owned());
            }
            Kind::Refusal => self.totals.refusals += 1,
            Kind::Shipment => {
                self.totals.shipments += 1;
                self.totals.on_their_way += 1;
            }
            Kind::Recall => {
                let is_first = self.recalled.insert(entry.shipment_key.clone());
                self.totals.recalls += 1;
                self.totals.on_their_way -= u64::from(is_first && !entry.shipment_id.is_empty());
            }
        }
        self.totals.entries += 1;
        self.by_key.insert(entry.key.clone(), entry);
        Ok(())
    }

    fn answer(entry: &Entry) -> Answer {
        let shipment_id = entry.shipment_id.clone();
        match entry.kind {
            Kind::Shipment => Answer::Dispatched { shipment_id },
            Kind::Refusal => Answer::Refused {
                reason: entry.reason.unwrap_or(Reason::AddressUnknown),
            },
            Kind::Recall => Answer::Recalled {
                shipment_id: Some(shipment_id).filter(|id| !id.is_empty()),
            },
        }
    }

    fn status(_: &Answer) -> StatusCode {
        StatusCode::OK
    }
}

fn ship(key: &str, order_id: &str, blank: Entry) -> Entry {
    let (kind, shipment_id, reason) = match order_id.ends_with(UNKNOWN_ADDRESS) {
        true => (Kind::Refusal, String::new(), Some(Reason::AddressUnknown)),
        false => (Kind::Shipment, shipment_id(key), None),
    };
    Entry {
        kind,
        shipment_id,
        reason,
        order_id: order_id.to_owned(),
        ..blank
    }
}

fn shipment_id(key: &str) -> String {
    let id = Uuid::new_v5(&SHIPMENTS, key.as_bytes());
    format!("shp_{}", id.simple())
}

#[cfg(test)]
mod tests;
