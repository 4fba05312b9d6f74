//! Nothing of a customer's stands in a span, a metric, a log line or a receipt.
//!
//! A process has one log, so this is one test in a file whose other tests log into it as well.

use std::io;
use std::sync::{Arc, Mutex};

use quadrille::observe::Keys;
use quadrille_orders::state::Outcome;
use quadrille_tests::carrier::NOWHERE;
use quadrille_tests::gateway::DECLINED_CARD;
use quadrille_tests::hall::GOOD_CARD;
use quadrille_tests::witness;
use tracing_subscriber::fmt::MakeWriter;

use crate::evening::{Observed, told, until};

/// All log lines of this process, from when the test began.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_address_and_no_card_stands_in_anything_that_is_told() {
    // Given all log levels and everything sampled, when orders end well, are declined and cannot be
    // dispatched, and when a record cannot be read, then neither is found anywhere.
    let lines = Lines::default();
    let log = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone());
    log.init();
    let observed = Observed::start(|options| {
        options.metrics_interval_ms = 100;
        options.keys = Keys::Plain;
        options.headers_secret = Some(quadrille::config::Secret::new(
            "authorization=Bearer hunter2",
        ));
    })
    .await;
    let hall = observed.hall().await;
    let nowhere = format!("lost{NOWHERE}");
    for (order, card, outcome) in [
        ("good", GOOD_CARD, Outcome::Confirmed),
        ("poor", DECLINED_CARD, Outcome::PaymentDeclined),
        (&nowhere, GOOD_CARD, Outcome::ShipmentFailed),
    ] {
        hall.place(order, "tea", card).await;
        assert_eq!(hall.outcome(order).await, outcome);
    }
    hall.bus
        .publisher("shop")
        .forward(unreadable())
        .await
        .unwrap();
    until(|| async {
        !witness::raw(&observed.broker, "parked.inventory.orders")
            .await
            .is_empty()
    })
    .await;
    told(&observed.broker, 3).await;
    hall.stop().await;
    let broker = Arc::clone(&observed.broker);
    let (receiver, spans) = observed.ended().await;

    let receipts = witness::raw(&broker, "quadrille.receipts").await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("event parked"), "the log was kept");
    let parked = log
        .lines()
        .find(|line| line.contains("event parked"))
        .unwrap();
    for field in ["\"flow\":", "\"event\":", "\"trace_id\":", "\"span_id\":"] {
        assert!(parked.contains(field), "{field} in {parked}");
    }
    assert!(spans.len() > 30, "spans were kept: {}", spans.len());
    assert!(
        receiver
            .headers()
            .iter()
            .all(|header| header == "Bearer hunter2")
    );
    let receipts: Vec<_> = receipts
        .iter()
        .map(|receipt| String::from_utf8_lossy(receipt.value.as_ref().unwrap()).into_owned())
        .collect();
    for (what, text) in [
        ("spans and metrics", receiver.everything()),
        ("log", log),
        ("receipts", receipts.join("\n")),
    ] {
        for secret in ["ada@example.org", GOOD_CARD, DECLINED_CARD, "hunter2"] {
            let found = text
                .find(secret)
                .map(|at| &text[at.saturating_sub(300)..at + 20]);
            assert_eq!(found, None, "{what} hold {secret}");
        }
    }
}

/// A record that says it is an order, and is none.
fn unreadable() -> quadrille::broker::Outgoing {
    quadrille::broker::Outgoing {
        topic: quadrille::broker::TopicName::parse("orders").unwrap(),
        partition: None,
        key: Some("broken".into()),
        value: Some(format!("\u{1}ada@example.org {GOOD_CARD}").into()),
        headers: [
            ("ce_type", "orders.v1.OrderPlaced"),
            ("ce_id", "broken"),
            ("ce_source", "/shop"),
        ]
        .into_iter()
        .collect(),
        timestamp_ms: None,
    }
}
