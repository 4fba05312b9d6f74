//! The gateway over HTTP.
//!
//! What the gateway says when it refuses is not passed on: it may repeat the card number.

use std::time::Duration;

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille_schemas::common::v1::Money;
use quadrille_schemas::payments::v1::DeclineReason;
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Charge, Charged, Gateway};

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where the gateway is, and how long to wait for it. No `Debug`: the address may hold a password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Base address, e.g. `http://127.0.0.1:7090`.
    #[serde(deserialize_with = "base")]
    pub url: Url,
    /// Longest wait for an answer, in milliseconds.
    pub timeout_ms: u64,
}

/// An address that paths can be put behind.
fn base<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    use serde::de::Error as _;
    let text = String::deserialize(from)?;
    let mut url: Url = text
        .parse()
        .map_err(|error| D::Error::custom(format!("no address: {error}")))?;
    if url.scheme() != "http" || url.query().is_some() || url.fragment().is_some() {
        return Err(D::Error::custom(
            "neither http://HOST:PORT nor a path there",
        ));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// The gateway over HTTP.
pub struct Http {
    client: Client,
    url: Url,
}

impl Http {
    /// An adapter. Nothing is connected yet.
    pub fn new(config: &Config) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms))
            // A card number goes to the gateway that was named and nowhere else.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        let url = config.url.clone();
        Ok(Self { client, url })
    }

    /// Asks, and gives back an answer that means something.
    async fn ask(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        let url = self.url.join(path).expect("a name behind a base is a URL");
        let sent = self.client.post(url).json(body).send().await;
        let response = sent.map_err(unreachable)?;
        let status = response.status();
        match status {
            // A refused card is an answer, whether it comes with this status or with success.
            StatusCode::PAYMENT_REQUIRED => {}
            // It will pass; whoever asks again asks with the same key.
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(down(status));
            }
            // The operator's mistake, not the order's: it waits until that is mended.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(down(status)),
            _ if status.is_server_error() => return Err(down(status)),
            _ if status.is_success() => {}
            _ => {
                let what = format!("the gateway refused to answer `{path}`: {status}");
                return Err(Failure::park("gateway_refused", what));
            }
        }
        let bytes = read(response).await?;
        // The error may repeat what came in: only its place is told.
        serde_json::from_slice(&bytes).map_err(|error| {
            not_understood(&format!(
                "line {} column {} of it is not what it should be",
                error.line(),
                error.column()
            ))
        })
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(not_understood(&format!(
                "it is larger than {ANSWER_BYTES_MAX} bytes"
            )));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The address may hold a password.
fn unreachable(error: reqwest::Error) -> Failure {
    Failure::outage("gateway_unreachable", error.without_url())
}

fn down(status: StatusCode) -> Failure {
    Failure::outage("gateway_down", format!("the gateway answered {status}"))
}

fn not_understood(why: &str) -> Failure {
    let what = format!("the gateway's answer is not understood: {why}");
    Failure::park("gateway_answer", what)
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
            _ => Err(not_understood("it is neither `captured` nor `declined`")),
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
