//! Turns SIGTERM and SIGINT into a request to stop, and a second one into the end.

use std::process;

use super::{Exit, Failure};
use crate::observe;
use crate::stop::Stop;
use crate::world::{self, Shared};

/// Requests the stop on the first signal, and ends the process at once on the second.
#[cfg(unix)]
pub(super) fn request_stop(world: &Shared, stop: &Stop) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let failure = |error| Failure::new(Exit::Failed, "cannot listen for signals").because(&error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failure)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failure)?;
    let stop = stop.clone();
    world::spawn(world, "signals", async move {
        loop {
            let terminated = std::pin::pin!(terminate.recv());
            let interrupted = std::pin::pin!(interrupt.recv());
            let name = match futures::future::select(terminated, interrupted).await {
                futures::future::Either::Left(_) => "SIGTERM",
                futures::future::Either::Right(_) => "SIGINT",
            };
            heed(name, &stop);
        }
    });
    Ok(())
}

/// Requests the stop on the first Ctrl-C, and ends the process at once on the second.
#[cfg(not(unix))]
pub(super) fn request_stop(world: &Shared, stop: &Stop) -> Result<(), Failure> {
    let stop = stop.clone();
    world::spawn(world, "signals", async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            heed("Ctrl-C", &stop);
        }
    });
    Ok(())
}

fn heed(signal: &'static str, stop: &Stop) {
    if stop.is_requested() {
        observe::ended_at_once(signal);
        process::exit(Exit::Failed as i32);
    }
    observe::stopping(signal);
    stop.request();
}
