//! How a party misbehaves when it is told to, and the dice that decide whom it hits.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// Longest delay that can be asked for: ten minutes.
const DELAY_MS_MAX: u64 = 600_000;

/// How it misbehaves. The default is not at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Wait this long before each decision.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=DELAY_MS_MAX))]
    pub delay_ms: u64,
    /// Be down: answer each with 503, and book nothing.
    #[arg(long)]
    pub down: bool,
    /// Share that fails with 503 before it is booked, from 0 to 1.
    #[arg(long, value_name = "RATE", default_value_t)]
    pub fail_rate: Rate,
    /// Share that is booked, but answered with 503, from 0 to 1.
    #[arg(long, value_name = "RATE", default_value_t)]
    pub answer_lost_rate: Rate,
}

/// A share, from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

/// A number that is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number from 0 to 1, such as 0.05")]
pub struct NotARate;

impl Behaviour {
    /// What clap checks of an option must hold for a request as well.
    pub(crate) fn is_possible(&self) -> bool {
        self.delay_ms <= DELAY_MS_MAX
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

impl TryFrom<f64> for Rate {
    type Error = NotARate;

    fn try_from(number: f64) -> Result<Self, NotARate> {
        if (0.0..=1.0).contains(&number) {
            Ok(Self(number))
        } else {
            Err(NotARate)
        }
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        text.parse::<f64>().map_err(|_| NotARate)?.try_into()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The behaviour of now, which may change at any time.
#[derive(Debug)]
pub(crate) struct Current(Mutex<(Behaviour, StdRng)>);

impl Current {
    /// The same seed throws the same dice.
    pub(crate) fn new(behaviour: Behaviour, seed: u64) -> Self {
        Self(Mutex::new((behaviour, StdRng::seed_from_u64(seed))))
    }

    pub(crate) fn get(&self) -> Behaviour {
        self.with(|behaviour, _| *behaviour)
    }

    pub(crate) fn set(&self, new: Behaviour) {
        self.with(|behaviour, _| *behaviour = new);
    }

    /// Throws the dice: whether this request is to fail.
    pub(crate) fn fails(&self) -> bool {
        self.with(|behaviour, dice| hit(dice, behaviour.fail_rate))
    }

    /// Throws the dice: whether this answer is to be lost.
    pub(crate) fn loses_answer(&self) -> bool {
        self.with(|behaviour, dice| hit(dice, behaviour.answer_lost_rate))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Behaviour, &mut StdRng) -> T) -> T {
        // Whoever panicked with the lock left nothing half done.
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (behaviour, dice) = &mut *guard;
        work(behaviour, dice)
    }
}

fn hit(dice: &mut StdRng, rate: Rate) -> bool {
    dice.random_bool(rate.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_from_0_to_1() {
        for (text, rate) in [("0", 0.0), ("1", 1.0), ("0.05", 0.05)] {
            assert_eq!(text.parse(), Ok(Rate(rate)));
        }
        for text in ["-0.1", "1.1", "NaN", "inf", "5%", ""] {
            assert_eq!(text.parse::<Rate>(), Err(NotARate), "{text}");
        }
    }

    #[test]
    fn the_same_seed_hits_the_same_requests() {
        let behaviour = Behaviour {
            fail_rate: Rate(0.5),
            ..Behaviour::default()
        };
        let throw = |seed| {
            let current = Current::new(behaviour, seed);
            (0..64).map(|_| current.fails()).collect::<Vec<_>>()
        };
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
        assert!(throw(7).contains(&true) && throw(7).contains(&false));
    }

    #[test]
    fn rates_of_0_and_1_are_never_and_always() {
        let current = Current::new(Behaviour::default(), 0);
        assert!((0..100).all(|_| !current.fails()));
        current.set(Behaviour {
            fail_rate: Rate(1.0),
            ..Behaviour::default()
        });
        assert!((0..100).all(|_| current.fails() && !current.loses_answer()));
    }
}
