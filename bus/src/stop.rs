//! A request to stop, shared by all who must hear it.

use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use tokio::sync::watch;

/// Asks to stop. Cloning gives another handle to the same request.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Nothing has been requested yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Requests it. More than once is the same as once.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Whether it has been requested.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves once it has been requested.
    pub async fn requested(&self) {
        let mut watched = self.0.subscribe();
        // The sender lives as long as this handle, so that waiting cannot fail.
        let _ = watched.wait_for(|requested| *requested).await;
    }

    /// What comes of `work`. `None`: a stop was requested first.
    pub(crate) async fn unless<F: Future>(&self, work: F) -> Option<F::Output> {
        match select(pin!(self.requested()), pin!(work)).await {
            Either::Left(_) => None,
            Either::Right((output, _)) => Some(output),
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
