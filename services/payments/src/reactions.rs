//! What payments decides.

use quadrille::id::EffectKey;
use quadrille::{Cx, Either, Failure, Reacted};
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::inventory::v1::StockReserved;
use quadrille_schemas::orders::v1::OrderWithdrawn;
use quadrille_schemas::payments::v1::{
    DeclineReason, PaymentCaptured, PaymentDeclined, PaymentRefunded, RefundReason,
};
use quadrille_schemas::shipping::v1::ShipmentFailed;

use crate::gateway::{Charge, Charged, Port};
use crate::state::{Payment, Payments};

/// Charges the card of an order whose goods are held.
///
/// An order that was charged or declined before has its answer: then there is nothing to say.
pub async fn stock_reserved(
    stock: StockReserved,
    mut cx: Cx<Payments, Port>,
) -> Reacted<Option<Either<PaymentCaptured, PaymentDeclined>>> {
    // All keys are taken on every path, so that each is the same on every attempt.
    let (charge_key, void_key, refund_key) = (cx.effect_key(), cx.effect_key(), cx.effect_key());
    let amount = stock
        .total
        .ok_or_else(|| Failure::park("no_amount", "the reserved stock has no total to charge"))?;
    let order_id = stock.order_id;
    match cx.load::<Payment>(&order_id).await? {
        None => {}
        Some(Payment::Withdrawn) => {
            // An earlier attempt may have charged the card before the withdrawal was seen.
            let voided = cx.given().void(&void_key, &charge_key);
            cx.calling(voided).await?;
            cx.put(&order_id, &Payment::Declined)?;
            let reason = DeclineReason::Withdrawn;
            return Ok(Some(Either::Right(declined(order_id, reason, amount))));
        }
        Some(_) => return Ok(None),
    }
    let charge = Charge {
        key: charge_key,
        order_id: order_id.clone(),
        amount: amount.clone(),
        card_number: stock.card_number,
    };
    Ok(Some(match cx.calling(cx.given().charge(charge)).await? {
        Charged::Captured { payment_id } => {
            let kept = Payment::captured(payment_id.clone(), refund_key.to_string(), &amount);
            cx.put(&order_id, &kept)?;
            Either::Left(PaymentCaptured {
                order_id,
                payment_id,
                amount: Some(amount),
            })
        }
        Charged::Declined(reason) => {
            cx.put(&order_id, &Payment::Declined)?;
            Either::Right(declined(order_id, reason, amount))
        }
    }))
}

/// Gives the money of a withdrawn order back, or sees to it that it will not be taken.
pub async fn order_withdrawn(
    order: OrderWithdrawn,
    mut cx: Cx<Payments, Port>,
) -> Reacted<Option<PaymentRefunded>> {
    let order_id = order.order_id;
    if cx.load::<Payment>(&order_id).await?.is_none() {
        cx.put(&order_id, &Payment::Withdrawn)?;
        return Ok(None);
    }
    refund(order_id, RefundReason::Withdrawn, cx).await
}

/// Gives the money of an order back that cannot be dispatched.
pub async fn shipment_failed(
    shipment: ShipmentFailed,
    cx: Cx<Payments, Port>,
) -> Reacted<Option<PaymentRefunded>> {
    refund(shipment.order_id, RefundReason::ShipmentFailed, cx).await
}

/// Gives the money of an order back that was charged, once.
///
/// A withdrawal and a failed shipment may ask for it at the same moment, and then both ask the
/// gateway: under one key, which was chosen with the charge.
async fn refund(
    order_id: String,
    reason: RefundReason,
    mut cx: Cx<Payments, Port>,
) -> Reacted<Option<PaymentRefunded>> {
    let Some(Payment::Captured {
        payment_id,
        refund_key,
        currency_code,
        units,
        nanos,
    }) = cx.load::<Payment>(&order_id).await?
    else {
        return Ok(None);
    };
    let amount = Money {
        currency_code,
        units,
        nanos,
    };
    let refund_key = EffectKey::new(refund_key);
    let refunded = cx.given().refund(&refund_key, &payment_id, &amount);
    cx.calling(refunded).await?;
    let kept = Payment::Refunded {
        payment_id: payment_id.clone(),
    };
    cx.put(&order_id, &kept)?;
    Ok(Some(PaymentRefunded {
        order_id,
        payment_id,
        amount: Some(amount),
        reason: reason.into(),
    }))
}

fn declined(order_id: String, reason: DeclineReason, amount: Money) -> PaymentDeclined {
    PaymentDeclined {
        order_id,
        reason: reason.into(),
        amount: Some(amount),
    }
}

#[cfg(test)]
mod tests;
