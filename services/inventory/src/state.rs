//! What inventory remembers: how many of each article there are, which order holds what, and what
//! was delivered.

use std::collections::BTreeMap;

use quadrille::{Record, State};
use serde::{Deserialize, Serialize};

/// The stock.
pub struct Stock;

impl State for Stock {}

/// One article, by SKU.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Units in the warehouse.
    pub on_hand: u64,
    /// Units of these that orders hold.
    pub reserved: u64,
}

impl Item {
    /// Units that nobody holds.
    pub fn available(&self) -> u64 {
        self.on_hand.saturating_sub(self.reserved)
    }
}

impl Record for Item {
    type In = Stock;
    const KIND: &'static str = "item";
}

/// What one order was promised, by order id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Units by SKU. Empty: there were not enough, and the order was told so.
    pub units: BTreeMap<String, u32>,
    /// Whether the order still holds them.
    pub held: bool,
}

impl Record for Reservation {
    type In = Stock;
    const KIND: &'static str = "reservation";
}

/// What one delivery brought, by delivery id, so that it is not put on the shelf twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Units by SKU.
    pub units: BTreeMap<String, u32>,
}

impl Record for Delivery {
    type In = Stock;
    const KIND: &'static str = "delivery";
}
