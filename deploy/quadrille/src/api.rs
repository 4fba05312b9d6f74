//! What `up` serves over HTTP: a page, flows, events as they come, and the entrance for events.
//!
//! | path | what |
//! |---|---|
//! | `/` | a page that lists flows as they go on |
//! | `GET /api/flows?limit=&status=` | flows, those first that changed last |
//! | `GET /api/flows/{id}` | one flow, by flow id or business key |
//! | `GET /api/flows/live` | the same list as server-sent events |
//! | `GET /api/tail?type=` | events as they come, as server-sent events |
//! | `POST /v1/events` | takes a CloudEvent |
//! | `/healthz`, `/readyz` | whether it is alive, and ready |
//!
//! Every error is JSON with `error` and `mend`. There is no authentication: it listens on this
//! machine only, unless told otherwise.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use quadrille::stop::Stop;
use tokio::sync::Semaphore;

pub mod error;
mod events;
mod flows;
mod stream;

use crate::accept::Entrance;
use crate::index::Index;

/// Streams that are served at once. More are refused.
const STREAMS_MAX: usize = 64;

/// What the API answers from.
#[derive(Clone)]
pub struct Api {
    /// The newest flows.
    pub index: Arc<Index>,
    /// Where events come in, and the broker that streams are read from.
    pub entrance: Entrance,
    /// Says whether all is ready, and if not, what is waited for.
    pub ready: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
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
    let shared = Shared {
        api,
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
    };
    Router::new()
        .route("/", get(page))
        .route("/api/flows", get(flows::list))
        .route("/api/flows/live", get(stream::flows))
        .route("/api/flows/{id}", get(flows::one))
        .route("/api/tail", get(stream::tail))
        .route("/v1/events", post(events::accept))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .method_not_allowed_fallback(error::wrong_method)
        .fallback(error::nothing_here)
        .with_state(shared)
}

/// The routes, and beside them the orders' own.
pub fn with_orders(api: Router, orders: Router) -> Router {
    // Ours answers where neither knows the path.
    api.merge(orders.reset_fallback())
}

async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; \
             script-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
        ),
    ];
    (headers, include_str!("api/page.html")).into_response()
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
