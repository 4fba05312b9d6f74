//! The port to the payment gateway, an outside party.
//!
//! The gateway honours the keys: the same key gives the same answer and is booked once, however
//! often it is asked. What the gateway cannot do just now is an outage, which uses up no attempts.

use std::sync::Arc;

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::payments::v1::DeclineReason;

mod http;

pub use http::Http;
pub use quadrille::port::Config;

/// The port that the service is given.
pub type Port = Arc<dyn Gateway>;

/// What payments asks of a payment gateway.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// Charges a card.
    async fn charge(&self, charge: Charge) -> Result<Charged, Failure>;

    /// Gives the money of a charge back.
    async fn refund(
        &self,
        key: &EffectKey,
        payment_id: &str,
        amount: &Money,
    ) -> Result<(), Failure>;

    /// Undoes whatever happened, or may still happen, under a charge's key.
    async fn void(&self, key: &EffectKey, charge_key: &EffectKey) -> Result<(), Failure>;
}

/// A charge to be made.
pub struct Charge {
    /// Its idempotency key.
    pub key: EffectKey,
    /// The order that it is for.
    pub order_id: String,
    /// How much.
    pub amount: Money,
    /// The card. Never shown in logs or errors, which is why this type has no `Debug`.
    pub card_number: String,
}

/// What became of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charged {
    /// It was made.
    Captured {
        /// The gateway's id of it.
        payment_id: String,
    },
    /// It was refused.
    Declined(DeclineReason),
}
