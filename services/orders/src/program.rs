//! Orders as a program of its own: its options, and its HTTP door on a port.

use std::net::SocketAddr;
use std::time::Duration;

use quadrille::config::{Errors, Layout, Loaded};
use quadrille::program::{About, Failure, Host, Limits, Program, check};
use serde::Deserialize;

use crate::{Doors, http, service};

/// The program.
pub struct Orders;

/// Its options below `[http]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    listen: SocketAddr,
    connections_max: usize,
    silence_max_ms: u64,
}

impl Program for Orders {
    fn about(&self) -> About {
        About {
            name: "orders",
            version: env!("CARGO_PKG_VERSION"),
            summary: "Takes orders over HTTP, and says how each ended",
        }
    }

    fn layout(&self) -> Layout {
        Layout::bus().with(include_str!("../config.toml"))
    }

    fn check(&self, loaded: &Loaded) -> Result<(), Errors> {
        let own = loaded.section::<Options>("http").map(drop);
        Errors::all_of([check(loaded, true), own])
    }

    fn contract(&self, _: &Loaded) -> Result<String, Failure> {
        Ok(service(&Doors::default()).contract().to_json())
    }

    async fn run(self, host: Host) -> Result<(), Failure> {
        let options: Options = host.loaded.section("http")?;
        let limits = Limits {
            connections_max: options.connections_max,
            silence_max: Duration::from_millis(options.silence_max_ms),
            life_max: None,
        };
        let doors = Doors::default();
        let service = service(&doors);
        let router = http::router(doors);
        // Before the broker answers, so that whoever asks is told to come again.
        let http = host
            .serve_http("http.listen", options.listen, limits, router)
            .await?;
        let served = host.serve(service).await;
        http.drained().await;
        served
    }
}

#[cfg(test)]
mod tests;
