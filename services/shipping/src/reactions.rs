//! What shipping decides.
//!
//! A withdrawal and a payment meet in the order's one record: whichever comes second knows of the
//! first. So a withdrawn order is either never dispatched, or dispatched and called back.

use quadrille::id::EffectKey;
use quadrille::{Cx, Either, Reacted};
use quadrille_schemas::orders::v1::OrderWithdrawn;
use quadrille_schemas::payments::v1::PaymentCaptured;
use quadrille_schemas::shipping::v1::{
    FailureReason, ShipmentDispatched, ShipmentFailed, ShipmentRecalled,
};

use crate::carrier::{Port, Shipped};
use crate::state::{Shipment, Shipments};

/// Has the goods of an order dispatched that is paid for, unless it was withdrawn.
///
/// An order that was dispatched or refused before has its answer: then there is nothing to say.
pub async fn payment_captured(
    payment: PaymentCaptured,
    mut cx: Cx<Shipments, Port>,
) -> Reacted<Option<Either<ShipmentDispatched, ShipmentFailed>>> {
    // Both keys are taken on every path, so that each is the same on every attempt.
    let (shipment_key, recall_key) = (cx.effect_key(), cx.effect_key());
    let order_id = payment.order_id;
    let shipped = match cx.load::<Shipment>(&order_id).await? {
        None => {
            let shipped = cx.given().ship(&shipment_key, &order_id);
            cx.calling(shipped).await?
        }
        Some(Shipment::Withdrawn) => {
            // An earlier attempt may have had it dispatched before the withdrawal was seen.
            let recalled = cx.given().recall(&recall_key, &shipment_key);
            cx.calling(recalled).await?;
            Shipped::Refused(FailureReason::Withdrawn)
        }
        Some(_) => return Ok(None),
    };
    Ok(Some(match shipped {
        Shipped::Dispatched { shipment_id } => {
            let kept = Shipment::Dispatched {
                shipment_id: shipment_id.clone(),
                shipment_key: shipment_key.to_string(),
            };
            cx.put(&order_id, &kept)?;
            Either::Left(ShipmentDispatched {
                order_id,
                shipment_id,
                payment_id: payment.payment_id,
                total: payment.amount,
            })
        }
        Shipped::Refused(reason) => {
            cx.put(&order_id, &Shipment::Failed)?;
            let reason = reason.into();
            Either::Right(ShipmentFailed { order_id, reason })
        }
    }))
}

/// Calls the goods of a withdrawn order back, or sees to it that they will not be dispatched.
pub async fn order_withdrawn(
    order: OrderWithdrawn,
    mut cx: Cx<Shipments, Port>,
) -> Reacted<Option<ShipmentRecalled>> {
    let recall_key = cx.effect_key();
    let order_id = order.order_id;
    match cx.load::<Shipment>(&order_id).await? {
        None => {
            cx.put(&order_id, &Shipment::Withdrawn)?;
            Ok(None)
        }
        Some(Shipment::Dispatched {
            shipment_id,
            shipment_key,
        }) => {
            let shipment_key = EffectKey::new(shipment_key);
            let recalled = cx.given().recall(&recall_key, &shipment_key);
            cx.calling(recalled).await?;
            let kept = Shipment::Recalled {
                shipment_id: shipment_id.clone(),
            };
            cx.put(&order_id, &kept)?;
            Ok(Some(ShipmentRecalled {
                order_id,
                shipment_id,
            }))
        }
        Some(Shipment::Withdrawn | Shipment::Failed | Shipment::Recalled { .. }) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
