//! When the next attempt is due: exponential backoff with full jitter between a half and a whole.
//!
//! A pure rule: attempt number and randomness in, a duration out. Half of the span is fixed, so
//! that no attempt follows at once; the other half is drawn, so that events that failed together
//! do not come back together.

use std::time::Duration;

/// How often and how far apart an event is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts before the event is parked, at least 1.
    pub attempts_max: u32,
    /// Longest wait after the first attempt.
    pub base: Duration,
    /// Longest wait after any attempt.
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
        let whole = self.base.saturating_mul(1 << doublings).min(self.max);
        let half = whole / 2;
        // The upper 32 bits as a fraction in [0, 1).
        let fraction = (random >> 32) as f64 / f64::from(u32::MAX);
        half + half.mul_f64(fraction.min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        attempts_max: 4,
        base: Duration::from_millis(100),
        max: Duration::from_millis(250),
    };

    #[test]
    fn waits_double_up_to_the_limit() {
        // Shows both ends of the jitter for every attempt.
        let spans = [(1, 50, 100), (2, 100, 200), (3, 125, 250), (99, 125, 250)];
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
