//! From the bytes of a body to a question whose every part is checked.

use quadrille_outside::read::{json, text};
use serde::Deserialize;

use crate::books::Ask;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShipmentBody {
    key: String,
    order_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecallBody {
    key: String,
    shipment_key: String,
}

pub(crate) fn shipment(body: &[u8]) -> Result<Ask, String> {
    let body: ShipmentBody = json(body)?;
    Ok(Ask::Ship {
        key: text("key", body.key)?,
        order_id: text("order_id", body.order_id)?,
    })
}

pub(crate) fn recall(body: &[u8]) -> Result<Ask, String> {
    let body: RecallBody = json(body)?;
    if body.key == body.shipment_key {
        return Err("a recall needs a key of its own, not that of the shipment".to_owned());
    }
    Ok(Ask::Recall {
        key: text("key", body.key)?,
        shipment_key: text("shipment_key", body.shipment_key)?,
    })
}
