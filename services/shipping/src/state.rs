//! What shipping remembers: how far each order's shipment has come.

use quadrille::{Record, State};
use serde::{Deserialize, Serialize};

/// The shipments.
pub struct Shipments;

impl State for Shipments {}

/// One order's shipment, by order id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Shipment {
    /// The order was withdrawn before it was paid for: it will not be dispatched.
    Withdrawn,
    /// The carrier has taken the goods.
    Dispatched {
        /// The carrier's id of the shipment.
        shipment_id: String,
        /// The key under which the carrier took them.
        shipment_key: String,
    },
    /// The goods were not dispatched, and will not be.
    Failed,
    /// The goods were dispatched, and called back.
    Recalled {
        /// The carrier's id of the shipment.
        shipment_id: String,
    },
}

impl Record for Shipment {
    type In = Shipments;
    const KIND: &'static str = "shipment";
}
