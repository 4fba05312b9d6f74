//! What inventory decides.

use std::collections::BTreeMap;

use quadrille::{Cx, Either, Failure, Reacted};
use quadrille_schemas::inventory::v1::{
    GoodsReceived, Line, MissingLine, ReleaseReason, StockRejected, StockReleased, StockReserved,
};
use quadrille_schemas::orders::v1::{OrderLine, OrderPlaced, OrderWithdrawn};
use quadrille_schemas::payments::v1::PaymentDeclined;
use quadrille_schemas::shipping::v1::ShipmentFailed;

use crate::state::{Delivery, Item, Reservation, Stock};

/// Puts delivered goods on the shelf, once: a delivery brings each article once, so that a second
/// announcement of it is a repetition.
pub async fn goods_received(goods: GoodsReceived, mut cx: Cx<Stock>) -> Reacted<()> {
    if goods.delivery_id.is_empty() {
        let what = "without a delivery_id, goods that are announced twice would count twice";
        return Err(Failure::park("no_delivery_id", what));
    }
    let mut delivery: Delivery = cx.load(&goods.delivery_id).await?.unwrap_or_default();
    if delivery.units.contains_key(&goods.sku) {
        return Ok(());
    }
    delivery.units.insert(goods.sku.clone(), goods.quantity);
    cx.put(&goods.delivery_id, &delivery)?;
    let mut item: Item = cx.load(&goods.sku).await?.unwrap_or_default();
    item.on_hand = item
        .on_hand
        .checked_add(u64::from(goods.quantity))
        .ok_or_else(|| Failure::park("too_many_units", "more units than can be counted"))?;
    cx.put(&goods.sku, &item)?;
    Ok(())
}

/// Holds the goods of a placed order, all of them, or says what is missing.
///
/// An order that was placed before has its answer: then there is nothing to say. That goes for a
/// rejected one as well, or an order that was cancelled could be held and paid for later.
pub async fn order_placed(
    order: OrderPlaced,
    mut cx: Cx<Stock>,
) -> Reacted<Option<Either<StockReserved, StockRejected>>> {
    if cx.load::<Reservation>(&order.order_id).await?.is_some() {
        return Ok(None);
    }
    let units = units(&order.lines)?;
    let mut items = Vec::new();
    let mut missing = Vec::new();
    for (sku, wanted) in &units {
        let item: Item = cx.load(sku).await?.unwrap_or_default();
        let available = u32::try_from(item.available()).unwrap_or(u32::MAX);
        if available < *wanted {
            missing.push(MissingLine {
                sku: sku.clone(),
                wanted: *wanted,
                available,
            });
        }
        items.push((
            sku,
            Item {
                reserved: item.reserved + u64::from(*wanted),
                ..item
            },
        ));
    }
    if !missing.is_empty() {
        let refused = Reservation {
            units: BTreeMap::new(),
            held: false,
        };
        cx.put(&order.order_id, &refused)?;
        return Ok(Some(Either::Right(StockRejected {
            order_id: order.order_id,
            missing,
        })));
    }
    for (sku, item) in items {
        cx.put(sku, &item)?;
    }
    let lines = lines(&units);
    cx.put(&order.order_id, &Reservation { units, held: true })?;
    Ok(Some(Either::Left(StockReserved {
        order_id: order.order_id,
        lines,
        total: order.total,
        card_number: order.card_number,
    })))
}

/// Lets go of the goods of an order that was not paid for.
pub async fn payment_declined(
    payment: PaymentDeclined,
    cx: Cx<Stock>,
) -> Reacted<Option<StockReleased>> {
    release(payment.order_id, ReleaseReason::PaymentDeclined, cx).await
}

/// Lets go of the goods of an order that was withdrawn.
pub async fn order_withdrawn(
    order: OrderWithdrawn,
    cx: Cx<Stock>,
) -> Reacted<Option<StockReleased>> {
    release(order.order_id, ReleaseReason::Withdrawn, cx).await
}

/// Lets go of the goods of an order that cannot be dispatched.
pub async fn shipment_failed(
    shipment: ShipmentFailed,
    cx: Cx<Stock>,
) -> Reacted<Option<StockReleased>> {
    release(shipment.order_id, ReleaseReason::ShipmentFailed, cx).await
}

/// Lets go of what an order holds, once: a declined payment may follow a withdrawal.
async fn release(
    order_id: String,
    reason: ReleaseReason,
    mut cx: Cx<Stock>,
) -> Reacted<Option<StockReleased>> {
    let held = cx
        .load::<Reservation>(&order_id)
        .await?
        .filter(|reservation| reservation.held);
    let Some(mut reservation) = held else {
        return Ok(None);
    };
    for (sku, units) in &reservation.units {
        let mut item: Item = cx.load(sku).await?.unwrap_or_default();
        item.reserved = item
            .reserved
            .checked_sub(u64::from(*units))
            .ok_or_else(|| {
                Failure::park(
                    "books_do_not_balance",
                    format!("{order_id} holds more `{sku}` than is reserved"),
                )
            })?;
        cx.put(sku, &item)?;
    }
    reservation.held = false;
    cx.put(&order_id, &reservation)?;
    let lines = lines(&reservation.units);
    Ok(Some(StockReleased {
        order_id,
        lines,
        reason: reason.into(),
    }))
}

/// Units by SKU: an order may name an article on several lines.
fn units(lines: &[OrderLine]) -> Reacted<BTreeMap<String, u32>> {
    let mut units = BTreeMap::new();
    for line in lines {
        let of_sku: &mut u32 = units.entry(line.sku.clone()).or_default();
        *of_sku = of_sku.checked_add(line.quantity).ok_or_else(|| {
            Failure::park(
                "too_many_units",
                format!("more `{}` than can be counted", line.sku),
            )
        })?;
    }
    Ok(units)
}

fn lines(units: &BTreeMap<String, u32>) -> Vec<Line> {
    units
        .iter()
        .map(|(sku, quantity)| Line {
            sku: sku.clone(),
            quantity: *quantity,
        })
        .collect()
}

#[cfg(test)]
mod tests;
