//! Which service reacts to what, as the services' contracts say: with it one can tell a reaction
//! that is still to come from one that nobody will ever make.

use std::collections::{BTreeMap, BTreeSet};

use quadrille::wire::ContractPublished;

use crate::types;

/// What is expected of services. Only the newest contract of each counts.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// By service: the event types that it reacts to, with those that it may emit.
    reactions: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// By service: the event types that may be born outside a reaction.
    originates: BTreeMap<String, Vec<String>>,
    /// By service: the topics of the types that it reacts to.
    reads: BTreeMap<String, BTreeSet<String>>,
    /// Topics that contracts name.
    topics: BTreeSet<String>,
}

impl Expected {
    /// Takes note of a contract. Contracts must come in the order of their topic.
    /// Says whether they changed who reacts to what.
    pub fn note(&mut self, contract: &ContractPublished) -> bool {
        let reactions = contract.reactions.iter();
        self.topics.extend(contract.owns.iter().cloned());
        self.topics
            .extend(reactions.clone().map(|reaction| reaction.topic.clone()));
        let service = &contract.service;
        self.originates
            .insert(service.clone(), contract.originates.clone());
        let read = reactions.clone().map(|reaction| reaction.topic.clone());
        self.reads.insert(service.clone(), read.collect());
        let reactions = reactions.map(|reaction| (reaction.event.clone(), reaction.emits.clone()));
        let reactions: BTreeMap<_, _> = reactions.collect();
        let before = self.reactions.insert(contract.service.clone(), reactions);
        before.as_ref() != self.reactions.get(&contract.service)
    }

    /// Whether any contract is known. Without one, nobody can say what is still to come.
    pub fn is_known(&self) -> bool {
        !self.reactions.is_empty()
    }

    /// The services that react to a type.
    pub fn reactors<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.reactions
            .iter()
            .filter(move |(_, types)| types.contains_key(kind))
            .map(|(service, _)| service.as_str())
    }

    /// Types that a service may emit when it reacts to one.
    pub fn may_emit(&self, service: &str, kind: &str) -> Vec<String> {
        let reactions = self.reactions.get(service);
        let emits = reactions.and_then(|reactions| reactions.get(kind));
        emits.cloned().unwrap_or_default()
    }

    /// Services that have published a contract.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.reactions.keys().map(String::as_str)
    }

    /// Types that a service reacts to.
    pub fn reacts_to(&self, service: &str) -> Vec<String> {
        let reactions = self.reactions.get(service);
        reactions.map_or_else(Vec::new, |reactions| reactions.keys().cloned().collect())
    }

    /// All types that a service may emit.
    pub fn all_emitted(&self, service: &str) -> Vec<String> {
        let reactions = self.reactions.get(service).into_iter().flatten();
        let types: BTreeSet<_> = reactions.flat_map(|(_, emits)| emits).collect();
        types.into_iter().cloned().collect()
    }

    /// Types that may be born at a service outside a reaction.
    pub fn originates(&self, service: &str) -> Vec<String> {
        self.originates.get(service).cloned().unwrap_or_default()
    }

    /// Topics that a service reads.
    pub fn topics_of(&self, service: &str) -> BTreeSet<&str> {
        let topics = self.reads.get(service).into_iter().flatten();
        topics.map(String::as_str).collect()
    }

    /// The topics on which events of flows stand: those of the known types, and those that a
    /// contract names.
    pub fn topics(&self) -> BTreeSet<String> {
        let known = types::all().map(|schema| schema.topic.name.to_owned());
        known.chain(self.topics.iter().cloned()).collect()
    }
}
