//! When the next attempt is due: exponential backoff with jitter.
//!
//! A pure rule: attempt number and randomness in, a duration out. The wait doubles from attempt to
//! attempt and is drawn from the half above it, so that events that failed together do not come
//! back together, and none comes back at once.

use std::time::Duration;

/// How often and how far apart an event is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts before the event is parked, at least 1.
    pub attempts_max: u32,
    /// Shortest wait between two attempts.
    pub base: Duration,
    /// Longest wait between two attempts.
    pub max: Duration,
}

impl Policy {
    /// How long to wait after the given attempt (from 1). `None`: the attempts are used up.
    pub fn after(&self, attempt: u32, random: u64) -> Option<Duration> {
        (attempt < self.attempts_max).then(|| self.wait(attempt, random))
    }

    /// How long to wait after the given attempt (from 1), however many there have been.
    pub fn wait(&self, attempt: u32, random: u64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let wait = self.base.saturating_mul(1 << doublings);
        // At the limit too there is something to draw from.
        let shortest = wait.min(self.max * 2 / 3).max(self.base);
        let longest = wait.saturating_mul(3).min(self.max.saturating_mul(2)) / 2;
        // The upper 32 bits as a fraction in [0, 1].
        let fraction = (random >> 32) as f64 / f64::from(u32::MAX);
        shortest + longest.saturating_sub(shortest).mul_f64(fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        attempts_max: 4,
        base: Duration::from_millis(100),
        max: Duration::from_millis(300),
    };

    #[test]
    fn waits_double_up_to_the_limit() {
        // Shows both ends of the jitter for every attempt.
        let spans = [(1, 100, 150), (2, 200, 300), (3, 200, 300), (99, 200, 300)];
        for (attempt, shortest, longest) in spans {
            assert_eq!(POLICY.wait(attempt, 0), Duration::from_millis(shortest));
            assert_eq!(
                POLICY.wait(attempt, u64::MAX),
                Duration::from_millis(longest)
            );
        }
    }

    #[test]
    fn the_last_attempt_has_no_successor() {
        // Shows that exactly `attempts_max` attempts are made.
        assert!(POLICY.after(3, 0).is_some());
        assert_eq!(POLICY.after(4, 0), None);
    }
}
