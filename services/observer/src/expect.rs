//! Which service reacts to what, as the services' contracts say: with it one can tell a reaction
//! that is still to come from one that nobody will ever make.
//!
//! A service that is new reads what is there already only where its start says so, and one that learns
//! of a type reads on in the topics that it has read before. So each reaction counts from a moment on:
//! older events never come to it, and nobody waits for that.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::seen::{Promised, Receipt};
use crate::types;

/// What is expected of services. Only the newest contract of each counts.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    services: BTreeMap<String, Promises>,
    /// Topics that contracts name.
    topics: BTreeSet<String>,
}

/// What is expected of one service.
#[derive(Debug, Clone, Default, PartialEq)]
struct Promises {
    /// When and where its newest contract was published.
    at: (Timestamp, i64),
    /// The event types that it reacts to.
    reactions: BTreeMap<String, Promise>,
    /// The event types that may be born outside a reaction.
    originates: Vec<String>,
    /// The topics of the types that it reacts to.
    reads: BTreeSet<String>,
}

/// One reaction.
#[derive(Debug, Clone, PartialEq)]
struct Promise {
    emits: Vec<String>,
    /// Older events do not come to it. `None`: all do that are there.
    since: Option<Timestamp>,
}

impl Expected {
    /// Takes note of a contract. Those of a service must come in the order of their topic; one that is
    /// known already, or older, changes nothing. Says whether it changed who reacts to what.
    pub fn note(&mut self, promised: &Promised) -> bool {
        let (contract, at) = (&promised.contract, (promised.at, promised.offset));
        let known = self.services.get(&contract.service);
        // Read again after a start.
        if known.is_some_and(|known| promised.is_before(known.at.0, known.at.1)) {
            return false;
        }
        let reactions = contract.reactions.iter();
        self.topics.extend(contract.owns.iter().cloned());
        let reads = reactions.clone().map(|reaction| reaction.topic.clone());
        let reads: BTreeSet<_> = reads.collect();
        self.topics.extend(reads.iter().cloned());
        let reactions = reactions.map(|reaction| {
            let before = known.and_then(|known| known.reactions.get(&reaction.event));
            let was_read = known.is_some_and(|known| known.reads.contains(&reaction.topic));
            let since = match before {
                Some(before) => before.since,
                None if was_read => Some(promised.at),
                None => start(promised),
            };
            let emits = reaction.emits.clone();
            (reaction.event.clone(), Promise { emits, since })
        });
        let promises = Promises {
            at,
            reactions: reactions.collect(),
            originates: contract.originates.clone(),
            reads,
        };
        let before = self.services.insert(contract.service.clone(), promises);
        let now = &self.services[&contract.service].reactions;
        before.is_none_or(|before| before.reactions != *now)
    }

    /// Takes note of a receipt: whoever has told of an event was there, whatever a contract says that
    /// was published anew since. Says whether that changed since when something is expected.
    pub fn note_receipt(&mut self, receipt: &Receipt) -> bool {
        let service = self.services.get_mut(&receipt.service);
        let promise = service.and_then(|service| service.reactions.get_mut(&receipt.kind));
        match promise {
            Some(promise)
                if promise
                    .since
                    .is_some_and(|since| receipt.started_at < since) =>
            {
                promise.since = Some(receipt.started_at);
                true
            }
            _ => false,
        }
    }

    /// Whether the same is expected of all services.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let (these, those) = (self.services.iter(), other.services.iter());
        these
            .map(|(name, service)| (name, &service.reactions))
            .eq(those.map(|(name, service)| (name, &service.reactions)))
    }

    /// Since when each reaction of a service counts, where that is not always.
    pub(crate) fn since(&self, service: &str) -> BTreeMap<String, Timestamp> {
        let reactions = self.services.get(service).into_iter();
        let reactions = reactions.flat_map(|service| &service.reactions);
        let since = reactions.filter_map(|(kind, promise)| Some((kind.clone(), promise.since?)));
        since.collect()
    }

    /// Takes back what [`Expected::since`] gave, for a contract that was noted alone.
    pub(crate) fn set_since(&mut self, service: &str, since: &BTreeMap<String, Timestamp>) {
        if let Some(service) = self.services.get_mut(service) {
            for (kind, promise) in &mut service.reactions {
                promise.since = since.get(kind).copied();
            }
        }
    }

    /// Whether any contract is known. Without one, nobody can say what is still to come.
    pub fn is_known(&self) -> bool {
        !self.services.is_empty()
    }

    /// The services that react to events of a type.
    pub fn reactors<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let of_kind = move |(service, promises): (&'a String, &'a Promises)| {
            let promise = promises.reactions.get(kind)?;
            Some((service.as_str(), promise))
        };
        let found = self.services.iter().filter_map(of_kind);
        found.map(|(service, _)| service)
    }

    /// The services to which an event of a type comes that came to be then.
    pub fn reactors_at<'a>(
        &'a self,
        kind: &'a str,
        time: Option<Timestamp>,
    ) -> impl Iterator<Item = &'a str> {
        self.reactors(kind).filter(move |service| {
            let since = self.services[*service].reactions[kind].since;
            since.zip(time).is_none_or(|(since, time)| time >= since)
        })
    }

    /// Types that a service may emit when it reacts to one.
    pub fn may_emit(&self, service: &str, kind: &str) -> Vec<String> {
        let service = self.services.get(service);
        let promise = service.and_then(|service| service.reactions.get(kind));
        promise.map_or_else(Vec::new, |promise| promise.emits.clone())
    }

    /// Services that have published a contract.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    /// Types that a service reacts to.
    pub fn reacts_to(&self, service: &str) -> Vec<String> {
        let service = self.services.get(service);
        service.map_or_else(Vec::new, |service| {
            service.reactions.keys().cloned().collect()
        })
    }

    /// All types that a service may emit.
    pub fn all_emitted(&self, service: &str) -> Vec<String> {
        let reactions = self.services.get(service).into_iter();
        let reactions = reactions.flat_map(|service| service.reactions.values());
        let types: BTreeSet<_> = reactions.flat_map(|promise| &promise.emits).collect();
        types.into_iter().cloned().collect()
    }

    /// Types that may be born at a service outside a reaction.
    pub fn originates(&self, service: &str) -> Vec<String> {
        let service = self.services.get(service);
        service.map_or_else(Vec::new, |service| service.originates.clone())
    }

    /// Topics that a service reads.
    pub fn topics_of(&self, service: &str) -> BTreeSet<&str> {
        let topics = self.services.get(service).into_iter();
        let topics = topics.flat_map(|service| &service.reads);
        topics.map(String::as_str).collect()
    }

    /// The topics on which events of flows stand: those of the known types, and those that a
    /// contract names.
    pub fn topics(&self) -> BTreeSet<String> {
        let known = types::all().map(|schema| schema.topic.name.to_owned());
        known.chain(self.topics.iter().cloned()).collect()
    }
}

/// Since when events come to a service that begins to read their topic. Whoever did not tell reads all.
fn start(promised: &Promised) -> Option<Timestamp> {
    match promised.contract.start.as_str() {
        "" | "beginning" => None,
        "now" => Some(promised.at),
        time => time.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
