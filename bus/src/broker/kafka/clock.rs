//! The adapter's clock. It stands outside the simulated world, as Kafka itself does, so it reads the
//! machine's clock; here and nowhere else.

use std::time::{Duration, Instant};

/// A moment that may lie in the future: a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(Instant);

impl Moment {
    /// This moment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the Kafka client has its own threads, which no simulated world can own"
    )]
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }

    /// The moment this long from now.
    pub(super) fn within(duration: Duration) -> Self {
        Self::now().plus(duration)
    }

    /// This much later.
    pub(super) fn plus(self, duration: Duration) -> Self {
        // A duration that leads beyond the clock's range stands for a very long time.
        const LONG: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        Self(self.0.checked_add(duration).unwrap_or(self.0 + LONG))
    }

    /// How long it is until then; zero once it has passed.
    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Self::now().0)
    }

    /// Whether it has come.
    pub(super) fn has_come(self) -> bool {
        self.left().is_zero()
    }
}
