//! The events that the services share, generated from the `.proto` files under `proto`.
//!
//! - [`orders::v1`]: an order is placed, perhaps withdrawn, and ends confirmed or cancelled.
//! - [`inventory::v1`]: goods are received, reserved for an order, and released again.
//! - [`payments::v1`]: the money of an order is captured or declined, and perhaps refunded.
//! - [`shipping::v1`]: the goods of an order are dispatched or cannot be, and perhaps called back.
//! - [`notifications::v1`]: what customers were told.
//! - [`common::v1`]: types that they share, and [`money`] to reckon with one of them.
//!
//! There is no behaviour here but that of values: what services decide is theirs.

pub mod money;

quadrille::include_events!();
