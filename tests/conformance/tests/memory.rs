//! The in-memory broker does what every broker must do.

use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::memory;
use quadrille::world::{Live, Shared};
use quadrille_conformance::{Fixture, Timeouts};

quadrille_conformance::suite!(fixture);

async fn fixture() -> Result<Fixture, String> {
    let world: Shared = Arc::new(Live::new());
    let broker = Arc::new(memory::Broker::new(Arc::clone(&world)));
    let timeouts = Timeouts {
        session: Duration::from_millis(200),
        rebalance: Duration::from_millis(300),
        patience: Duration::from_secs(30),
    };
    Ok(Fixture::new(broker, world, timeouts))
}
