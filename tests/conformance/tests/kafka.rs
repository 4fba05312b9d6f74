//! Apache Kafka does what every broker must do: what the in-memory broker is measured by.
//!
//! The address of a cluster for tests comes from `QUADRILLE_TEST_KAFKA`. Where it is not set, the
//! cases say that they were skipped; in CI they fail.

use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::kafka::{Broker, Config};
use quadrille::world::{Live, Shared};
use quadrille_conformance::{Fixture, Timeouts};

quadrille_conformance::suite!(fixture);

async fn fixture() -> Result<Fixture, String> {
    let brokers = match std::env::var("QUADRILLE_TEST_KAFKA") {
        Ok(brokers) => brokers,
        Err(_) if std::env::var_os("CI").is_some() => {
            panic!("QUADRILLE_TEST_KAFKA is not set, and CI skips nothing: start a kafka first")
        }
        Err(_) => {
            return Err(
                "QUADRILLE_TEST_KAFKA is not set; set it to HOST:PORT of a kafka for \
                        tests"
                    .to_owned(),
            );
        }
    };
    let world: Shared = Arc::new(Live::new());
    let broker = Broker::new(Config::of(brokers)).map_err(|error| error.to_string())?;
    let timeouts = Timeouts {
        // The least that brokers take by default (`group.min.session.timeout.ms`).
        session: Duration::from_secs(6),
        rebalance: Duration::from_secs(6),
        patience: Duration::from_secs(60),
    };
    Ok(Fixture::new(Arc::new(broker), world, timeouts))
}
