//! Inventory: holds the goods of an order while it is paid for and dispatched, and lets them go again if
//! not.

use quadrille::Service;

pub mod deliveries;
pub mod program;
pub mod reactions;
pub mod state;

pub use deliveries::Deliveries;
use reactions::{goods_received, order_placed, order_withdrawn, payment_declined, shipment_failed};
use state::Stock;

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
        .on(shipment_failed)
}
