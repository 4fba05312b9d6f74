//! Payments: charges the card of an order whose goods are held, and gives the money back where the
//! order is withdrawn or cannot be dispatched.

use quadrille::Service;

pub mod gateway;
pub mod program;
pub mod reactions;
pub mod state;

use gateway::Port;
use reactions::{order_withdrawn, shipment_failed, stock_reserved};
use state::Payments;

/// The service.
pub fn service(gateway: Port) -> Service<Payments, Port> {
    Service::named("payments")
        .version(env!("CARGO_PKG_VERSION"))
        .keeps(Payments)
        .given(gateway)
        .on(stock_reserved)
        .on(order_withdrawn)
        .on(shipment_failed)
}
