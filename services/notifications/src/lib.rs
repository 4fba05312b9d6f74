//! Notifications: tells customers by mail how their orders ended.

use quadrille::Service;

pub mod mail;
pub mod program;
pub mod reactions;
pub mod state;

use mail::Port;
use reactions::{order_cancelled, order_confirmed};
use state::Notifications;

/// The service.
pub fn service(post: Port) -> Service<Notifications, Port> {
    Service::named("notifications")
        .version(env!("CARGO_PKG_VERSION"))
        .keeps(Notifications)
        .given(post)
        .on(order_confirmed)
        .on(order_cancelled)
}
