//! Compensation coverage: each step of each path fails, and what came before is undone, or named.
//!
//! An effect is an event with a compensator (`compensated_by`). A step fails in one of three ways: its
//! reaction emits an event of kind FAILURE; an event that is born outside undoes the flow, such as a
//! withdrawal; or its reaction cannot handle the event at all, so that this is parked. In the first
//! two ways the compensator must follow. In the third the flow waits for a person, and so do its
//! effects: they are named.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quadrille::contract::Contract;
use quadrille::event::Kind;
use quadrille::id::FlowId;

use crate::end::{End, short};

/// How a step fails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fails {
    /// By this event.
    By(&'static str),
    /// A service cannot handle an event of this type.
    Parked {
        /// The service.
        service: String,
        /// The type.
        event: &'static str,
    },
}

/// An effect, and a step that fails behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// Full name of the effect's type.
    pub effect: &'static str,
    /// Full name of the event that undoes it.
    pub undone_by: &'static str,
    /// What fails.
    pub fails: Fails,
}

/// How often a case was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Flows in which the effect stands, and the step failed.
    pub seen: u64,
    /// Those in which the effect was undone.
    pub undone: u64,
}

/// All cases that the contracts allow, with what was seen of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The cases.
    pub cases: BTreeMap<Case, Count>,
}

impl Coverage {
    /// The cases that these contracts allow.
    pub fn of(contracts: &[Contract]) -> Self {
        let graph = Graph::of(contracts);
        let mut cases = BTreeMap::new();
        for (effect, undone_by) in &graph.effects {
            let after = graph.after(effect);
            let undoing: BTreeSet<&'static str> = graph.undoing(effect, undone_by);
            let failing = graph.failures.intersection(&after);
            let by = failing.chain(&undoing).map(|event| Fails::By(event));
            let parked = graph.reactions.iter().filter_map(|(service, event)| {
                let behind = event == effect || after.contains(event) || undoing.contains(event);
                // What reacts to the end of a flow, or to what undoes, comes after all that fails.
                (behind && !graph.ends.contains(event)).then(|| Fails::Parked {
                    service: service.clone(),
                    event,
                })
            });
            for fails in by.chain(parked) {
                let case = Case {
                    effect,
                    undone_by,
                    fails,
                };
                cases.insert(case, Count::default());
            }
        }
        Self { cases }
    }

    /// Adds what is seen at the end of a run.
    pub fn add(&mut self, end: &End) {
        let mut flows: BTreeMap<&FlowId, Flow<'_>> = BTreeMap::new();
        for placed in &end.events {
            let flow = flows.entry(&placed.envelope.flow).or_default();
            flow.types.insert(&placed.envelope.kind);
        }
        for placed in &end.parked {
            let topic = placed.record.partition.topic.as_str();
            let service = topic.split('.').nth(1).unwrap_or_default();
            let flow = flows.entry(&placed.envelope.flow).or_default();
            flow.parked.insert((service, &placed.envelope.kind));
        }
        for (case, count) in &mut self.cases {
            for flow in flows.values() {
                let failed = match &case.fails {
                    // A flow that waits for a person is counted where it waits.
                    Fails::By(event) => flow.types.contains(event) && flow.parked.is_empty(),
                    Fails::Parked { service, event } => {
                        flow.parked.contains(&(service.as_str(), *event))
                    }
                };
                if failed && flow.types.contains(case.effect) {
                    count.seen += 1;
                    count.undone += u64::from(flow.types.contains(case.undone_by));
                }
            }
        }
    }

    /// Adds what was seen elsewhere.
    pub(crate) fn join(&mut self, other: &Self) {
        for (case, count) in &other.cases {
            let sum = self.cases.entry(case.clone()).or_default();
            sum.seen += count.seen;
            sum.undone += count.undone;
        }
    }

    /// The cases in which the flow goes on by itself, so that the effect must be undone.
    pub fn undoing(&self) -> impl Iterator<Item = (&Case, &Count)> {
        let cases = self.cases.iter();
        cases.filter(|(case, _)| matches!(case.fails, Fails::By(_)))
    }

    /// Whether an effect was not undone where it must be. What was not seen has not failed.
    pub fn has_failed(&self) -> bool {
        self.undoing().any(|(_, count)| count.undone < count.seen)
    }

    /// How many of a hundred of these were seen, and the effect was undone each time.
    pub fn percent(&self) -> f64 {
        let covered = self
            .undoing()
            .filter(|(_, count)| count.is_covered())
            .count();
        match self.undoing().count() {
            0 => 100.0,
            all => 100.0 * covered as f64 / all as f64,
        }
    }
}

impl Count {
    /// Whether it was seen, and the effect was undone each time.
    pub fn is_covered(&self) -> bool {
        self.seen > 0 && self.seen == self.undone
    }
}

#[derive(Default)]
struct Flow<'a> {
    types: BTreeSet<&'a str>,
    parked: BTreeSet<(&'a str, &'a str)>,
}

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(event) => f.write_str(short(event)),
            Self::Parked { service, event } => {
                write!(f, "{service} parks {}", short(event))
            }
        }
    }
}

/// A table, and the percentage.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<18} {:<32} {:>6} {:>7}  ",
            "effect", "what fails behind it", "flows", "undone"
        )?;
        for (case, count) in &self.cases {
            let judged = match (&case.fails, count) {
                (_, Count { seen: 0, .. }) => "not seen".to_owned(),
                (Fails::By(_), count) if count.is_covered() => {
                    format!("by {}", short(case.undone_by))
                }
                (Fails::By(_), _) => "NOT undone each time".to_owned(),
                (Fails::Parked { .. }, count) if count.is_covered() => {
                    format!("by {}, all the same", short(case.undone_by))
                }
                (Fails::Parked { .. }, _) => "stands until somebody mends it".to_owned(),
            };
            writeln!(
                f,
                "{:<18} {:<32} {:>6} {:>7}  {judged}",
                short(case.effect),
                case.fails.to_string(),
                count.seen,
                count.undone
            )?;
        }
        writeln!(
            f,
            "{:.0} % of {} failures that a flow gets over by itself are undone",
            self.percent(),
            self.undoing().count()
        )
    }
}

/// What follows from what, as the contracts say.
struct Graph {
    effects: BTreeMap<&'static str, &'static str>,
    failures: BTreeSet<&'static str>,
    ends: BTreeSet<&'static str>,
    born: BTreeSet<&'static str>,
    reactions: BTreeSet<(String, &'static str)>,
    next: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Graph {
    fn of(contracts: &[Contract]) -> Self {
        let mut graph = Self {
            effects: BTreeMap::new(),
            failures: BTreeSet::new(),
            ends: BTreeSet::new(),
            born: BTreeSet::new(),
            reactions: BTreeSet::new(),
            next: BTreeMap::new(),
        };
        for contract in contracts {
            graph
                .born
                .extend(contract.originates.iter().map(|event| event.name));
            for reaction in &contract.reactions {
                let event = reaction.event.name;
                graph.reactions.insert((contract.service.clone(), event));
                let next = graph.next.entry(event).or_default();
                next.extend(reaction.emits.iter().map(|event| event.name));
            }
            let emitted = contract.reactions.iter().flat_map(|r| &r.emits);
            for event in emitted.chain(&contract.originates) {
                if let Some(by) = event.compensated_by {
                    graph.effects.insert(event.name, by);
                    // What undoes comes behind the failure.
                    graph.ends.insert(by);
                }
                match event.kind {
                    Kind::Failure => drop(graph.failures.insert(event.name)),
                    Kind::Outcome | Kind::Notice => drop(graph.ends.insert(event.name)),
                    Kind::Fact => {}
                }
            }
        }
        graph
    }

    /// Events that are born outside and can come to the compensator, but not to the effect.
    fn undoing(&self, effect: &str, undone_by: &str) -> BTreeSet<&'static str> {
        let born = self.born.iter().copied();
        born.filter(|born| {
            let after = self.after(born);
            *born != effect && after.contains(undone_by) && !after.contains(effect)
        })
        .collect()
    }

    /// All that can follow from an event.
    fn after(&self, event: &str) -> BTreeSet<&'static str> {
        let mut found = BTreeSet::new();
        let mut look: Vec<&str> = vec![event];
        while let Some(event) = look.pop() {
            for next in self.next.get(event).into_iter().flatten() {
                if found.insert(*next) {
                    look.push(next);
                }
            }
        }
        found
    }
}
