//! Serves a service's own HTTP interface, on a port of its own, until the program is asked to stop.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::{self, Next};
use axum::response::Response;

use super::connection::{Limited, Limits};
use super::{Failure, Host, listen};
use crate::envelope::Trace;
use crate::observe::{self, ambient};
use crate::world::{self, Task};

/// Longest header of a trace that is handed on, in bytes.
const TRACE_BYTES_MAX: usize = 1024;

/// An HTTP interface that is being served.
pub struct Http {
    task: Task<()>,
    world: world::Shared,
    drain_max: Duration,
}

impl Host {
    /// Opens the port that `option` names and serves there from now on, within limits. Once the
    /// program is asked to stop, nothing new is taken and what is under way is finished.
    ///
    /// # Panics
    ///
    /// Where there is no such option.
    pub async fn serve_http(
        &self,
        option: &str,
        address: SocketAddr,
        limits: Limits,
        router: Router,
    ) -> Result<Http, Failure> {
        let listener = listen(&self.loaded, option, address).await?;
        // Port 0 takes any free one: then the log is the only place that tells which.
        let address = listener.local_addr().unwrap_or(address);
        observe::http_port_open(address);
        let (listener, stop) = (
            Limited::new(&self.world, listener, limits),
            self.stop.clone(),
        );
        let served = axum::serve(listener, traced(router))
            .with_graceful_shutdown(async move { stop.requested().await });
        let task = world::spawn(&self.world, "http", async move {
            if let Err(error) = served.await {
                observe::http_port_failed(address, &error);
            }
        });
        Ok(Http {
            task,
            world: self.world.clone(),
            drain_max: self.loaded.bus().limits.drain_timeout(),
        })
    }
}

/// Lets each request be answered within the trace that it says it belongs to (W3C Trace Context), so
/// that what is published because of it stands there as well.
pub fn traced(router: Router) -> Router {
    router.layer(middleware::from_fn(enter))
}

async fn enter(request: Request, next: Next) -> Response {
    match ambient::within(&trace_of(request.headers())) {
        Some(context) => ambient::run_in(context, next.run(request)).await,
        None => next.run(request).await,
    }
}

fn trace_of(headers: &HeaderMap) -> Trace {
    let text = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        (!text.is_empty() && text.len() <= TRACE_BYTES_MAX).then(|| text.into())
    };
    Trace {
        parent: text("traceparent"),
        state: text("tracestate"),
        baggage: text("baggage"),
    }
}

impl Http {
    /// Waits until what was under way is finished, within the limit of a drain.
    pub async fn drained(self) {
        // However it ended, nobody waits for an answer any more.
        let _ = world::timeout(&self.world, self.drain_max, self.task).await;
    }
}
