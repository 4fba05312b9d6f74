use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse as _;
use axum::{Json, Router};
use quadrille::Remedy;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

/// A gateway that gives one answer to everything, and notes what it was asked.
struct Server {
    http: Http,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Server {
    async fn answering(status: u16, body: impl Into<Bytes>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let (noted, body) = (Arc::clone(&asked), body.into());
        let router = Router::new().fallback(move |uri: Uri, Json(question): Json<Value>| {
            noted
                .lock()
                .unwrap()
                .push((uri.path().to_owned(), question));
            let elsewhere = [(header::LOCATION, "/elsewhere")];
            let answer = (
                StatusCode::from_u16(status).unwrap(),
                elsewhere,
                body.clone(),
            );
            async move { answer.into_response() }
        });
        #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
        drop(tokio::spawn(
            async move { axum::serve(listener, router).await },
        ));
        let http = Http::new(&config(&format!("http://{address}/v1"))).unwrap();
        Self { http, asked }
    }

    async fn charge(&self) -> Result<Charged, Failure> {
        self.http.charge(charge()).await
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

fn config(url: &str) -> Config {
    serde_json::from_value(json!({ "url": url, "timeout_ms": 10_000 })).unwrap()
}

fn charge() -> Charge {
    Charge {
        key: EffectKey::new("key-1"),
        order_id: "4711".to_owned(),
        amount: amount(),
        card_number: "4242424242424242".to_owned(),
    }
}

fn amount() -> Money {
    Money {
        currency_code: "EUR".to_owned(),
        units: 12,
        nanos: 500_000_000,
    }
}

#[tokio::test]
async fn a_charge_is_asked_for_with_its_key_and_answered() {
    let server = Server::answering(200, r#"{"status":"captured","payment_id":"pay-1"}"#).await;

    let charged = server.charge().await.unwrap();

    let payment_id = "pay-1".to_owned();
    assert_eq!(charged, Charged::Captured { payment_id });
    let amount = json!({ "currency_code": "EUR", "units": 12, "nanos": 500_000_000 });
    let question = json!({
        "key": "key-1",
        "order_id": "4711",
        "amount": amount,
        "card_number": "4242424242424242",
    });
    assert_eq!(server.asked(), [("/v1/charges".to_owned(), question)]);
}

#[tokio::test]
async fn a_refund_and_a_void_name_what_they_undo() {
    let server = Server::answering(200, r#"{"status":"voided"}"#).await;
    let (key, charged) = (EffectKey::new("key-2"), EffectKey::new("key-1"));

    server.http.refund(&key, "pay-1", &amount()).await.unwrap();
    server.http.void(&key, &charged).await.unwrap();

    let amount = json!({ "currency_code": "EUR", "units": 12, "nanos": 500_000_000 });
    let refund = json!({ "key": "key-2", "payment_id": "pay-1", "amount": amount });
    let void = json!({ "key": "key-2", "charge_key": "key-1" });
    let asked = [
        ("/v1/refunds".to_owned(), refund),
        ("/v1/voids".to_owned(), void),
    ];
    assert_eq!(server.asked(), asked);
}

#[tokio::test]
async fn a_refused_card_is_an_answer_with_a_reason() {
    // Shows every reason, also one that nobody knows yet, with either status.
    for (status, reason, meant) in [
        (200, "insufficient_funds", DeclineReason::InsufficientFunds),
        (402, "expired_card", DeclineReason::ExpiredCard),
        (402, "invalid_number", DeclineReason::InvalidCard),
        (402, "voided", DeclineReason::Withdrawn),
        (402, "card_declined", DeclineReason::CardDeclined),
        (402, "stolen_by_aliens", DeclineReason::CardDeclined),
    ] {
        let answer = json!({ "status": "declined", "reason": reason }).to_string();
        let server = Server::answering(status, answer).await;
        assert_eq!(server.charge().await.unwrap(), Charged::Declined(meant));
    }
}

#[tokio::test]
async fn what_the_gateway_cannot_do_just_now_is_an_outage_and_what_it_refuses_is_parked() {
    // Shows it for statuses, for an answer that makes no sense, and that nothing of it is told.
    let card = r#"{"status":"4242424242424242"}"#;
    // More than is read of an answer.
    let large = " ".repeat(64 * 1024 + 1);
    for (status, body, remedy, code) in [
        (500, card, Remedy::Wait, "gateway_down"),
        (503, card, Remedy::Wait, "gateway_down"),
        (429, card, Remedy::Wait, "gateway_down"),
        (408, card, Remedy::Wait, "gateway_down"),
        (401, card, Remedy::Wait, "gateway_down"),
        (409, card, Remedy::Park, "gateway_refused"),
        (422, card, Remedy::Park, "gateway_refused"),
        (307, card, Remedy::Park, "gateway_refused"),
        (200, card, Remedy::Park, "gateway_answer"),
        (200, "4242424242424242", Remedy::Park, "gateway_answer"),
        (200, &large, Remedy::Park, "gateway_answer"),
    ] {
        let server = Server::answering(status, body.to_owned()).await;
        let failure = server.charge().await.unwrap_err();
        assert_eq!(failure.remedy(), remedy, "{status}: {failure:?}");
        assert_eq!(failure.code(), code, "{status}: {failure:?}");
        assert!(!format!("{failure:?}").contains("4242"), "{failure:?}");
        assert_eq!(server.asked().len(), 1, "a redirect was followed");
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_an_outage() {
    // Given a port on which nobody listens any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let http = Http::new(&config(&format!("http://user:secret@{address}"))).unwrap();

    let failure = http.charge(charge()).await.unwrap_err();

    assert_eq!(failure.remedy(), Remedy::Wait);
    assert_eq!(failure.code(), "gateway_unreachable");
    assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
}

#[tokio::test]
async fn a_gateway_that_says_nothing_is_told_apart_from_one_that_is_not_there() {
    // Given one that takes connections, and nothing more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = serde_json::from_value(json!({ "url": url, "timeout_ms": 100 })).unwrap();
    let http = Http::new(&config).unwrap();

    let failure = http.charge(charge()).await.unwrap_err();

    assert_eq!(failure.remedy(), Remedy::Wait);
    assert_eq!(failure.code(), "gateway_silent");
}
