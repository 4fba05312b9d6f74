//! The real program, asked over HTTP: what a party shares with others is tested beside that.

#![expect(
    clippy::unwrap_used,
    reason = "tests panic, and so do the functions that they share"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A carrier that is killed when the test ends, however it ends.
struct Carrier {
    child: Child,
    base: String,
}

impl Carrier {
    fn start(ledger: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_carrier"))
            .args(["--listen", "127.0.0.1:0", "--ledger"])
            .arg(ledger)
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        let base = format!("http://{}", address.trim_end());
        Self { child, base }
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method, format!("{}{path}", self.base));
        let response = request.json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_was_answered_before_a_kill_is_answered_after_it() {
    // Shows it for a shipment, a refusal and a recall, and that the ledger says the same.
    let post = reqwest::Method::POST;
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let asks = [
        (
            "/shipments",
            json!({ "key": "a", "order_id": "4711" }),
            "dispatched",
        ),
        (
            "/shipments",
            json!({ "key": "b", "order_id": "4712-nowhere" }),
            "refused",
        ),
        (
            "/recalls",
            json!({ "key": "c", "shipment_key": "a" }),
            "recalled",
        ),
    ];
    let mut told = Vec::new();
    for _life in 0..2 {
        let carrier = Carrier::start(&ledger);
        for (path, body, status) in &asks {
            let (code, answer) = carrier.ask(post.clone(), path, body.clone()).await;
            assert_eq!((code, &answer["status"]), (200, &json!(status)), "{answer}");
            told.push(answer);
        }
        let (_, totals) = carrier
            .ask(reqwest::Method::GET, "/ledger", json!({}))
            .await;
        assert_eq!(totals["on_their_way"], 0);
        assert_eq!(totals["entries"], 3);
    }
    assert_eq!(told[..3], told[3..]);
    let text = std::fs::read_to_string(&ledger).unwrap();
    assert_eq!(text.lines().count(), 3);
}

#[tokio::test]
async fn it_misbehaves_as_it_is_told() {
    // Shows that one that is down books nothing, and that what is wrong is said.
    let folder = tempfile::tempdir().unwrap();
    let carrier = Carrier::start(&folder.path().join("ledger.jsonl"));
    let post = reqwest::Method::POST;
    let shipment = json!({ "key": "a", "order_id": "4711" });
    carrier
        .ask(reqwest::Method::PUT, "/behaviour", json!({ "down": true }))
        .await;
    let (code, answer) = carrier
        .ask(post.clone(), "/shipments", shipment.clone())
        .await;
    assert_eq!(code, 503);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("the carrier is down"),
        "{answer}"
    );
    carrier
        .ask(reqwest::Method::PUT, "/behaviour", json!({}))
        .await;
    assert_eq!(
        carrier.ask(post.clone(), "/shipments", shipment).await.0,
        200
    );

    let wrong = json!({ "key": "a", "shipment_key": "a" });
    let (code, answer) = carrier.ask(post, "/recalls", wrong).await;
    assert_eq!(code, 400);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("a key of its own"),
        "{answer}"
    );
}
