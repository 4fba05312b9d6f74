//! The observer as a program of its own: its options, its index, and its port.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use quadrille::config::{Errors, Layout, Loaded};
use quadrille::program::{self, About, Exit, Failure, Host, Limits};
use serde::Deserialize;

use crate::index;
use crate::observer::{Observer, Parts};
use crate::{api, ui};

/// The program.
pub struct Program;

/// Its options below `[http]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    listen: SocketAddr,
    connections_max: usize,
    silence_max_ms: u64,
    trace_link: String,
}

/// Its options below `[index]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    folder: PathBuf,
    flows_max: u64,
}

impl program::Program for Program {
    fn about(&self) -> About {
        About {
            name: "observer",
            version: env!("CARGO_PKG_VERSION"),
            summary: "Shows every flow: where it is, on whom it waits, and why",
        }
    }

    fn layout(&self) -> Layout {
        Layout::bus().with(include_str!("../config.toml"))
    }

    fn check(&self, loaded: &Loaded) -> Result<(), Errors> {
        let http = loaded.section::<Http>("http").map(drop);
        let index = loaded.section::<Index>("index").map(drop);
        Errors::all_of([program::check(loaded, false), http, index])
    }

    fn contract(&self, _: &Loaded) -> Result<String, Failure> {
        Ok(r#"{"service":"observer","reactions":[],"originates":[]}"#.to_owned())
    }

    async fn run(self, host: Host) -> Result<(), Failure> {
        let (options, index): (Http, Index) =
            (host.loaded.section("http")?, host.loaded.section("index")?);
        let parts = Parts {
            broker: host.broker()?,
            world: host.world.clone(),
            folder: &index.folder,
            limits: index::Limits {
                flows_max: index.flows_max,
            },
            stop: host.stop.clone(),
        };
        // It serves at once: that the broker has not answered yet is for its pages to say.
        let started = Observer::start(parts).await;
        let (observer, running) =
            started.map_err(|error| Failure::of(Exit::Configuration, &error))?;
        let limits = Limits {
            connections_max: options.connections_max,
            silence_max: Duration::from_millis(options.silence_max_ms),
            life_max: None,
        };
        let link = Some(options.trace_link).filter(|link| !link.is_empty());
        let router = Router::new()
            .merge(api::router(observer, link))
            .merge(ui::router());
        let http = host
            .serve_http("http.listen", options.listen, limits, router)
            .await?;
        host.health.started();
        host.stop.requested().await;
        running.ended().await;
        http.drained().await;
        Ok(())
    }
}
