//! The concrete parts behind the seams: which broker, which outside parties.

use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::{self, Broker, kafka};
use quadrille::port;
use quadrille::program::{Exit, Failure};
use quadrille::world;
use quadrille_outside::Books;
use quadrille_payments::gateway;
use quadrille_shipping::carrier;

/// Longest wait for an answer of an outside party, in milliseconds.
const PARTY_TIMEOUT_MS: u64 = 5_000;

/// Longest wait for an answer of a cluster about its topics, in milliseconds.
const METADATA_TIMEOUT_MS: u32 = 5_000;

/// A Kafka cluster, which is not asked for anything yet.
pub(crate) fn kafka_later(brokers: &str) -> Result<Arc<dyn Broker>, Failure> {
    let config = kafka::Config {
        client_id: "quadrille-cli".to_owned(),
        metadata_timeout_ms: METADATA_TIMEOUT_MS,
        ..kafka::Config::of(brokers)
    };
    let broker = kafka::Broker::new(config)
        .map_err(|error| Failure::of(Exit::Usage, &error).mend("write the address as HOST:PORT"))?;
    Ok(Arc::new(broker))
}

/// A Kafka cluster that answers.
pub(crate) async fn kafka(
    brokers: &str,
    world: &world::Shared,
) -> Result<Arc<dyn Broker>, Failure> {
    let broker = kafka_later(brokers)?;
    // The adapter has a limit of its own; this one holds if that should fail.
    let limit = Duration::from_millis(2 * u64::from(METADATA_TIMEOUT_MS));
    let answer = world::timeout(world, limit, broker.cluster_id()).await;
    let answer = answer.unwrap_or_else(|| {
        let message = format!("{} does not answer", broker.name());
        Err(broker::Error::new(broker::ErrorKind::Unreachable, message))
    });
    match answer {
        Ok(_) => Ok(broker),
        Err(error) => Err(Failure::from(error).mend(
            "start the cluster, or name another address by --kafka; to do without one, leave \
             --kafka out",
        )),
    }
}

/// Options of the gateway's process.
pub(crate) use quadrille_gateway::Config as GatewayArguments;

/// Runs an outside party until asked to stop.
pub(crate) async fn party<B: Books>(config: quadrille_outside::Config<B>) -> Result<Exit, Failure> {
    let ran = Box::pin(quadrille_outside::run(config)).await;
    ran.map(|()| Exit::Done).map_err(|error| {
        let failure = Failure::of(Exit::Failed, &error);
        // Whoever reads this has started `up`, and knows nothing of the options of this process.
        match error.mend("choose another folder by --data FOLDER") {
            Some(mend) => failure.mend(mend),
            None => failure,
        }
    })
}

/// Options of the carrier's process.
pub(crate) use quadrille_carrier::Config as CarrierArguments;

/// The port to a gateway at this address.
pub(crate) fn gateway_port(url: &str) -> Result<gateway::Port, Failure> {
    let http = gateway::Http::new(&at(url)?).map_err(|error| no_client(&error))?;
    Ok(Arc::new(http))
}

/// The port to a carrier at this address.
pub(crate) fn carrier_port(url: &str) -> Result<carrier::Port, Failure> {
    let http = carrier::Http::new(&at(url)?).map_err(|error| no_client(&error))?;
    Ok(Arc::new(http))
}

fn at(url: &str) -> Result<port::Config, Failure> {
    port::Config::new(url, PARTY_TIMEOUT_MS).map_err(|why| {
        let message = format!("`{url}` is not the address of an outside party: {why}");
        Failure::new(Exit::Failed, message)
    })
}

fn no_client(error: &port::Error) -> Failure {
    Failure::of(Exit::Failed, error)
}
