//! The health port: whether a service is alive and ready, and why not.
//!
//! The bus says what it waits for through a [`Status`]; the port tells it to whoever asks:
//! `/healthz` (200 unless the service failed for good), `/readyz` (200, or 503 with what is waited
//! for), `/contract` and `/metrics`. It listens on a real socket, so that only a program starts it, and nothing
//! in a simulation.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use crate::observe;
use crate::program::{Limited, Limits};
use crate::status::Status;
use crate::world::{self, Task};

/// How much the port takes on. Each answer ends its connection.
const LIMITS: Limits = Limits {
    connections_max: 64,
    silence_max: Duration::from_secs(10),
    life_max: Some(Duration::from_secs(10)),
};

/// What the health port tells.
#[derive(Debug, Clone)]
pub struct Pages {
    /// The service's name.
    pub service: &'static str,
    /// Its version.
    pub version: &'static str,
    /// How it stands.
    pub status: Status,
    /// Its contract, as JSON.
    pub contract: Arc<str>,
    /// Its metrics. `None`: it shows none.
    pub metrics: Option<Exposition>,
}

/// Metrics as Prometheus reads them, written anew whenever somebody looks.
#[derive(Clone)]
pub struct Exposition(Arc<Write>);

type Write = dyn Fn() -> Result<String, String> + Send + Sync;

impl Exposition {
    /// What `write` writes.
    pub fn new(write: impl Fn() -> Result<String, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// The answer to whoever looks.
    pub fn response(&self) -> Response {
        match (self.0)() {
            Ok(text) => {
                let plain = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
                answer(StatusCode::OK, (plain, text))
            }
            Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, error),
        }
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposition")
    }
}

/// Answers on the port from now on, until the task is aborted or the runtime ends. Gives the address
/// that it really listens on, which tells the port where 0 was asked for.
pub fn start(
    world: &world::Shared,
    listener: TcpListener,
    pages: Pages,
) -> io::Result<(SocketAddr, Task<()>)> {
    let address = listener.local_addr()?;
    observe::health_port_open(address);
    let listener = Limited::new(world, listener, LIMITS);
    let task = world::spawn(world, "health", async move {
        if let Err(error) = axum::serve(listener, router(pages)).await {
            observe::health_port_failed(address, &error);
        }
    });
    Ok((address, task))
}

fn router(pages: Pages) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/contract", get(contract))
        .route("/metrics", get(metrics))
        .fallback(unknown)
        .with_state(pages)
}

async fn healthz(State(pages): State<Pages>) -> Response {
    let failed = pages.status.report().failed;
    let status = match &failed {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut body = json!({
        "alive": failed.is_none(),
        "service": pages.service,
        "version": pages.version,
    });
    if let Some(failed) = failed {
        body["failed"] = failed.into();
    }
    answer(status, Json(body))
}

async fn readyz(State(pages): State<Pages>) -> Response {
    let report = pages.status.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    answer(status, Json(report))
}

async fn contract(State(pages): State<Pages>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    answer(StatusCode::OK, (json, pages.contract.to_string()))
}

async fn metrics(State(pages): State<Pages>) -> Response {
    let Some(metrics) = pages.metrics else {
        let none = "no metrics are taken: set telemetry.prometheus, in a program that was built with \
                    the cargo feature `telemetry`\n";
        return answer(StatusCode::NOT_FOUND, none);
    };
    metrics.response()
}

async fn unknown() -> Response {
    answer(
        StatusCode::NOT_FOUND,
        "the health port has /healthz, /readyz, /contract and /metrics\n",
    )
}

/// An answer that ends its connection, so that those who ask seldom hold no place, and that nobody
/// keeps, because it is about now.
fn answer(status: StatusCode, body: impl IntoResponse) -> Response {
    let headers = [
        (header::CONNECTION, "close"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests;
