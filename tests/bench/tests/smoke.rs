//! Every contender does its work, and its checks agree: on a real Kafka, with a few hundred events.
//!
//! Says nothing of speed. One test, since all contenders share topics.

use std::sync::Arc;

use quadrille::world::{self, Live};
use quadrille_bench::{Order, contend, orders, prepare};
use quadrille_tests::cluster;

/// Events of each contender.
const EVENTS: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_contender_does_its_work() {
    // Shows that nobody's number is of half the work: each would fail its own checks.
    let Some(kafka) = cluster::address() else {
        return;
    };
    let world: world::Shared = Arc::new(Live::new());
    for order in orders(&kafka, &world, EVENTS) {
        prepare(&kafka, &world, EVENTS)
            .await
            .expect("kafka takes topics and events");
        let Order {
            case, contender, ..
        } = order;
        let found = contend(order, Arc::clone(&world)).await;
        let measure = found.unwrap_or_else(|fault| panic!("{case:?} by {contender:?}: {fault}"));
        assert_eq!(measure.events, EVENTS, "{case:?} by {contender:?}");
        assert!(measure.rate() > 0.0, "{case:?} by {contender:?}");
    }
}
