//! Metrics: by OTLP, and as Prometheus reads them on the health port.

use std::collections::BTreeMap;

use quadrille::health::{self, Pages};
use quadrille::status::Status;
use quadrille_orders::state::Outcome;
use quadrille_tests::hall::GOOD_CARD;
use tokio::net::TcpListener;

use crate::evening::{Observed, told, until};

/// What is told of a service that takes part in a flow.
const NAMES: [&str; 13] = [
    "bus.consumer.lag",
    "bus.consumer.lag.time",
    "bus.event.age",
    "bus.events.held",
    "bus.events.retrying",
    "bus.outbox.rows",
    "bus.partitions",
    "bus.partitions.paused",
    "bus.skipped",
    "messaging.client.consumed.messages",
    "messaging.client.operation.duration",
    "messaging.client.sent.messages",
    "messaging.process.duration",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_go_out_by_otlp() {
    // Shows every metric of a flow without failures, and that no flow, event or key stands on one.
    let observed = Observed::start(|options| {
        options.metrics_interval_ms = 100;
        options.sample_ratio = 0.0;
    })
    .await;
    let hall = observed.hall().await;
    hall.place("order-4711", "tea", GOOD_CARD).await;
    assert_eq!(hall.outcome("order-4711").await, Outcome::Confirmed);
    until(|| async {
        NAMES.iter().all(|name| {
            observed
                .receiver
                .metric_names()
                .contains(&(*name).to_owned())
        })
    })
    .await;
    hall.stop().await;
    let (receiver, spans) = observed.ended().await;
    assert!(spans.is_empty(), "nothing is sampled");
    assert_eq!(receiver.metric_names(), NAMES);
    let everything = receiver.everything();
    assert!(!everything.contains("order-4711"));
    let flow = quadrille::id::FlowId::of_key("order", "order-4711");
    assert!(!everything.contains(flow.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_reads_them_on_the_health_port() {
    // Given no endpoint, then nothing is taken before somebody looks; from then on, all is.
    let observed = Observed::start(|options| options.endpoint = None).await;
    let pages = Pages {
        service: "telling",
        version: "1",
        status: Status::starting(),
        contract: "{}".into(),
        metrics: observed.exporting.exposition(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, _serving) = health::start(&observed.world, listener, pages).unwrap();
    let url = format!("http://{address}/metrics");
    let hall = observed.hall().await;
    let look = || async {
        let answer = reqwest::get(&url).await.unwrap();
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(kind, "text/plain; version=0.0.4");
        parsed(&answer.text().await.unwrap())
    };
    let before = look().await;
    assert!(!before.contains_key("messaging_client_sent_messages_total"));

    hall.place("4711", "tea", GOOD_CARD).await;
    assert_eq!(hall.outcome("4711").await, Outcome::Confirmed);
    told(&observed.broker, 1).await;
    let has_lag = || async { look().await.contains_key("bus_consumer_lag_time_seconds") };
    until(has_lag).await;
    hall.stop().await;

    let after = look().await;
    for (name, label) in [
        (
            "messaging_client_sent_messages_total",
            "messaging_destination_name",
        ),
        (
            "messaging_client_consumed_messages_total",
            "messaging_consumer_group_name",
        ),
        ("messaging_process_duration_seconds_bucket", "bus_reaction"),
        (
            "messaging_client_operation_duration_seconds_count",
            "messaging_operation_name",
        ),
        ("bus_event_age_seconds_count", "bus_reaction"),
    ] {
        let found = after
            .get(name)
            .unwrap_or_else(|| panic!("{name} in {:?}", after.keys()));
        assert!(
            found.iter().all(|(labels, _)| labels.contains(label)),
            "{found:?}"
        );
        assert!(found.iter().any(|(_, value)| *value > 0.0), "{name}");
    }
    let bounds = &after["messaging_process_duration_seconds_bucket"];
    let ends: Vec<_> = bounds
        .iter()
        .filter_map(|(labels, _)| labels.split("le=\"").nth(1)?.split('"').next())
        .collect();
    for end in ["0.005", "0.075", "7.5", "10", "+Inf"] {
        assert!(ends.contains(&end), "{end} in {ends:?}");
    }
    // Services that have ended stand on no gauge any more.
    assert!(
        !after.contains_key("bus_partitions"),
        "{:?}",
        after["bus_partitions"]
    );
}

/// The text exposition by name: labels and value of each sample.
fn parsed(text: &str) -> BTreeMap<String, Vec<(String, f64)>> {
    let mut samples: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        assert!(name.chars().all(legal), "{line}");
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        let labels = labels.trim_end_matches('}').to_owned();
        samples
            .entry(name.to_owned())
            .or_default()
            .push((labels, value));
    }
    samples
}
