//! The wish that a program come to its end.

use tokio::sync::watch;

/// Asks a program to stop, and tells it so. All clones are one; once requested, it stays so.
///
/// It needs no executor of a certain kind, so that a simulation can stop a service too.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Not requested yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Asks for the stop.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Whether a stop is asked for.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves once a stop is asked for, at once if it is already. Cancel-safe.
    pub async fn requested(&self) {
        // The sender lives in `self`, so the wait cannot end for want of one.
        let _ = self.0.subscribe().wait_for(|requested| *requested).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_request_reaches_every_clone_for_ever() {
        let stop = Stop::new();
        let waiting = stop.clone();
        assert_eq!(waiting.requested().now_or_never(), None);
        assert!(!waiting.is_requested());

        stop.request();
        drop(stop);

        assert_eq!(waiting.requested().now_or_never(), Some(()));
        assert_eq!(waiting.requested().now_or_never(), Some(()));
        assert!(waiting.is_requested());
    }
}
