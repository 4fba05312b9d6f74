//! What `up` serves over HTTP on one port: the observer, the orders, and the entrance for events.
//!
//! | path | what |
//! |---|---|
//! | `GET /api/tail?type=` | events as they come, as server-sent events |
//! | `POST /v1/events` | takes a CloudEvent |
//! | `/orders` | the orders' own |
//! | `/healthz`, `/readyz` | whether it is alive, and ready |
//! | `/metrics` | the services' metrics, as Prometheus reads them |
//! | everything else | the observer's API and web UI |
//!
//! Every error is JSON with `error` and `mend`. There is no authentication: it listens on this
//! machine only, unless told otherwise.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use quadrille::health::Exposition;
use quadrille::stop::Stop;
use quadrille_observer::Observer;
use tokio::sync::Semaphore;

pub mod error;
mod events;
mod stream;

use crate::accept::Entrance;

/// Streams that are served at once. More are refused.
const STREAMS_MAX: usize = 64;

/// What the API answers from.
#[derive(Clone)]
pub struct Api {
    /// What is known of flows.
    pub observer: Arc<Observer>,
    /// Where events come in, and the broker that streams are read from.
    pub entrance: Entrance,
    /// Says whether all is ready, and if not, what is waited for.
    pub ready: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// The services' metrics. `None`: none are taken.
    pub metrics: Option<Exposition>,
    /// Where traces can be looked at: an address with `{trace_id}` in it.
    pub trace_link: Option<String>,
    /// Ends streams.
    pub stop: Stop,
}

#[derive(Clone)]
struct Shared {
    api: Api,
    streams: Arc<Semaphore>,
}

/// The routes.
pub fn router(api: Api) -> Router {
    let (observer, link) = (Arc::clone(&api.observer), api.trace_link.clone());
    let observer = quadrille_observer::api::router(observer, link);
    let shared = Shared {
        api,
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
    };
    Router::new()
        .route("/api/tail", get(stream::tail))
        .route("/v1/events", post(events::accept))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(error::wrong_method)
        .fallback(error::nothing_here)
        .with_state(shared)
        .merge(observer)
        .merge(quadrille_observer::ui::router())
}

/// The routes, and beside them the orders' own.
pub fn with_orders(api: Router, orders: Router) -> Router {
    // Ours answers where neither knows the path.
    api.merge(orders.reset_fallback())
}

async fn ready(State(shared): State<Shared>) -> Response {
    let waiting = (shared.api.ready)();
    let status = match waiting.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = serde_json::json!({ "ready": waiting.is_empty(), "waiting_for": waiting });
    (status, axum::Json(body)).into_response()
}

async fn metrics(State(shared): State<Shared>, uri: Uri) -> Response {
    match shared.api.metrics {
        Some(metrics) => metrics.response(),
        None => error::nothing_here(uri).await.into_response(),
    }
}
