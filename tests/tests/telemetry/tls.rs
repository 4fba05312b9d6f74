//! Spans by TLS: to whom a certificate vouches for, and to nobody else.

use quadrille::config::Protocol;
use quadrille::program::telemetry::Exporting;
use quadrille_orders::state::Outcome;
use quadrille_tests::hall::GOOD_CARD;
use tonic::transport::Identity;

use crate::evening::{Observed, told};
use crate::receiver::Receiver;

/// A certificate for this machine that vouches for itself, and its key.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// How many spans of an order get to a receiver by TLS, where this certificate is trusted.
async fn received(trusted: Option<&str>, own: (&str, &str)) -> usize {
    let world: quadrille::world::Shared = std::sync::Arc::new(quadrille::world::Live::new());
    let receiver = Receiver::start_tls(&world, Identity::from_pem(own.0, own.1)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = trusted.map(|pem| {
        let file = folder.path().join("trusted.pem");
        std::fs::write(&file, pem).unwrap();
        file
    });
    let port = receiver.address.port();
    let observed = Observed::start(|options| {
        options.endpoint = Some(format!("https://localhost:{port}"));
        options.tls_ca_file = file;
    })
    .await;
    let hall = observed.hall().await;
    hall.place("4711", "tea", GOOD_CARD).await;
    assert_eq!(hall.outcome("4711").await, Outcome::Confirmed);
    told(&observed.broker, 1).await;
    hall.stop().await;
    observed.ended().await;
    receiver.spans().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_go_by_tls_to_whom_is_trusted_and_to_nobody_else() {
    let (mine, key) = certificate();
    let (another, _) = certificate();
    let own = (mine.as_str(), key.as_str());
    assert!(received(Some(&mine), own).await >= 12);
    assert_eq!(received(Some(&another), own).await, 0);
    // By the system's certificates nobody vouches for it either.
    assert_eq!(received(None, own).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_go_by_tls_is_told_before_anything_runs() {
    let refused = |set: fn(&mut quadrille::config::Telemetry)| {
        let mut config = quadrille::config::Config::default();
        set(&mut config.telemetry);
        let started = Exporting::start(&config.telemetry, &config.kafka);
        started.map(drop).unwrap_err().to_string()
    };
    let told = refused(|options| {
        options.endpoint = Some("https://localhost:4318".to_owned());
        options.protocol = Protocol::Http;
    });
    assert!(told.contains("OTLP over HTTP goes without TLS"), "{told}");
    let told = refused(|options| {
        options.endpoint = Some("http://localhost:4317".to_owned());
        options.tls_ca_file = Some("ca.pem".into());
    });
    assert!(told.contains("telemetry.tls_ca_file is set"), "{told}");
    let told = refused(|options| {
        options.endpoint = Some("https://localhost:4317".to_owned());
        options.tls_ca_file = Some("/nowhere/ca.pem".into());
    });
    assert!(told.contains("/nowhere/ca.pem cannot be read"), "{told}");
}
