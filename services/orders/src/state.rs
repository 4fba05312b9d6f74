//! What orders remembers: how far each order has come.

use quadrille::{Record, State};
use serde::{Deserialize, Serialize};

/// The orders.
pub struct Orders;

impl State for Orders {}

/// One order, by order id.
///
/// Events of different topics come in any order, so the order's end is a join: it is confirmed when
/// the money is there, unless it was withdrawn; it is cancelled when neither goods nor money are
/// held any more.
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
    /// Whether a withdrawal was accepted.
    pub withdrawn: bool,
    /// The goods.
    pub stock: Stock,
    /// The money.
    pub money: Money,
    /// What was paid, once it is.
    #[serde(default)]
    pub paid: Option<Paid>,
    /// How it ended.
    pub outcome: Option<Outcome>,
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
    /// Nothing yet.
    #[default]
    Open,
    /// It was taken.
    Captured,
    /// It was not taken, because the card was declined.
    Declined,
    /// It was not taken, because the order was withdrawn.
    Spared,
    /// It was taken and given back.
    Refunded,
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
    /// The customer withdrew it.
    Withdrawn,
}

impl Order {
    /// What the order comes to with what is known, unless it has ended before.
    pub fn comes_to(&self) -> Option<Outcome> {
        if self.unplaced || self.outcome.is_some() {
            return None;
        }
        let goods_are_free = self.stock == Stock::Released;
        match (self.stock, self.money) {
            (Stock::Rejected, _) => Some(Outcome::OutOfStock),
            (_, Money::Captured) if !self.withdrawn => Some(Outcome::Confirmed),
            (_, Money::Declined) if goods_are_free && !self.withdrawn => {
                Some(Outcome::PaymentDeclined)
            }
            (_, Money::Declined | Money::Spared | Money::Refunded) if goods_are_free => {
                Some(Outcome::Withdrawn)
            }
            _ => None,
        }
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
        let order = |withdrawn, stock, money| Order {
            withdrawn,
            stock,
            money,
            ..Order::default()
        };
        let cases = [
            (order(false, Stock::Open, Money::Open), None),
            (
                order(false, Stock::Rejected, Money::Open),
                Some(Outcome::OutOfStock),
            ),
            (
                order(true, Stock::Rejected, Money::Open),
                Some(Outcome::OutOfStock),
            ),
            (
                order(false, Stock::Open, Money::Captured),
                Some(Outcome::Confirmed),
            ),
            (order(true, Stock::Open, Money::Captured), None),
            (order(true, Stock::Released, Money::Captured), None),
            (order(true, Stock::Open, Money::Refunded), None),
            (
                order(true, Stock::Released, Money::Refunded),
                Some(Outcome::Withdrawn),
            ),
            (order(false, Stock::Open, Money::Declined), None),
            (
                order(false, Stock::Released, Money::Declined),
                Some(Outcome::PaymentDeclined),
            ),
            (
                order(true, Stock::Released, Money::Declined),
                Some(Outcome::Withdrawn),
            ),
            (
                order(true, Stock::Released, Money::Spared),
                Some(Outcome::Withdrawn),
            ),
            (order(true, Stock::Released, Money::Open), None),
        ];
        for (order, outcome) in cases {
            assert_eq!(order.comes_to(), outcome, "{order:?}");
        }
    }

    #[test]
    fn what_nobody_has_placed_comes_to_nothing() {
        // Shows it for facts that would end an order in either way.
        for (stock, money) in [
            (Stock::Open, Money::Captured),
            (Stock::Rejected, Money::Open),
        ] {
            let order = Order {
                unplaced: true,
                stock,
                money,
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
            money: Money::Captured,
            ..Order::default()
        };
        assert_eq!(order.comes_to(), None);
    }
}
