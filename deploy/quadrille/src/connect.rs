//! The concrete parts behind the seams: which broker, which gateway.

use std::sync::Arc;

use quadrille::broker::Broker;
use quadrille::program::{Exit, Failure};
use quadrille::world;
use quadrille_payments::gateway::{self, Port};

/// Longest wait for an answer of the gateway, in milliseconds.
const GATEWAY_TIMEOUT_MS: u64 = 5_000;

/// A Kafka cluster that answers.
pub(crate) async fn kafka(_: &str, _: &world::Shared) -> Result<Arc<dyn Broker>, Failure> {
    Err(Failure::new(Exit::Configuration, "not yet"))
}

/// Options of the gateway's process.
#[derive(clap::Args)]
pub(crate) struct GatewayArguments {}

/// Runs the gateway.
pub(crate) async fn gateway(_: GatewayArguments) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}

/// The port to a gateway at this address.
pub(crate) fn gateway_port(url: &str) -> Result<Port, Failure> {
    let config = gateway::Config {
        url: url.to_owned(),
        timeout_ms: GATEWAY_TIMEOUT_MS,
    };
    let http = gateway::Http::new(&config).map_err(|error| {
        Failure::new(Exit::Failed, "cannot make an HTTP client for the gateway").because(&error)
    })?;
    Ok(Arc::new(http))
}
