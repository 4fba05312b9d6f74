//! What orders remembers: how far each order has come.

use std::fmt;

use quadrille::{Record, State};
use serde::{Deserialize, Serialize};

/// The orders.
pub struct Orders;

impl State for Orders {}

/// One order, by order id.
///
/// Events of different topics come in any order, so the order's end is a join: it is confirmed when it
/// is paid for and its goods are on their way, unless it was withdrawn; it is cancelled when neither
/// goods nor money are held any more, and no goods are on their way.
///
/// Facts may also be heard of an order that nobody has placed, because its placing is still on its way
/// on another topic, or because they are wrong. They are kept, and come to nothing until it is placed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Whether nobody has placed it yet: to the outside there is no such order then.
    #[serde(default)]
    pub unplaced: bool,
    /// Fingerprint of the request that placed it. Empty: it was placed by somebody else's event.
    pub request: String,
    /// The flow that it belongs to.
    pub flow: String,
    /// Where the customer is told how it ended.
    #[serde(default)]
    pub email: Email,
    /// Whether a withdrawal was accepted.
    pub withdrawn: bool,
    /// The goods.
    pub stock: Stock,
    /// The money.
    pub money: Money,
    /// The parcel.
    #[serde(default)]
    pub shipment: Shipment,
    /// What was paid for the goods that are on their way.
    #[serde(default)]
    pub paid: Option<Paid>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// An address, which no log and no error shows.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(pub String);

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A payment that was made for an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// The payment, as the gateway names it.
    pub payment_id: String,
    /// Currency as three letters of ISO 4217.
    pub currency_code: String,
    /// Whole units.
    pub units: i64,
    /// Billionths of a unit.
    pub nanos: i32,
}

/// What is known of an order's goods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stock {
    /// Nothing yet, or they are held.
    #[default]
    Open,
    /// There are not enough.
    Rejected,
    /// They were held, and are not any more.
    Released,
}

/// What is known of an order's money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Money {
    /// Nothing yet, or it was taken: whoever dispatches the goods says so.
    #[default]
    #[serde(alias = "captured")]
    Open,
    /// It was not taken, because the card was declined.
    Declined,
    /// It was not taken, because the order was withdrawn.
    Spared,
    /// It was taken and given back.
    Refunded,
}

/// What is known of an order's parcel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shipment {
    /// Nothing yet.
    #[default]
    Open,
    /// It is on its way.
    Dispatched,
    /// It was not dispatched, and will not be.
    Failed,
    /// It was dispatched and called back.
    Recalled,
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The goods are on their way to the customer.
    Confirmed,
    /// There were not enough goods.
    OutOfStock,
    /// The card was declined.
    PaymentDeclined,
    /// The goods could not be dispatched.
    ShipmentFailed,
    /// The customer withdrew it.
    Withdrawn,
}

impl Order {
    /// What the order comes to with what is known, unless it has ended before.
    pub fn comes_to(&self) -> Option<Outcome> {
        if self.unplaced || self.outcome.is_some() {
            return None;
        }
        if self.stock == Stock::Rejected {
            return Some(Outcome::OutOfStock);
        }
        if self.shipment == Shipment::Dispatched && !self.withdrawn {
            return Some(Outcome::Confirmed);
        }
        if self.stock != Stock::Released {
            return None;
        }
        let why = match self.money {
            Money::Declined => Outcome::PaymentDeclined,
            Money::Spared => Outcome::Withdrawn,
            // Whatever was paid for once, shipping has heard of, and says what became of it.
            Money::Refunded => match self.shipment {
                Shipment::Failed | Shipment::Recalled => Outcome::ShipmentFailed,
                Shipment::Open | Shipment::Dispatched => return None,
            },
            Money::Open => return None,
        };
        Some(if self.withdrawn {
            Outcome::Withdrawn
        } else {
            why
        })
    }
}

impl Record for Order {
    type In = Orders;
    const KIND: &'static str = "order";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_ends_when_neither_goods_nor_money_are_held() {
        // Shows the join for every order in which the facts may arrive.
        use Outcome::{Confirmed, OutOfStock, PaymentDeclined, ShipmentFailed, Withdrawn};
        let order = |withdrawn, stock, money, shipment| Order {
            withdrawn,
            stock,
            money,
            shipment,
            ..Order::default()
        };
        let (free, way, bad, back) = (
            Shipment::Open,
            Shipment::Dispatched,
            Shipment::Failed,
            Shipment::Recalled,
        );
        let (held, out, gone) = (Stock::Open, Stock::Rejected, Stock::Released);
        let cases = [
            (order(false, held, Money::Open, free), None),
            (order(false, out, Money::Open, free), Some(OutOfStock)),
            (order(true, out, Money::Open, free), Some(OutOfStock)),
            (order(false, held, Money::Open, way), Some(Confirmed)),
            // Withdrawn in time: whatever comes, it is not confirmed, and not cancelled while anything
            // is held or on its way.
            (order(true, held, Money::Open, way), None),
            (order(true, gone, Money::Open, way), None),
            (order(true, gone, Money::Refunded, way), None),
            (order(true, gone, Money::Refunded, free), None),
            (order(true, held, Money::Refunded, back), None),
            (order(true, gone, Money::Open, back), None),
            (order(true, gone, Money::Refunded, back), Some(Withdrawn)),
            (order(true, gone, Money::Refunded, bad), Some(Withdrawn)),
            (order(true, gone, Money::Spared, free), Some(Withdrawn)),
            (order(true, gone, Money::Open, free), None),
            // Failures undo what was done before them.
            (order(false, held, Money::Declined, free), None),
            (
                order(false, gone, Money::Declined, free),
                Some(PaymentDeclined),
            ),
            (order(true, gone, Money::Declined, free), Some(Withdrawn)),
            (order(false, held, Money::Open, bad), None),
            (order(false, gone, Money::Open, bad), None),
            (order(false, held, Money::Refunded, bad), None),
            (
                order(false, gone, Money::Refunded, bad),
                Some(ShipmentFailed),
            ),
        ];
        for (order, outcome) in cases {
            assert_eq!(order.comes_to(), outcome, "{order:?}");
        }
    }

    #[test]
    fn an_address_is_in_no_debug() {
        let email = Email("ada@example.org".to_owned());
        let order = Order {
            email,
            ..Order::default()
        };
        assert!(!format!("{order:?}").contains("ada"));
        assert!(
            serde_json::to_string(&order)
                .unwrap()
                .contains("\"ada@example.org\"")
        );
    }

    #[test]
    fn what_nobody_has_placed_comes_to_nothing() {
        // Shows it for facts that would end an order in either way.
        for (stock, shipment) in [
            (Stock::Open, Shipment::Dispatched),
            (Stock::Rejected, Shipment::Open),
        ] {
            let order = Order {
                unplaced: true,
                stock,
                shipment,
                ..Order::default()
            };
            assert_eq!(order.comes_to(), None, "{order:?}");
        }
    }

    #[test]
    fn an_order_ends_once() {
        // Shows that nothing follows the outcome.
        let outcome = Some(Outcome::Confirmed);
        let order = Order {
            outcome,
            stock: Stock::Rejected,
            ..Order::default()
        };
        assert_eq!(order.comes_to(), None);
    }
}
