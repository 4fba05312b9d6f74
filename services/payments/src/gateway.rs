//! The port to the payment gateway, an outside party, and its HTTP adapter.
//!
//! The gateway honours the keys: the same key gives the same answer and is booked once, however
//! often it is asked. What the gateway cannot do just now is an outage, which uses up no attempts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::payments::v1::DeclineReason;
use serde::{Deserialize, Serialize};

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

/// Where the gateway is, and how long to wait for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Base address, e.g. `http://127.0.0.1:7090`.
    pub url: String,
    /// Longest wait for an answer, in milliseconds.
    pub timeout_ms: u64,
}

/// The gateway over HTTP.
pub struct Http {
    client: reqwest::Client,
    url: String,
}

impl Http {
    /// An adapter. Nothing is connected yet.
    pub fn new(config: &Config) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms))
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            url: config.url.trim_end_matches('/').to_owned(),
        })
    }

    /// Asks, and gives back the status and body of an answer that means something.
    async fn ask(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        let sent = self
            .client
            .post(format!("{}/{path}", self.url))
            .json(body)
            .send()
            .await;
        let response = sent.map_err(|error| Failure::outage("gateway_unreachable", error))?;
        let status = response.status();
        if status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            let what = format!("the gateway answered {status}");
            return Err(Failure::outage("gateway_down", what));
        }
        let text = response
            .text()
            .await
            .map_err(|error| Failure::outage("gateway_unreachable", error))?;
        if !status.is_success() && status != reqwest::StatusCode::PAYMENT_REQUIRED {
            return Err(Failure::park(
                "gateway_refused",
                format!("the gateway answered {status}: {text}"),
            ));
        }
        serde_json::from_str(&text).map_err(|error| {
            Failure::park(
                "gateway_answer",
                format!("the gateway's answer is not understood: {error}"),
            )
        })
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
            other => {
                let what = format!("the gateway answered with status `{other}`");
                Err(Failure::park("gateway_answer", what))
            }
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
