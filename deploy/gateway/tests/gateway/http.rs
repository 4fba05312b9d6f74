//! A gateway in this process.

use std::path::PathBuf;

use clap::Parser;
use quadrille_gateway::Config;
use quadrille_outside::{Error, serve};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::asking::{Client, EMPTY, GOOD, charge, entries, refund, void};

/// The options under another program's command line.
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

struct Running {
    client: Client,
    ledger: PathBuf,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), Error>>,
    folder: TempDir,
}

impl Running {
    /// Gives back the folder, with the ledger in it.
    async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
        self.folder
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the gateway is an outside party, and no task of a world"
)]
async fn running_in(folder: TempDir, options: &[&str]) -> Running {
    let ledger = folder.path().join("ledger.jsonl");
    let file = ledger.to_str().unwrap();
    let arguments = [&["test", "--ledger", file], options].concat();
    let config = Cli::try_parse_from(arguments).unwrap().config;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, config, async {
        let _ = stopped.await;
    }));
    Running {
        client,
        ledger,
        stop,
        serving,
        folder,
    }
}

async fn running(options: &[&str]) -> Running {
    running_in(tempfile::tempdir().unwrap(), options).await
}

#[tokio::test]
async fn each_documented_card_gets_its_answer() {
    let running = running(&[]).await;
    let cases = [
        (GOOD, 200, "captured", Value::Null),
        ("5555555555554444", 200, "captured", Value::Null),
        ("4000000000000002", 402, "declined", json!("card_declined")),
        (EMPTY, 402, "declined", json!("insufficient_funds")),
        ("4000000000000069", 402, "declined", json!("expired_card")),
        ("4242424242424241", 402, "declined", json!("invalid_number")),
    ];
    for (card, status, what, reason) in cases {
        let told = running
            .client
            .post("/charges", &charge(card, 5, card))
            .await;
        assert_eq!(told.0, status, "{card}");
        assert_eq!(told.1["status"], what, "{card}");
        assert_eq!(told.1["reason"], reason, "{card}");
    }
    let euros = running.client.euros().await;
    assert_eq!(euros["captured"], json!({ "units": 10, "nanos": 0 }));
    assert_eq!(
        (&euros["charges"], &euros["declines"]),
        (&json!(2), &json!(4))
    );
}

#[tokio::test]
async fn a_hundred_who_ask_under_one_key_get_one_charge() {
    // Given a hundred tasks with the same question
    let running = running(&[]).await;
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let client = running.client.clone();
        tasks.spawn(async move { client.post("/charges", &charge("same", 5, GOOD)).await });
    }

    // When all are answered
    let answers = tasks.join_all().await;

    // Then all have the same answer, and one entry was booked
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(answers[0].0, 200);
    assert_eq!(entries(&running.ledger).len(), 1);
    assert_eq!(running.client.euros().await["charges"], 1);
}

#[tokio::test]
async fn a_charge_and_its_void_at_once_never_leave_money_taken() {
    let running = running(&[]).await;
    let mut tasks = JoinSet::new();
    for n in 0..50 {
        let (charger, voider) = (running.client.clone(), running.client.clone());
        tasks.spawn(async move {
            charger
                .post("/charges", &charge(&format!("c{n}"), 5, GOOD))
                .await
        });
        tasks.spawn(async move {
            voider
                .post("/voids", &void(&format!("v{n}"), &format!("c{n}")))
                .await
        });
    }
    tasks.join_all().await;
    let euros = running.client.euros().await;
    // Where every void came first there are no euros at all.
    assert_eq!(euros["captured"], euros["refunded"]);
    assert_eq!(running.client.get("/ledger").await.1["voids"], 50);
}

#[tokio::test]
async fn money_is_given_back_once_and_never_more_than_was_taken() {
    let running = running(&[]).await;
    let client = &running.client;
    let payment_id = client.post("/charges", &charge("a", 5, GOOD)).await.1["payment_id"].clone();
    let first = client.post("/refunds", &refund("r", &payment_id, 3)).await;
    assert_eq!((first.0, &first.1["status"]), (200, &json!("refunded")));
    assert_eq!(
        client.post("/refunds", &refund("r", &payment_id, 3)).await,
        first
    );
    assert_eq!(
        client
            .post("/refunds", &refund("r", &payment_id, 2))
            .await
            .0,
        409
    );
    let too_much = client.post("/refunds", &refund("s", &payment_id, 3)).await;
    assert_eq!(too_much.0, 422);
    let error = "no more can be refunded than is left of the payment: EUR 2.000000000";
    assert_eq!(too_much.1["error"], error);
    let unknown = client
        .post("/refunds", &refund("t", &json!("pay_x"), 1))
        .await;
    assert_eq!(unknown.0, 404);
    assert_eq!(
        client.euros().await["refunded"],
        json!({ "units": 3, "nanos": 0 })
    );
}

#[tokio::test]
async fn a_void_undoes_a_charge_or_keeps_it_from_being_made() {
    let running = running(&[]).await;
    let client = &running.client;
    client.post("/charges", &charge("made", 5, GOOD)).await;
    let after = client.post("/voids", &void("v1", "made")).await;
    assert_eq!(after.0, 200);
    assert_eq!(after.1["refunded"]["units"], 5);
    assert_eq!(client.post("/voids", &void("v1", "made")).await, after);
    let before = client.post("/voids", &void("v2", "not made")).await;
    assert_eq!(before, (200, json!({ "status": "voided" })));
    let late = client.post("/charges", &charge("not made", 5, GOOD)).await;
    assert_eq!(
        late,
        (402, json!({ "status": "declined", "reason": "voided" }))
    );
    assert_eq!(client.post("/voids", &void("v1", "other")).await.0, 409);
    assert_eq!(entries(&running.ledger).len(), 3);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let running = running(&["--body-bytes-max", "1000"]).await;
    let client = &running.client;
    let mut no_order = charge("a", 5, GOOD);
    no_order.as_object_mut().unwrap().remove("order_id");
    let told = client.post("/charges", &no_order).await;
    assert_eq!(told.0, 400);
    assert!(
        told.1["error"]
            .as_str()
            .unwrap()
            .contains("missing field `order_id`")
    );
    assert_eq!(client.post("/charges", &charge("a", 0, GOOD)).await.0, 400);
    assert_eq!(client.post("/charges", &charge("a", -5, GOOD)).await.0, 400);
    assert_eq!(client.post("/voids", &void("a", "a")).await.0, 400);
    assert_eq!(
        client.post_text("/charges", "no JSON".to_owned()).await.0,
        400
    );
    let large = client.post_text("/charges", " ".repeat(1001)).await;
    assert_eq!(large.0, 413);
    assert!(large.1["error"].as_str().unwrap().contains("1000 bytes"));
    let nowhere = client.get("/charge").await;
    assert_eq!(nowhere.0, 404);
    assert!(
        nowhere.1["error"]
            .as_str()
            .unwrap()
            .contains("there is no /charge;")
    );
    assert!(entries(&running.ledger).is_empty());
}

#[tokio::test]
async fn the_number_of_a_card_is_kept_nowhere() {
    // Given charges and a wrong request, all with full numbers
    let running = running(&[]).await;
    let client = &running.client;
    let mut told = vec![
        client.post("/charges", &charge("a", 5, GOOD)).await.1,
        client.post("/charges", &charge("b", 5, EMPTY)).await.1,
    ];
    let mut number = charge("c", 5, "");
    number["card_number"] = json!(4_242_424_242_424_242_u64);
    told.push(client.post("/charges", &number).await.1);

    // Then neither answers nor ledger hold one
    let file = std::fs::read_to_string(&running.ledger).unwrap();
    for text in [json!(told).to_string(), file] {
        assert!(!text.contains(GOOD) && !text.contains(EMPTY), "{text}");
    }
    assert_eq!(entries(&running.ledger)[1]["card_last4"], "9995");
}

#[tokio::test]
async fn a_gateway_that_is_down_books_nothing_but_can_be_put_up_again() {
    let running = running(&["--down"]).await;
    let client = &running.client;
    assert_eq!(client.post("/charges", &charge("a", 5, GOOD)).await.0, 503);
    assert_eq!(client.get("/healthz").await.1["status"], "ok");
    assert_eq!(client.get("/behaviour").await.1["down"], true);
    assert!(entries(&running.ledger).is_empty());
    assert_eq!(client.put("/behaviour", &json!({})).await.0, 200);
    assert_eq!(client.post("/charges", &charge("a", 5, GOOD)).await.0, 200);
    assert_eq!(
        client.put("/behaviour", &json!({ "fail_rate": 2 })).await.0,
        400
    );
    assert_eq!(
        client.put("/behaviour", &json!({ "donw": true })).await.0,
        400
    );
}

#[tokio::test]
async fn a_request_that_fails_is_not_booked_and_one_whose_answer_is_lost_is() {
    let running = running(&["--fail-rate", "1"]).await;
    let client = &running.client;
    let ask = charge("a", 5, GOOD);
    assert_eq!(client.post("/charges", &ask).await.0, 503);
    assert!(entries(&running.ledger).is_empty());
    client
        .put("/behaviour", &json!({ "answer_lost_rate": 1 }))
        .await;
    assert_eq!(client.post("/charges", &ask).await.0, 503);
    assert_eq!(entries(&running.ledger).len(), 1);
    client.put("/behaviour", &json!({})).await;
    assert_eq!(client.post("/charges", &ask).await.0, 200);
    assert_eq!(entries(&running.ledger).len(), 1);
}

#[tokio::test]
async fn under_one_seed_the_same_requests_fail() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let running = running(&["--fail-rate", "0.5", "--seed", "7"]).await;
        let mut run = Vec::new();
        for n in 0..20 {
            let ask = charge(&n.to_string(), 5, GOOD);
            run.push(running.client.post("/charges", &ask).await.0);
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&503));
}

#[tokio::test]
async fn beyond_the_most_requests_at_once_one_is_told_to_come_again() {
    let running = running(&["--requests-max", "1", "--delay-ms", "600000"]).await;
    let mut tasks = JoinSet::new();
    let client = running.client.clone();
    tasks.spawn(async move { client.try_post("/charges", &charge("a", 5, GOOD)).await });
    running.client.until_busy().await;
    let told = running.client.post("/charges", &charge("b", 5, GOOD)).await;
    assert_eq!(told.0, 503);
    let error = "1 requests are under way, which is the most; ask again";
    assert_eq!(told.1["error"], error);
    assert_eq!(running.client.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let running = running(&["--timeout-ms", "1", "--delay-ms", "600000"]).await;
    let told = running.client.post("/charges", &charge("a", 5, GOOD)).await;
    assert_eq!(told.0, 503);
    let error = "the request took longer than 1 ms; ask again with the same key";
    assert_eq!(told.1["error"], error);
}

#[tokio::test]
async fn a_gateway_that_was_stopped_goes_on_from_its_ledger() {
    // Given a ledger with one entry of each kind
    let first = running(&[]).await;
    let client = first.client.clone();
    let payment_id = client.post("/charges", &charge("a", 5, GOOD)).await.1["payment_id"].clone();
    let asked = [
        ("/charges", charge("a", 5, GOOD)),
        ("/charges", charge("b", 5, EMPTY)),
        ("/refunds", refund("r", &payment_id, 2)),
        ("/voids", void("v", "a")),
        ("/voids", void("w", "never")),
        ("/charges", charge("never", 5, GOOD)),
    ];
    let mut told = Vec::new();
    for (path, ask) in &asked {
        told.push(client.post(path, ask).await);
    }
    let sums = client.get("/ledger").await;
    let folder = first.stop().await;

    // When another gateway starts on it
    let second = running_in(folder, &[]).await;

    // Then every question has the answer that it had, and the sums are the same
    for ((path, ask), told) in asked.iter().zip(told) {
        assert_eq!(second.client.post(path, ask).await, told, "{path} {ask}");
    }
    assert_eq!(second.client.get("/ledger").await, sums);
    second.stop().await;
}
