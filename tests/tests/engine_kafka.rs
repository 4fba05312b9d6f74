//! The suite for the bus, on a real Kafka at `QUADRILLE_TEST_KAFKA`.

use std::sync::Arc;

use quadrille::broker::{Broker, kafka};
use quadrille_tests::cluster;

fn broker(address: &str) -> Arc<dyn Broker> {
    Arc::new(kafka::Broker::new(kafka::Config::of(address)).expect("the defaults hold"))
}

quadrille_tests::engine_suite!(cluster::address().map(|address| broker(&address)));
