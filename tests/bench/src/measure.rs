//! What one contender found.

use std::sync::OnceLock;
use std::time::Duration;

use quadrille::world;
use serde::{Deserialize, Serialize};

use crate::usage;

/// What one contender found, once its work was checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Events that it handled.
    pub events: u64,
    /// From the first of them until the work was done.
    pub seconds: f64,
    /// Processor time of its process meanwhile, for each event, in microseconds.
    pub processor_us_per_event: f64,
    /// Processor time of its process in all, checks included.
    pub processor_seconds: f64,
    /// Most memory that its process has had, in MiB.
    pub memory_peak_mib: u64,
    /// How long events were under way, where that is the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// How long a reaction took on average, in microseconds, where it waits for something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction_us_mean: Option<f64>,
}

/// How long events were under way, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them were as quick.
    pub p50_us: u64,
    /// 99 of 100 were as quick.
    pub p99_us: u64,
    /// 999 of 1,000 were as quick.
    pub p999_us: u64,
    /// The slowest.
    pub max_us: u64,
}

impl Measure {
    /// Events a second.
    pub fn rate(&self) -> f64 {
        self.events as f64 / self.seconds.max(1e-9)
    }
}

impl Latency {
    /// Of all that was measured. `None`: that is nothing.
    pub(crate) fn of(mut measured_us: Vec<u64>) -> Option<Self> {
        measured_us.sort_unstable();
        let max_us = *measured_us.last()?;
        let count = measured_us.len();
        // The smallest one that at least this share is not above.
        let share = |of_1000: usize| measured_us[(count * of_1000).div_ceil(1000).max(1) - 1];
        Some(Self {
            p50_us: share(500),
            p99_us: share(990),
            p999_us: share(999),
            max_us,
        })
    }
}

/// Takes the time, from the first event on.
pub(crate) struct Watch {
    world: world::Shared,
    began: OnceLock<(Duration, Duration)>,
}

impl Watch {
    pub(crate) fn new(world: &world::Shared) -> Self {
        Self {
            world: world.clone(),
            began: OnceLock::new(),
        }
    }

    /// The first event comes. Later calls change nothing.
    pub(crate) fn start(&self) {
        self.began
            .get_or_init(|| (self.world.elapsed(), usage::processor()));
    }

    /// The work is done.
    pub(crate) fn stop(&self, events: u64) -> Measure {
        let (now, processor) = (self.world.elapsed(), usage::processor());
        let (began, processor_began) = *self.began.get_or_init(|| (now, processor));
        let used = processor.saturating_sub(processor_began);
        Measure {
            events,
            seconds: now.saturating_sub(began).as_secs_f64(),
            processor_us_per_event: used.as_secs_f64() * 1e6 / events.max(1) as f64,
            processor_seconds: processor.as_secs_f64(),
            memory_peak_mib: usage::memory_peak_mib(),
            latency: None,
            reaction_us_mean: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_was_measured() {
        // Shows that no value is made up in between, whatever the order and however few there are.
        assert_eq!(Latency::of(Vec::new()), None);
        let one = Latency::of(vec![7]).unwrap();
        assert_eq!(
            (one.p50_us, one.p99_us, one.p999_us, one.max_us),
            (7, 7, 7, 7)
        );
        let many = Latency::of((1..=1000).rev().collect()).unwrap();
        let many = (many.p50_us, many.p99_us, many.p999_us, many.max_us);
        assert_eq!(many, (500, 990, 999, 1000));
    }

    #[test]
    fn a_measure_is_a_line_of_json() {
        // Shows the names that are promised, and that what was not asked is left out.
        let measure = Measure {
            events: 1_000,
            seconds: 0.5,
            processor_us_per_event: 2.5,
            processor_seconds: 1.0,
            memory_peak_mib: 20,
            latency: None,
            reaction_us_mean: None,
        };
        let json = serde_json::to_string(&measure).unwrap();
        assert_eq!(
            json,
            r#"{"events":1000,"seconds":0.5,"processor_us_per_event":2.5,"processor_seconds":1.0,"memory_peak_mib":20}"#
        );
        assert_eq!(serde_json::from_str::<Measure>(&json).unwrap(), measure);
        assert!((measure.rate() - 2_000.0).abs() < 1e-6);
    }
}
