//! Shipping as a program of its own: its options, and the carrier that it is given.

use std::sync::Arc;

use quadrille::config::{Errors, Layout, Loaded, Relation};
use quadrille::program::{About, Exit, Failure, Host, Program, check};

use crate::carrier::{Config, Http, Port};
use crate::service;

/// What must hold between the carrier's limits and the bus's.
const RELATIONS: [Relation; 1] = [Relation {
    smaller: "carrier.timeout_ms",
    times: 1,
    plus: 1_000,
    larger: "limits.reaction_timeout_ms",
    why: "a reaction that waits for the carrier must see the end of that: a silent carrier is an \
          outage, which uses up no attempts, and a reaction that takes too long does",
}];

/// The program.
pub struct Shipping;

impl Program for Shipping {
    fn about(&self) -> About {
        About {
            name: "shipping",
            version: env!("CARGO_PKG_VERSION"),
            summary: "Has the goods of a paid order dispatched, and called back",
        }
    }

    fn layout(&self) -> Layout {
        Layout::bus().with(include_str!("../config.toml"))
    }

    fn check(&self, loaded: &Loaded) -> Result<(), Errors> {
        let own = loaded.section::<Config>("carrier").map(drop);
        Errors::all_of([check(loaded, true), loaded.relate(&RELATIONS), own])
    }

    fn contract(&self, loaded: &Loaded) -> Result<String, Failure> {
        Ok(service(carrier(loaded)?).contract().to_json())
    }

    async fn run(self, host: Host) -> Result<(), Failure> {
        let carrier = carrier(&host.loaded)?;
        host.serve(service(carrier)).await
    }
}

/// The carrier that the configuration names. Nothing is connected yet.
fn carrier(loaded: &Loaded) -> Result<Port, Failure> {
    let config: Config = loaded.section("carrier")?;
    match Http::new(&config) {
        Ok(carrier) => Ok(Arc::new(carrier)),
        Err(error) => {
            let failure = Failure::new(Exit::Failed, "cannot make a client for the carrier");
            Err(failure.because(&error))
        }
    }
}

#[cfg(test)]
mod tests;
