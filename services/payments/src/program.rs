//! Payments as a program of its own: its options, and the gateway that it is given.

use std::sync::Arc;

use quadrille::config::{Errors, Layout, Loaded, Relation};
use quadrille::program::{About, Exit, Failure, Host, Program, check};

use crate::gateway::{Config, Http, Port};
use crate::service;

/// What must hold between the gateway's limits and the bus's.
const RELATIONS: [Relation; 1] = [Relation {
    smaller: "gateway.timeout_ms",
    times: 1,
    plus: 1_000,
    larger: "limits.reaction_timeout_ms",
    why: "a reaction that waits for the gateway must see the end of that: a silent gateway is an \
          outage, which uses up no attempts, and a reaction that takes too long does",
}];

/// The program.
pub struct Payments;

impl Program for Payments {
    fn about(&self) -> About {
        About {
            name: "payments",
            version: env!("CARGO_PKG_VERSION"),
            summary: "Charges the card of an order, and gives the money back",
        }
    }

    fn layout(&self) -> Layout {
        Layout::bus().with(include_str!("../config.toml"))
    }

    fn check(&self, loaded: &Loaded) -> Result<(), Errors> {
        let own = loaded.section::<Config>("gateway").map(drop);
        Errors::all_of([check(loaded, true), loaded.relate(&RELATIONS), own])
    }

    fn contract(&self, loaded: &Loaded) -> Result<String, Failure> {
        Ok(service(gateway(loaded)?).contract().to_json())
    }

    async fn run(self, host: Host) -> Result<(), Failure> {
        let gateway = gateway(&host.loaded)?;
        host.serve(service(gateway)).await
    }
}

/// The gateway that the configuration names. Nothing is connected yet.
fn gateway(loaded: &Loaded) -> Result<Port, Failure> {
    let config: Config = loaded.section("gateway")?;
    match Http::new(&config) {
        Ok(gateway) => Ok(Arc::new(gateway)),
        Err(error) => {
            let failure = Failure::new(Exit::Failed, "cannot make a client for the gateway");
            Err(failure.because(&error))
        }
    }
}

#[cfg(test)]
mod tests;
