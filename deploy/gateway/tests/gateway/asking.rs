//! How the tests ask a gateway, and what they are told.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

pub(crate) const GOOD: &str = "4242424242424242";
pub(crate) const EMPTY: &str = "4000000000009995";

/// Somebody who asks one gateway. Cloning gives another who asks the same.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
}

/// Status and body of an answer.
pub(crate) type Told = (u16, Value);

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://{address}");
        Self { http, base }
    }

    pub(crate) async fn get(&self, path: &str) -> Told {
        let url = format!("{}{path}", self.base);
        send(self.http.get(url)).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Told {
        self.try_post(path, body).await.unwrap()
    }

    /// Nothing if the gateway went away.
    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Option<Told> {
        let url = format!("{}{path}", self.base);
        send(self.http.post(url).json(body)).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: String) -> Told {
        let url = format!("{}{path}", self.base);
        send(self.http.post(url).body(body)).await.unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Told {
        let url = format!("{}{path}", self.base);
        send(self.http.put(url).json(body)).await.unwrap()
    }

    /// Sums of the euros in the ledger.
    pub(crate) async fn euros(&self) -> Value {
        self.get("/ledger").await.1["currencies"]["EUR"].clone()
    }

    /// Waits until a request is under way.
    pub(crate) async fn until_busy(&self) {
        while self.get("/healthz").await.1["under_way"] != 1 {}
    }
}

async fn send(request: reqwest::RequestBuilder) -> Option<Told> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.ok()?))
}

pub(crate) fn charge(key: &str, units: i64, card_number: &str) -> Value {
    json!({
        "key": key,
        "order_id": format!("order of {key}"),
        "amount": { "currency_code": "EUR", "units": units, "nanos": 0 },
        "card_number": card_number,
    })
}

pub(crate) fn refund(key: &str, payment_id: &Value, units: i64) -> Value {
    json!({
        "key": key,
        "payment_id": payment_id,
        "amount": { "currency_code": "EUR", "units": units },
    })
}

pub(crate) fn void(key: &str, charge_key: &str) -> Value {
    json!({ "key": key, "charge_key": charge_key })
}

/// The entries of a ledger's file.
pub(crate) fn entries(ledger: &Path) -> Vec<Value> {
    let text = fs::read_to_string(ledger).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
