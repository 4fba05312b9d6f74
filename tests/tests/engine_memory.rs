//! The suite for the bus, on the in-memory broker.

use std::sync::Arc;

use quadrille::broker::{Broker, memory};
use quadrille::world::Live;

fn broker() -> Option<Arc<dyn Broker>> {
    Some(Arc::new(memory::Broker::new(Arc::new(Live::new()))))
}

quadrille_tests::engine_suite!(broker());
quadrille_tests::engine_suite!(broker(); what_stays_goes_on_while_the_rest_drains);
