//! What orders decides when others announce what became of an order.
//!
//! Each reaction notes one fact; what the order comes to follows from all of them, see
//! [`Order::comes_to`]. An order that was placed by somebody else's event is followed as well. Facts
//! about an order that nobody has placed make no order: they are kept for the case that its placing is
//! still on its way, and the log says so.

use quadrille::{Cx, Either, Reacted};
use quadrille_schemas::common::v1::Money as Amount;
use quadrille_schemas::inventory::v1::{StockRejected, StockReleased};
use quadrille_schemas::orders::v1::{CancelReason, OrderCancelled, OrderConfirmed, OrderPlaced};
use quadrille_schemas::payments::v1::{DeclineReason, PaymentDeclined, PaymentRefunded};
use quadrille_schemas::shipping::v1::{ShipmentDispatched, ShipmentFailed, ShipmentRecalled};

use crate::state::{Email, Money, Order, Orders, Outcome, Paid, Shipment, Stock};

/// How an order can end.
type Ended = Either<OrderConfirmed, OrderCancelled>;

/// Takes an order that came in by somebody else's event, and ends it where the facts were here
/// first. One that came through the door is known already.
pub async fn order_placed(placed: OrderPlaced, mut cx: Cx<Orders>) -> Reacted<Option<Ended>> {
    let mut order = match cx.load::<Order>(&placed.order_id).await? {
        Some(order) if !order.unplaced => return Ok(None),
        // Facts of another flow are not about this order, though they name its id.
        Some(order) if order.flow == cx.flow().as_str() => order,
        _ => unplaced(&cx),
    };
    order.unplaced = false;
    order.email = Email(placed.email);
    end(placed.order_id, order, cx)
}

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

/// Confirms an order whose goods are on their way, unless it was withdrawn.
pub async fn shipment_dispatched(
    shipment: ShipmentDispatched,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderConfirmed>> {
    let mut order = order(&shipment.order_id, &mut cx).await?;
    if order.shipment == Shipment::Open {
        order.shipment = Shipment::Dispatched;
    }
    order.paid = Some(paid(shipment.payment_id, shipment.total));
    match end(shipment.order_id, order, cx)? {
        Some(Either::Left(confirmed)) => Ok(Some(confirmed)),
        Some(Either::Right(_)) => unreachable!("no order is cancelled because it is dispatched"),
        None => Ok(None),
    }
}

/// Cancels an order whose goods could not be dispatched, once they and its money are free.
pub async fn shipment_failed(
    shipment: ShipmentFailed,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderCancelled>> {
    let mut order = order(&shipment.order_id, &mut cx).await?;
    order.shipment = Shipment::Failed;
    cancel(shipment.order_id, order, cx)
}

/// Cancels a withdrawn order whose goods were called back, once they and its money are free.
pub async fn shipment_recalled(
    shipment: ShipmentRecalled,
    mut cx: Cx<Orders>,
) -> Reacted<Option<OrderCancelled>> {
    let mut order = order(&shipment.order_id, &mut cx).await?;
    order.shipment = Shipment::Recalled;
    cancel(shipment.order_id, order, cx)
}

/// The order that a fact is about. Where nobody has placed it, the fact makes none.
async fn order(order_id: &str, cx: &mut Cx<Orders>) -> Reacted<Order> {
    match cx.load::<Order>(order_id).await? {
        Some(order) if !order.unplaced || order.flow == cx.flow().as_str() => Ok(order),
        _ => {
            tracing::warn!(
                order_id,
                flow = cx.flow().as_str(),
                "a fact about an order that nobody has placed, it is kept until somebody does"
            );
            Ok(unplaced(cx))
        }
    }
}

/// What is known of an order that nobody has placed: nothing.
fn unplaced(cx: &Cx<Orders>) -> Order {
    Order {
        unplaced: true,
        flow: cx.flow().to_string(),
        ..Order::default()
    }
}

/// Keeps the order, and cancels it where that is what it has come to.
fn cancel(order_id: String, order: Order, cx: Cx<Orders>) -> Reacted<Option<OrderCancelled>> {
    match end(order_id, order, cx)? {
        Some(Either::Right(cancelled)) => Ok(Some(cancelled)),
        Some(Either::Left(_)) => unreachable!("no order is confirmed because something failed"),
        None => Ok(None),
    }
}

/// Keeps the order, and ends it in what it has come to, if it has.
fn end(order_id: String, mut order: Order, mut cx: Cx<Orders>) -> Reacted<Option<Ended>> {
    let outcome = order.comes_to();
    order.outcome = order.outcome.or(outcome);
    cx.put(&order_id, &order)?;
    let (reason, detail) = match outcome {
        None => return Ok(None),
        Some(Outcome::Confirmed) => {
            return Ok(Some(Either::Left(confirmed(order_id, order))));
        }
        Some(Outcome::OutOfStock) => (CancelReason::OutOfStock, "not enough in stock"),
        Some(Outcome::PaymentDeclined) => (CancelReason::PaymentDeclined, "the card was declined"),
        Some(Outcome::ShipmentFailed) => (
            CancelReason::ShipmentFailed,
            "the goods could not be dispatched",
        ),
        Some(Outcome::Withdrawn) => (CancelReason::Withdrawn, "withdrawn by the customer"),
    };
    Ok(Some(Either::Right(OrderCancelled {
        order_id,
        reason: reason.into(),
        detail: detail.to_owned(),
        email: order.email.0,
    })))
}

fn confirmed(order_id: String, order: Order) -> OrderConfirmed {
    let Paid {
        payment_id,
        currency_code,
        units,
        nanos,
    } = order.paid.unwrap_or_default();
    let total = Amount {
        currency_code,
        units,
        nanos,
    };
    OrderConfirmed {
        order_id,
        payment_id,
        total: Some(total),
        email: order.email.0,
    }
}

fn paid(payment_id: String, amount: Option<Amount>) -> Paid {
    let Amount {
        currency_code,
        units,
        nanos,
    } = amount.unwrap_or_default();
    Paid {
        payment_id,
        currency_code,
        units,
        nanos,
    }
}

#[cfg(test)]
mod tests;
