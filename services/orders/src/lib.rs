//! Orders: takes orders, and says how each ended.

use quadrille::{Door, Service};
use quadrille_schemas::orders::v1::{OrderPlaced, OrderWithdrawn};

pub mod http;
pub mod program;
pub mod reactions;
pub mod requests;
pub mod state;

use reactions::{
    order_placed, payment_declined, payment_refunded, shipment_dispatched, shipment_failed,
    shipment_recalled, stock_rejected, stock_released,
};
use state::Orders;

/// Where orders come in.
#[derive(Clone, Default)]
pub struct Doors {
    /// For orders that are placed.
    pub placing: Door<Orders, Option<OrderPlaced>>,
    /// For orders that are withdrawn.
    pub withdrawing: Door<Orders, Option<OrderWithdrawn>>,
}

/// The service.
pub fn service(doors: &Doors) -> Service<Orders> {
    Service::named("orders")
        .version(env!("CARGO_PKG_VERSION"))
        .keeps(Orders)
        .originates(&doors.placing)
        .originates(&doors.withdrawing)
        .on(order_placed)
        .on(stock_rejected)
        .on(stock_released)
        .on(payment_declined)
        .on(payment_refunded)
        .on(shipment_dispatched)
        .on(shipment_failed)
        .on(shipment_recalled)
}
