//! Calls of the client library that block, on threads of their own.
//!
//! No runtime is asked for: the thread lives as long as the call, which librdkafka ends in time.

use std::sync::Arc;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use super::super::{Error, ErrorKind};

/// Most calls at once. More wait for their turn.
const CALLS_MAX: usize = 8;

/// Runs blocking calls.
#[derive(Debug, Clone)]
pub(super) struct Blocking {
    seats: Arc<Semaphore>,
}

impl Blocking {
    pub(super) fn new() -> Self {
        Self {
            seats: Arc::new(Semaphore::new(CALLS_MAX)),
        }
    }

    /// Runs `call`. What it returns beside its answer is dropped after the answer was given:
    /// clients take a while to go.
    pub(super) async fn run<T: Send + 'static, Rest>(
        &self,
        call: impl FnOnce() -> (Result<T, Error>, Rest) + Send + 'static,
    ) -> Result<T, Error> {
        let seats = Arc::clone(&self.seats);
        let seat = seats
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (answer, result) = oneshot::channel();
        let run = move || {
            let (result, rest) = call();
            // Whoever asked may have stopped waiting.
            let _ = answer.send(result);
            drop(rest);
            drop(seat);
        };
        let started = thread::Builder::new()
            .name("ask kafka".to_owned())
            .spawn(run);
        if let Err(error) = started {
            let message = format!("cannot start a thread to ask kafka: {error}");
            return Err(Error::new(ErrorKind::Other, message));
        }
        result.await.unwrap_or_else(|_| {
            let message = "a question to kafka panicked; its message is in the log";
            Err(Error::new(ErrorKind::Other, message))
        })
    }
}
