//! The gateway over HTTP.

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille::port::{self, Config};
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::payments::v1::DeclineReason;
use serde::Deserialize;
use serde_json::Value;

use super::{Charge, Charged, Gateway};

/// The gateway over HTTP.
pub struct Http(port::Http);

impl Http {
    /// An adapter. Nothing is connected yet.
    pub fn new(config: &Config) -> Result<Self, port::Error> {
        port::Http::new("gateway", config).map(Self)
    }

    async fn ask(&self, path: &str, question: &Value) -> Result<Answer, Failure> {
        self.0.ask(path, question).await
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    payment_id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    reason: String,
}

#[async_trait]
impl Gateway for Http {
    async fn charge(&self, charge: Charge) -> Result<Charged, Failure> {
        let body = serde_json::json!({
            "key": charge.key,
            "order_id": charge.order_id,
            "amount": money(&charge.amount),
            "card_number": charge.card_number,
        });
        let answer = self.ask("charges", &body).await?;
        match answer.status.as_str() {
            "captured" => Ok(Charged::Captured {
                payment_id: answer.payment_id,
            }),
            "declined" => Ok(Charged::Declined(reason(&answer.reason))),
            _ => Err(self
                .0
                .not_understood("it is neither `captured` nor `declined`")),
        }
    }

    async fn refund(
        &self,
        key: &EffectKey,
        payment_id: &str,
        amount: &Money,
    ) -> Result<(), Failure> {
        let body = serde_json::json!({
            "key": key,
            "payment_id": payment_id,
            "amount": money(amount),
        });
        self.ask("refunds", &body).await.map(drop)
    }

    async fn void(&self, key: &EffectKey, charge_key: &EffectKey) -> Result<(), Failure> {
        let body = serde_json::json!({ "key": key, "charge_key": charge_key });
        self.ask("voids", &body).await.map(drop)
    }
}

fn money(amount: &Money) -> serde_json::Value {
    let Money {
        currency_code,
        units,
        nanos,
    } = amount;
    serde_json::json!({ "currency_code": currency_code, "units": units, "nanos": nanos })
}

fn reason(code: &str) -> DeclineReason {
    match code {
        "insufficient_funds" => DeclineReason::InsufficientFunds,
        "expired_card" => DeclineReason::ExpiredCard,
        "invalid_number" => DeclineReason::InvalidCard,
        "voided" => DeclineReason::Withdrawn,
        // Whatever else the gateway has against a card, it is the card's bank that will not pay.
        _ => DeclineReason::CardDeclined,
    }
}

#[cfg(test)]
mod tests;
