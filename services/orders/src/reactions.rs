//! What orders decides when others announce what became of an order.
//!
//! Each reaction notes one fact; what the order comes to follows from all of them, see
//! [`Order::comes_to`]. An order that was placed by somebody else's event is followed as well.

use quadrille::{Cx, Reacted};
use quadrille_schemas::inventory::v1::{StockRejected, StockReleased};
use quadrille_schemas::orders::v1::{CancelReason, OrderCancelled, OrderConfirmed};
use quadrille_schemas::payments::v1::{
    DeclineReason, PaymentCaptured, PaymentDeclined, PaymentRefunded,
};

use crate::state::{Money, Order, Orders, Outcome, Stock};

/// Cancels an order whose goods are not there.
pub async fn stock_rejected(
    stock: StockRejected,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderCancelled>> {
    let mut order = order(&stock.order_id, &mut cx).await?;
    order.stock = Stock::Rejected;
    cancel(stock.order_id, order, cx)
}

/// Cancels an order whose goods are free again, once its money is too.
pub async fn stock_released(
    stock: StockReleased,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderCancelled>> {
    let mut order = order(&stock.order_id, &mut cx).await?;
    order.stock = Stock::Released;
    cancel(stock.order_id, order, cx)
}

/// Confirms an order that is paid for, unless it was withdrawn.
pub async fn payment_captured(
    payment: PaymentCaptured,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderConfirmed>> {
    let mut order = order(&payment.order_id, &mut cx).await?;
    // A refund may have overtaken the charge that it gives back.
    if order.money == Money::Open {
        order.money = Money::Captured;
    }
    let outcome = order.comes_to();
    order.outcome = order.outcome.or(outcome);
    cx.put(&payment.order_id, &order)?;
    Ok(
        (outcome == Some(Outcome::Confirmed)).then_some(OrderConfirmed {
            order_id: payment.order_id,
            payment_id: payment.payment_id,
            total: payment.amount,
        }),
    )
}

/// Cancels an order that was not paid for, once its goods are free.
pub async fn payment_declined(
    payment: PaymentDeclined,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderCancelled>> {
    let mut order = order(&payment.order_id, &mut cx).await?;
    let spared = payment.reason() == DeclineReason::Withdrawn;
    order.money = if spared {
        Money::Spared
    } else {
        Money::Declined
    };
    cancel(payment.order_id, order, cx)
}

/// Cancels an order that got its money back, once its goods are free.
pub async fn payment_refunded(
    payment: PaymentRefunded,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderCancelled>> {
    let mut order = order(&payment.order_id, &mut cx).await?;
    order.money = Money::Refunded;
    cancel(payment.order_id, order, cx)
}

async fn order(order_id: &str, cx: &mut Cx<Orders>) -> Reacted<Order> {
    let order = cx.load(order_id).await?;
    Ok(order.unwrap_or_else(|| Order {
        flow: cx.flow().to_string(),
        ..Order::default()
    }))
}

/// Keeps the order, and cancels it where that is what it has come to.
fn cancel(
    order_id: String,
    mut order: Order,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderCancelled>> {
    let outcome = order.comes_to();
    order.outcome = order.outcome.or(outcome);
    cx.put(&order_id, &order)?;
    let (reason, detail) = match outcome {
        None | Some(Outcome::Confirmed) => return Ok(None),
        Some(Outcome::OutOfStock) => (CancelReason::OutOfStock, "not enough in stock"),
        Some(Outcome::PaymentDeclined) => (CancelReason::PaymentDeclined, "the card was declined"),
        Some(Outcome::Withdrawn) => (CancelReason::Withdrawn, "withdrawn by the customer"),
    };
    let (reason, detail) = (reason.into(), detail.to_owned());
    Ok(Some(OrderCancelled {
        order_id,
        reason,
        detail,
    }))
}

#[cfg(test)]
mod tests;
