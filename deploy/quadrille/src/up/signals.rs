//! Turns SIGTERM and SIGINT into a request to stop, and a second one into the end.

use std::io::{self, Write as _};

use quadrille::program::{Exit, Failure};
use quadrille::stop::Stop;
use quadrille::world;
use tokio::signal::unix::{SignalKind, signal};

/// Requests the stop on the first signal, and ends the process at once on the second.
pub(super) fn request_stop(world: &world::Shared, stop: &Stop) -> Result<(), Failure> {
    let failure = |error| Failure::new(Exit::Failed, "cannot listen for signals").because(&error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failure)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failure)?;
    let stop = stop.clone();
    world::spawn(world, "signals", async move {
        loop {
            let terminated = std::pin::pin!(terminate.recv());
            let interrupted = std::pin::pin!(interrupt.recv());
            futures::future::select(terminated, interrupted).await;
            if stop.is_requested() {
                let _ = writeln!(io::stderr(), "ended at once: work in hand was not finished");
                // The gateway notices that nobody holds the other end of its standard input.
                std::process::exit(Exit::Failed as i32);
            }
            let _ = writeln!(
                io::stderr(),
                "stopping when the work in hand is done; a second signal ends it at once"
            );
            stop.request();
        }
    });
    Ok(())
}
