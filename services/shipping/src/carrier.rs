//! The port to the carrier, an outside party.
//!
//! The carrier honours the keys: the same key gives the same answer and is booked once, however often
//! it is asked. What the carrier cannot do just now is an outage, which uses up no attempts.

use std::sync::Arc;

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_schemas::shipping::v1::FailureReason;

mod http;

pub use http::Http;
pub use quadrille::port::Config;

/// The port that the service is given.
pub type Port = Arc<dyn Carrier>;

/// What shipping asks of a carrier.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Has the goods of an order dispatched.
    async fn ship(&self, key: &EffectKey, order_id: &str) -> Result<Shipped, Failure>;

    /// Undoes whatever happened, or may still happen, under a shipment's key: what was dispatched is
    /// brought back.
    async fn recall(&self, key: &EffectKey, shipment_key: &EffectKey) -> Result<(), Failure>;
}

/// What became of a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shipped {
    /// It was dispatched.
    Dispatched {
        /// The carrier's id of it.
        shipment_id: String,
    },
    /// It was refused.
    Refused(FailureReason),
}
