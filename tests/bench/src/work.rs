//! The events of a run, and the ledger that tells whether all of them came, once and in order.
//!
//! Making and checking cost the same whoever contends, so they do not favour anybody.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use quadrille::Event;

use crate::events::bench::v1::{Published, Stored, Timed};

/// Different keys.
pub(crate) const KEYS: u64 = 10_000;
/// Partitions of each topic of the benchmark.
pub(crate) const PARTITIONS: i32 = 6;
/// Fills an event up to some 256 bytes.
const FILLING_BYTES: usize = 231;
/// Noise that fillings are cut from.
const NOISE_BYTES: usize = 1 << 20;

/// An event that can be measured.
pub(crate) trait Measured: Event {
    /// Makes one.
    fn of(customer: String, number: u64, nth: u64, made_us: u64, filling: Vec<u8>) -> Self;
    /// What there is to check about it.
    fn facts(&self) -> Facts;
}

/// What there is to check about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Number of its key.
    pub(crate) key: u64,
    /// Its number in the run.
    pub(crate) number: u64,
    /// Its number among those of its key.
    pub(crate) nth: u64,
    /// When it was made, in microseconds since 1970.
    pub(crate) made_us: u64,
}

macro_rules! measured {
    ($($event:ident)+) => {$(
        impl Measured for $event {
            fn of(
                customer: String,
                number: u64,
                nth: u64,
                made_us: u64,
                filling: Vec<u8>,
            ) -> Self {
                Self { customer, number, nth, made_us, filling: filling.into() }
            }

            fn facts(&self) -> Facts {
                let key = self.customer.strip_prefix('c').and_then(|key| key.parse().ok());
                Facts {
                    // No key has this number: the ledger tells of it.
                    key: key.unwrap_or(u64::MAX),
                    number: self.number,
                    nth: self.nth,
                    made_us: self.made_us,
                }
            }
        }
    )+};
}

measured!(Published Stored Timed);

/// Makes the events of a run, always the same ones.
pub(crate) struct Maker {
    made: Vec<u64>,
    noise: Vec<u8>,
}

impl Maker {
    pub(crate) fn new() -> Self {
        let noise = (0..NOISE_BYTES as u64 / 8).flat_map(|nth| mix(nth).to_le_bytes());
        Self {
            made: vec![0; KEYS as usize],
            noise: noise.collect(),
        }
    }

    /// The event of this number; to be called with 0, 1, 2, and so on.
    pub(crate) fn make<E: Measured>(&mut self, number: u64, made_us: u64) -> E {
        let key = mix(number) % KEYS;
        let made = &mut self.made[key as usize];
        let nth = *made;
        *made += 1;
        let from = (mix(!number) as usize) % (NOISE_BYTES - FILLING_BYTES);
        let filling = self.noise[from..from + FILLING_BYTES].to_vec();
        E::of(format!("c{key}"), number, nth, made_us, filling)
    }
}

/// Spreads numbers out (SplitMix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Which events came, and whether in order.
pub(crate) struct Ledger {
    events: u64,
    seen: Vec<AtomicU64>,
    next: Vec<AtomicU64>,
    running: Vec<AtomicBool>,
    distinct: AtomicU64,
    doubles: AtomicU64,
    strangers: AtomicU64,
    disorder: AtomicU64,
    overlaps: AtomicU64,
}

impl Ledger {
    /// Expects events 0 to `events` - 1.
    pub(crate) fn of(events: u64) -> Self {
        let words = events.div_ceil(64) as usize;
        let keys = KEYS as usize;
        Self {
            events,
            seen: std::iter::repeat_with(AtomicU64::default)
                .take(words)
                .collect(),
            next: std::iter::repeat_with(AtomicU64::default)
                .take(keys)
                .collect(),
            running: std::iter::repeat_with(AtomicBool::default)
                .take(keys)
                .collect(),
            distinct: AtomicU64::new(0),
            doubles: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
            disorder: AtomicU64::new(0),
            overlaps: AtomicU64::new(0),
        }
    }

    /// Somebody begins to handle an event.
    pub(crate) fn begin(&self, facts: &Facts) {
        if facts.key >= KEYS {
            self.strangers.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let key = facts.key as usize;
        if self.running[key].swap(true, Ordering::AcqRel) {
            self.overlaps.fetch_add(1, Ordering::Relaxed);
        }
        if self.next[key].swap(facts.nth + 1, Ordering::AcqRel) != facts.nth {
            self.disorder.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// It has been handled. Returns whether it was the last one missing.
    pub(crate) fn end(&self, facts: &Facts) -> bool {
        if facts.key >= KEYS || facts.number >= self.events {
            self.strangers.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.running[facts.key as usize].store(false, Ordering::Release);
        let bit = 1 << (facts.number % 64);
        let word = &self.seen[(facts.number / 64) as usize];
        if word.fetch_or(bit, Ordering::AcqRel) & bit != 0 {
            self.doubles.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.distinct.fetch_add(1, Ordering::AcqRel) + 1 == self.events
    }

    /// Whether all came, once and in order; or else what is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        let distinct = self.distinct.load(Ordering::Acquire);
        let mut wrong = Vec::new();
        if distinct != self.events {
            wrong.push(format!("{distinct} distinct of {}", self.events));
        }
        for (what, count) in [
            ("doubles", &self.doubles),
            ("not of this run", &self.strangers),
            ("out of order in their key", &self.disorder),
            ("at once with another of their key", &self.overlaps),
        ] {
            let count = count.load(Ordering::Acquire);
            if count > 0 {
                wrong.push(format!("{count} {what}"));
            }
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(format!("the events were not as sent: {}", wrong.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(key: u64, number: u64, nth: u64) -> Facts {
        Facts {
            key,
            number,
            nth,
            made_us: 0,
        }
    }

    fn handle(ledger: &Ledger, facts: Facts) -> bool {
        ledger.begin(&facts);
        ledger.end(&facts)
    }

    #[test]
    fn what_is_made_is_what_the_ledger_expects() {
        // Shows that makers agree, that events have the size that is promised, and that the ledger
        // says when the last has come.
        let (mut maker, mut other) = (Maker::new(), Maker::new());
        let ledger = Ledger::of(1_000);
        for number in 0..1_000 {
            let event: Stored = maker.make(number, 1_700_000_000_000_000);
            let same: Stored = other.make(number, 1_700_000_000_000_000);
            assert_eq!(event, same);
            let bytes = quadrille::prost::Message::encoded_len(&event);
            assert!((240..=264).contains(&bytes), "{bytes} bytes");
            assert_eq!(handle(&ledger, event.facts()), number == 999);
        }
        ledger.check().unwrap();
    }

    #[test]
    fn whatever_is_wrong_is_told() {
        // Shows each kind of mistake on its own.
        let wrong = |handled: &[Facts]| {
            let ledger = Ledger::of(2);
            for facts in handled {
                handle(&ledger, *facts);
            }
            ledger.check().unwrap_err()
        };
        assert!(wrong(&[facts(1, 0, 0)]).contains("1 distinct of 2"));
        assert!(wrong(&[facts(1, 0, 0), facts(1, 0, 1)]).contains("1 doubles"));
        assert!(wrong(&[facts(1, 0, 1), facts(2, 1, 0)]).contains("1 out of order"));
        assert!(wrong(&[facts(1, 7, 0)]).contains("1 not of this run"));

        let ledger = Ledger::of(2);
        ledger.begin(&facts(1, 0, 0));
        ledger.begin(&facts(1, 1, 1));
        assert!(ledger.check().unwrap_err().contains("1 at once"));
    }
}
