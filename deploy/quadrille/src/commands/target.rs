//! Whom a command asks: a running `up`, or a Kafka cluster.

use std::sync::Arc;

use quadrille::broker::Broker;
use quadrille::program::Failure;
use quadrille::world;

use crate::client::Client;
use crate::connect;

/// Whom to ask.
#[derive(clap::Args)]
pub(super) struct Target {
    /// Address of a running `quadrille up`
    #[arg(
        long,
        env = "QUADRILLE_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = URL
    )]
    url: String,
    /// Go straight to a Kafka cluster instead
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
}

/// Whom a command asks.
pub(super) enum Asked {
    /// A running `up`.
    Up(Client),
    /// A cluster.
    Cluster(Arc<dyn Broker>),
}

/// Where a running `up` is, unless somebody says otherwise.
const URL: &str = "http://127.0.0.1:7070";

impl Target {
    /// The options that ask the same again; empty where it is who is asked anyway. They end with a blank.
    pub(super) fn words(&self) -> String {
        match &self.kafka {
            Some(brokers) => format!("--kafka {brokers} "),
            // Whoever has set the variable has it set the next time, too.
            None if self.url == URL || std::env::var("QUADRILLE_URL").as_ref() == Ok(&self.url) => {
                String::new()
            }
            None => format!("--url {} ", self.url),
        }
    }

    /// Gets ready to ask. A cluster must answer, `up` is not asked yet.
    pub(super) async fn open(&self, world: &world::Shared) -> Result<Asked, Failure> {
        match &self.kafka {
            Some(brokers) => connect::kafka(brokers, world).await.map(Asked::Cluster),
            None => Client::new(&self.url).map(Asked::Up),
        }
    }
}
