//! What is measured, by whom, and what we want to see.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// Publish, and wait for each answer
    Waiting,
    /// Publish, and wait for no answer
    Publish,
    /// React to each event, commit, and tell of it in a receipt
    React,
    /// React to each event and commit
    Silent,
    /// Publish 1,000 events a second, and react to them at once
    Latency,
    /// React to each event for 5 ms, those of a key one after the other
    Keyed,
    /// React to each event by changing a record of the service's state
    State,
}

/// One way to do the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// Bare rdkafka, with the same records as ours.
    Bare,
    /// Bare rdkafka, with records that have no headers.
    BarePlain,
    /// The bus.
    Ours,
    /// The bus, with `topics.receipts = false`.
    OursSilent,
    /// The bus, with `kafka.linger_ms` set to what the bare producers have.
    OursLingering,
    /// The bus, with state in memory.
    OursMemory,
    /// The bus, with state in SQLite.
    OursSqlite,
}

/// A contender in a case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) contender: Contender,
    /// What it is called in the table.
    pub(crate) name: &'static str,
    pub(crate) goal: Option<Goal>,
}

/// What we want to see, as a ratio to the first contender of the case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// So many events a second, at least.
    Rate(f64),
    /// Half of the events, and 99 of 100, under way for no longer than this.
    Latency {
        /// Half of them.
        p50: f64,
        /// 99 of 100.
        p99: f64,
    },
}

impl Case {
    /// All cases, in the order in which they run.
    pub(crate) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its name on the command line and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Publish => "publish",
            Self::React => "react",
            Self::Silent => "silent",
            Self::Latency => "latency",
            Self::Keyed => "keyed",
            Self::State => "state",
        }
    }

    /// What it is, for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Waiting => "publish, waiting for each answer",
            Self::Publish => "publish, waiting for no answer",
            Self::React => "react and commit, with a receipt for each event",
            Self::Silent => "react and commit, no receipts published",
            Self::Latency => "end to end at 1,000 events a second",
            Self::Keyed => "reactions of 5 ms, over 10,000 keys",
            Self::State => "react by changing a record, with receipts",
        }
    }

    /// Who contends. The others are compared with the first.
    pub(crate) fn entries(self) -> &'static [Entry] {
        use Contender::{Bare, BarePlain, Ours, OursLingering, OursMemory, OursSilent, OursSqlite};
        const fn entry(contender: Contender, name: &'static str, goal: Option<Goal>) -> Entry {
            Entry {
                contender,
                name,
                goal,
            }
        }
        const fn rate(goal: f64) -> Option<Goal> {
            Some(Goal::Rate(goal))
        }
        const WAITING: &[Entry] = &[
            entry(Bare, "FutureProducer", None),
            entry(BarePlain, "FutureProducer, no headers", None),
            entry(Ours, "quadrille", rate(0.95)),
            entry(OursLingering, "quadrille, linger 5 ms", None),
        ];
        const PUBLISH: &[Entry] = &[
            entry(Bare, "ThreadedProducer", None),
            entry(BarePlain, "ThreadedProducer, no headers", None),
            entry(Ours, "quadrille", rate(0.85)),
            entry(OursLingering, "quadrille, linger 5 ms", None),
        ];
        const REACT: &[Entry] = &[
            entry(Bare, "consume and produce one", None),
            entry(BarePlain, "the same, no headers", None),
            entry(Ours, "quadrille", rate(0.7)),
            entry(OursLingering, "quadrille, linger 5 ms", None),
        ];
        const SILENT: &[Entry] = &[
            entry(Bare, "BaseConsumer", None),
            entry(OursSilent, "quadrille", rate(0.5)),
        ];
        const JOURNEY: Option<Goal> = Some(Goal::Latency { p50: 1.2, p99: 1.5 });
        const LATENCY: &[Entry] = &[
            entry(Bare, "ThreadedProducer, StreamConsumer", None),
            entry(Ours, "quadrille", JOURNEY),
            entry(OursSilent, "quadrille, no receipts", JOURNEY),
        ];
        const KEYED: &[Entry] = &[
            entry(Bare, "loop with a lane per key", None),
            entry(Ours, "quadrille", rate(0.9)),
            entry(OursSilent, "quadrille, no receipts", rate(0.9)),
        ];
        const STATE: &[Entry] = &[
            entry(Bare, "a SQLite transaction for each event", None),
            entry(OursSqlite, "quadrille, state in SQLite", rate(20.0)),
            entry(OursMemory, "quadrille, state in memory", None),
            entry(Ours, "quadrille, no state", None),
        ];
        match self {
            Self::Waiting => WAITING,
            Self::Publish => PUBLISH,
            Self::React => REACT,
            Self::Silent => SILENT,
            Self::Latency => LATENCY,
            Self::Keyed => KEYED,
            Self::State => STATE,
        }
    }

    /// Whether it reads what was stored before.
    pub(crate) fn reads_stored(self) -> bool {
        match self {
            Self::React | Self::Silent | Self::Keyed | Self::State => true,
            Self::Waiting | Self::Publish | Self::Latency => false,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "at least {rate}"),
            Self::Latency { p50, p99 } => write!(f, "p50 at most {p50}, p99 at most {p99}"),
        }
    }
}

impl Goal {
    /// Whether these ratios reach it: of rates, of medians, of the slowest hundredth.
    pub(crate) fn is_reached(self, rate: f64, p50_ratio: f64, p99_ratio: f64) -> bool {
        match self {
            Self::Rate(goal) => rate >= goal,
            Self::Latency { p50, p99 } => p50_ratio <= p50 && p99_ratio <= p99,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_somebody_to_be_compared_with() {
        // Shows that names agree with those of the command line, that nobody stands twice in a case,
        // and that nobody is compared with himself.
        for case in Case::all() {
            let value = case.to_possible_value().unwrap();
            assert_eq!(value.get_name(), case.name());
            let json = serde_json::to_string(case).unwrap();
            assert_eq!(json, format!("\"{}\"", case.name()));
            let mut contenders: Vec<_> = case.entries().iter().map(|e| e.contender).collect();
            assert!(contenders.len() > 1);
            contenders.sort_unstable();
            contenders.dedup();
            assert_eq!(contenders.len(), case.entries().len());
            assert_eq!(case.entries()[0].goal, None);
        }
    }

    #[test]
    fn goals_are_reached_or_missed() {
        // Shows which way each goal counts.
        assert!(Goal::Rate(0.85).is_reached(0.85, 0.0, 0.0));
        assert!(!Goal::Rate(0.85).is_reached(0.84, 0.0, 0.0));
        let latency = Goal::Latency { p50: 1.2, p99: 1.5 };
        assert!(latency.is_reached(0.0, 1.2, 1.5));
        assert!(!latency.is_reached(0.0, 1.3, 1.0));
        assert!(!latency.is_reached(0.0, 1.0, 1.6));
    }
}
