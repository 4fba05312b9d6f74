//! Inventory: holds the goods of an order while it is paid for, and lets them go again if not.

use quadrille::{Door, Service};
use quadrille_schemas::inventory::v1::GoodsReceived;

pub mod reactions;
pub mod state;

use reactions::{goods_received, order_placed, order_withdrawn, payment_declined};
use state::Stock;

/// Where deliveries are announced.
pub type Deliveries = Door<Stock, GoodsReceived>;

/// The service.
pub fn service(deliveries: &Deliveries) -> Service<Stock> {
    Service::named("inventory")
        .version(env!("CARGO_PKG_VERSION"))
        .keeps(Stock)
        .originates(deliveries)
        .on(goods_received)
        .on(order_placed)
        .on(payment_declined)
        .on(order_withdrawn)
}
