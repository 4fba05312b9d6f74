//! Inventory as a program of its own: its options, and what it does beside reacting.

use std::time::Duration;

use quadrille::config::{Errors, Layout, Loaded, unset_if_empty};
use quadrille::program::{About, Failure, Host, Program, check};
use quadrille::world;
use serde::Deserialize;

use crate::deliveries::{self, Deliveries, Opening};
use crate::service;

/// Wait before a delivery that could not be announced is announced again.
const PAUSE: Duration = Duration::from_secs(1);

/// The program.
pub struct Inventory;

/// Its options below `[stock]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(deserialize_with = "unset_if_empty")]
    opening: Option<Opening>,
}

impl Program for Inventory {
    fn about(&self) -> About {
        About {
            name: "inventory",
            version: env!("CARGO_PKG_VERSION"),
            summary: "Holds the goods of an order while it is paid for",
        }
    }

    fn layout(&self) -> Layout {
        Layout::bus().with(include_str!("../config.toml"))
    }

    fn check(&self, loaded: &Loaded) -> Result<(), Errors> {
        let own = loaded.section::<Options>("stock").map(drop);
        Errors::all_of([check(loaded, true), own])
    }

    fn contract(&self, _: &Loaded) -> Result<String, Failure> {
        Ok(service(&Deliveries::new()).contract().to_json())
    }

    async fn run(self, host: Host) -> Result<(), Failure> {
        let options: Options = host.loaded.section("stock")?;
        let deliveries = Deliveries::new();
        let service = service(&deliveries);
        let opening = options.opening.unwrap_or_default();
        let opens = open(host.clone(), deliveries, opening);
        // Ends with the service: what it could not announce until then, the next start announces.
        let _opening = world::spawn(&host.world, "opening", opens).scoped();
        host.serve(service).await
    }
}

/// Announces what is on the shelf, once the service is ready.
async fn open(host: Host, deliveries: Deliveries, opening: Opening) {
    host.health.until(|report| report.ready).await;
    for goods in opening.deliveries() {
        while let Err(error) = deliveries::announce(&deliveries, goods.clone()).await {
            tracing::warn!(%error, sku = goods.sku, "cannot announce opening stock");
            host.world.sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests;
