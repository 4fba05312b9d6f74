//! A port over HTTP: how a service asks an outside party that honours idempotency keys.
//!
//! What the party cannot do just now is an outage, which uses up no attempts; what it refuses parks the
//! event, since it would refuse it again. What it says when it refuses is not passed on: it may repeat a
//! card number or an address.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::react::Failure;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where the party is, and how long to wait for it. No `Debug`: the address may hold a password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Base address, e.g. `http://127.0.0.1:7090`.
    #[serde(deserialize_with = "base")]
    url: Url,
    /// Longest wait for an answer, in milliseconds.
    timeout_ms: u64,
}

impl Config {
    /// Of an address. The error says why it cannot be one.
    pub fn new(url: &str, timeout_ms: u64) -> Result<Self, String> {
        let url = parse(url)?;
        Ok(Self { url, timeout_ms })
    }
}

fn base<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

/// An address that paths can be put behind.
fn parse(text: &str) -> Result<Url, String> {
    let mut url: Url = text
        .parse()
        .map_err(|error| format!("no address: {error}"))?;
    if url.scheme() != "http" || url.query().is_some() || url.fragment().is_some() {
        return Err("neither http://HOST:PORT nor a path there".to_owned());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make an HTTP client")]
pub struct Error(#[source] reqwest::Error);

/// A party that is asked over HTTP.
pub struct Http {
    party: &'static str,
    client: Client,
    url: Url,
}

impl Http {
    /// A port to a party of this name, which codes and texts of failures begin with: `gateway` gives
    /// `gateway_down`. Nothing is connected yet.
    pub fn new(party: &'static str, config: &Config) -> Result<Self, Error> {
        let client = Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms))
            // What is sensitive goes to the party that was named and nowhere else.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(Error)?;
        let url = config.url.clone();
        Ok(Self { party, client, url })
    }

    /// Posts a question as JSON, and gives back an answer that means something.
    pub async fn ask<A: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<A, Failure> {
        let url = self.url.join(path).expect("a name behind a base is a URL");
        let sent = self.client.post(url).json(question).send().await;
        let response = sent.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        match status {
            // A refused payment is an answer, whether it comes with this status or with success.
            StatusCode::PAYMENT_REQUIRED => {}
            // It will pass; whoever asks again asks with the same key.
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(self.down(status));
            }
            // The operator's mistake, not the event's: it waits until that is mended.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.down(status)),
            _ if status.is_server_error() => return Err(self.down(status)),
            _ if status.is_success() => {}
            _ => {
                let party = self.party;
                let what = format!("the {party} refused to answer `{path}`: {status}");
                return Err(Failure::park(format!("{party}_refused"), what));
            }
        }
        let bytes = self.read(response).await?;
        // The error may repeat what came in: only its place is told.
        serde_json::from_slice(&bytes).map_err(|error| {
            self.not_understood(&format!(
                "line {} column {} of it is not what it should be",
                error.line(),
                error.column()
            ))
        })
    }

    /// The failure of an answer that makes no sense.
    pub fn not_understood(&self, why: &str) -> Failure {
        let party = self.party;
        let what = format!("the {party}'s answer is not understood: {why}");
        Failure::park(format!("{party}_answer"), what)
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.unreachable(error))?
        {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(
                    self.not_understood(&format!("it is larger than {ANSWER_BYTES_MAX} bytes"))
                );
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Nobody listens, or nobody answers in time. The address may hold a password.
    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let is_silent = error.is_timeout() && !error.is_connect();
        let what = if is_silent { "silent" } else { "unreachable" };
        Failure::outage(format!("{}_{what}", self.party), error.without_url())
    }

    fn down(&self, status: StatusCode) -> Failure {
        let party = self.party;
        let what = format!("the {party} answered {status}");
        Failure::outage(format!("{party}_down"), what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_leads_nowhere_is_refused() {
        for url in [
            "",
            "localhost:7090",
            "https://localhost",
            "http://",
            "http://a/?b=c",
        ] {
            assert!(Config::new(url, 1).is_err(), "{url}");
            let config = serde_json::json!({ "url": url, "timeout_ms": 1 });
            assert!(serde_json::from_value::<Config>(config).is_err(), "{url}");
        }
        let config = Config::new("http://a:1/b", 1);
        assert_eq!(config.ok().unwrap().url.as_str(), "http://a:1/b/");
    }
}
