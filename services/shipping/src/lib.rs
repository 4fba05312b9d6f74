//! Shipping: has the goods of a paid order dispatched by a carrier, and called back where the order is
//! withdrawn.

use quadrille::Service;

pub mod carrier;
pub mod program;
pub mod reactions;
pub mod state;

use carrier::Port;
use reactions::{order_withdrawn, payment_captured};
use state::Shipments;

/// The service.
pub fn service(carrier: Port) -> Service<Shipments, Port> {
    Service::named("shipping")
        .version(env!("CARGO_PKG_VERSION"))
        .keeps(Shipments)
        .given(carrier)
        .on(payment_captured)
        .on(order_withdrawn)
}
