//! Notifications as a program of its own: its options, and the post that it is given.

use quadrille::config::{Errors, Layout, Loaded, Relation};
use quadrille::program::{About, Exit, Failure, Host, Program, check};

use crate::mail::{Config, Port};
use crate::service;

/// What must hold between the post's limits and the bus's.
const RELATIONS: [Relation; 1] = [Relation {
    smaller: "mail.timeout_ms",
    times: 1,
    plus: 1_000,
    larger: "limits.reaction_timeout_ms",
    why: "a reaction that waits for the mail server must see the end of that: a silent server is an \
          outage, which uses up no attempts, and a reaction that takes too long does",
}];

/// The program.
pub struct Notifications;

impl Program for Notifications {
    fn about(&self) -> About {
        About {
            name: "notifications",
            version: env!("CARGO_PKG_VERSION"),
            summary: "Tells customers by mail how their orders ended",
        }
    }

    fn layout(&self) -> Layout {
        Layout::bus().with(include_str!("../config.toml"))
    }

    fn check(&self, loaded: &Loaded) -> Result<(), Errors> {
        let own = loaded.section::<Config>("mail").map(drop);
        Errors::all_of([check(loaded, true), loaded.relate(&RELATIONS), own])
    }

    fn contract(&self, loaded: &Loaded) -> Result<String, Failure> {
        Ok(service(post(loaded)?).contract().to_json())
    }

    async fn run(self, host: Host) -> Result<(), Failure> {
        let post = post(&host.loaded)?;
        host.serve(service(post)).await
    }
}

/// The post that the configuration names. Nothing is connected yet.
fn post(loaded: &Loaded) -> Result<Port, Failure> {
    let config: Config = loaded.section("mail")?;
    let port = config.port();
    port.map_err(|error| Failure::of(Exit::Configuration, &error))
}

#[cfg(test)]
mod tests;
