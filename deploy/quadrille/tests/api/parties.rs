//! Outside parties in memory: the services that are served here are given these.

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_notifications::mail::{Letter, Post};
use quadrille_payments::gateway::{Charge, Charged, Gateway};
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::payments::v1::DeclineReason;
use quadrille_shipping::carrier::{Carrier, Shipped};

/// A gateway that declines one card.
pub(crate) struct Cards;

#[async_trait]
impl Gateway for Cards {
    async fn charge(&self, charge: Charge) -> Result<Charged, Failure> {
        Ok(match charge.card_number.as_str() {
            "4000000000000002" => Charged::Declined(DeclineReason::CardDeclined),
            _ => Charged::Captured {
                payment_id: format!("pay-{}", charge.key),
            },
        })
    }

    async fn refund(&self, _: &EffectKey, _: &str, _: &Money) -> Result<(), Failure> {
        Ok(())
    }

    async fn void(&self, _: &EffectKey, _: &EffectKey) -> Result<(), Failure> {
        Ok(())
    }
}

/// A carrier that takes everything.
pub(crate) struct Parcels;

#[async_trait]
impl Carrier for Parcels {
    async fn ship(&self, key: &EffectKey, _: &str) -> Result<Shipped, Failure> {
        Ok(Shipped::Dispatched {
            shipment_id: format!("shp-{key}"),
        })
    }

    async fn recall(&self, _: &EffectKey, _: &EffectKey) -> Result<(), Failure> {
        Ok(())
    }
}

/// A post that takes everything.
pub(crate) struct Mails;

#[async_trait]
impl Post for Mails {
    async fn send(&self, _: Letter) -> Result<(), Failure> {
        Ok(())
    }
}
