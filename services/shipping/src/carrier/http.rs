//! The carrier over HTTP.

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::id::EffectKey;
use quadrille::port::{self, Config};
use quadrille_schemas::shipping::v1::FailureReason;
use serde::Deserialize;
use serde_json::json;

use super::{Carrier, Shipped};

/// The carrier over HTTP.
pub struct Http(port::Http);

impl Http {
    /// An adapter. Nothing is connected yet.
    pub fn new(config: &Config) -> Result<Self, port::Error> {
        port::Http::new("carrier", config).map(Self)
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    shipment_id: String,
    status: String,
    #[serde(default)]
    reason: String,
}

#[async_trait]
impl Carrier for Http {
    async fn ship(&self, key: &EffectKey, order_id: &str) -> Result<Shipped, Failure> {
        let question = json!({ "key": key, "order_id": order_id });
        let answer: Answer = self.0.ask("shipments", &question).await?;
        match answer.status.as_str() {
            "dispatched" => Ok(Shipped::Dispatched {
                shipment_id: answer.shipment_id,
            }),
            "refused" => Ok(Shipped::Refused(reason(&answer.reason))),
            _ => Err(self
                .0
                .not_understood("it is neither `dispatched` nor `refused`")),
        }
    }

    async fn recall(&self, key: &EffectKey, shipment_key: &EffectKey) -> Result<(), Failure> {
        let question = json!({ "key": key, "shipment_key": shipment_key });
        let answer: Answer = self.0.ask("recalls", &question).await?;
        match answer.status.as_str() {
            "recalled" => Ok(()),
            _ => Err(self.0.not_understood("it is not `recalled`")),
        }
    }
}

fn reason(code: &str) -> FailureReason {
    match code {
        "address_unknown" => FailureReason::AddressUnknown,
        "recalled" => FailureReason::Withdrawn,
        // Whatever else the carrier has against it.
        _ => FailureReason::Refused,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::{Json, Router};
    use quadrille::Remedy;
    use serde_json::Value;
    use tokio::net::TcpListener;

    use super::*;

    /// A port to a carrier that gives one answer to everything.
    async fn answering(status: u16, body: Value) -> Http {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let router = Router::new().fallback(move || async move { (status, Json(body)) });
        #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
        drop(tokio::spawn(
            async move { axum::serve(listener, router).await },
        ));
        Http::new(&Config::new(&format!("http://{address}"), 10_000).unwrap()).unwrap()
    }

    async fn ship(status: u16, body: Value) -> Result<Shipped, Failure> {
        let http = answering(status, body).await;
        http.ship(&EffectKey::new("k"), "4711").await
    }

    #[tokio::test]
    async fn what_the_carrier_says_is_understood() {
        let dispatched = json!({ "status": "dispatched", "shipment_id": "shp_1" });
        let shipment_id = "shp_1".to_owned();
        let answer = ship(200, dispatched).await.unwrap();
        assert_eq!(answer, Shipped::Dispatched { shipment_id });
        for (code, reason) in [
            ("address_unknown", FailureReason::AddressUnknown),
            ("recalled", FailureReason::Withdrawn),
            ("too_heavy", FailureReason::Refused),
        ] {
            let refused = json!({ "status": "refused", "reason": code });
            assert_eq!(ship(200, refused).await.unwrap(), Shipped::Refused(reason));
        }
    }

    #[tokio::test]
    async fn one_that_is_down_is_an_outage_and_nonsense_is_parked() {
        let down = ship(503, json!({ "error": "down" })).await.unwrap_err();
        assert_eq!((down.remedy(), down.code()), (Remedy::Wait, "carrier_down"));
        for (status, body, code) in [
            (200, json!({ "status": "lost" }), "carrier_answer"),
            (200, json!([]), "carrier_answer"),
            (409, json!({ "error": "used before" }), "carrier_refused"),
        ] {
            let failure = ship(status, body).await.unwrap_err();
            assert_eq!((failure.remedy(), failure.code()), (Remedy::Park, code));
        }
    }

    #[tokio::test]
    async fn a_recall_is_done_or_fails() {
        let key = EffectKey::new("k");
        let recalled = answering(200, json!({ "status": "recalled" })).await;
        recalled.recall(&key, &key).await.unwrap();
        let dispatched = answering(200, json!({ "status": "dispatched" })).await;
        let failure = dispatched.recall(&key, &key).await.unwrap_err();
        assert_eq!(failure.code(), "carrier_answer");
    }
}
