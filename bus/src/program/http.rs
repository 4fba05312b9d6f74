//! Serves a service's own HTTP interface, on a port of its own, until the program is asked to stop.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tracing::{error, info};

use super::connection::{Limited, Limits};
use super::{Failure, Host, listen};
use crate::world::{self, Task};

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
        info!(%address, "http port open");
        let (listener, stop) = (
            Limited::new(&self.world, listener, limits),
            self.stop.clone(),
        );
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(async move { stop.requested().await });
        let task = world::spawn(&self.world, "http", async move {
            if let Err(error) = served.await {
                error!(%address, %error, "http port failed");
            }
        });
        Ok(Http {
            task,
            world: self.world.clone(),
            drain_max: self.loaded.bus().limits.drain_timeout(),
        })
    }
}

impl Http {
    /// Waits until what was under way is finished, within the limit of a drain.
    pub async fn drained(self) {
        // However it ended, nobody waits for an answer any more.
        let _ = world::timeout(&self.world, self.drain_max, self.task).await;
    }
}
