//! Which service reacts to what, as the services' contracts say: with it one can tell a reaction
//! that is still to come from one that nobody will ever make.

use std::collections::{BTreeMap, BTreeSet};

use quadrille::wire::ContractPublished;

use crate::types;

/// What is expected of services. Only the newest contract of each counts.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// By service: the event types that it reacts to.
    reactions: BTreeMap<String, BTreeSet<String>>,
    /// Topics that contracts name.
    topics: BTreeSet<String>,
}

impl Expected {
    /// Takes note of a contract. Contracts must come in the order of their topic.
    pub fn note(&mut self, contract: &ContractPublished) {
        let reactions = contract.reactions.iter();
        self.topics.extend(contract.owns.iter().cloned());
        self.topics
            .extend(reactions.clone().map(|reaction| reaction.topic.clone()));
        self.reactions.insert(
            contract.service.clone(),
            reactions.map(|reaction| reaction.event.clone()).collect(),
        );
    }

    /// Whether any contract is known. Without one, nobody can say what is still to come.
    pub fn is_known(&self) -> bool {
        !self.reactions.is_empty()
    }

    /// The services that react to a type.
    pub fn reactors<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.reactions
            .iter()
            .filter(move |(_, types)| types.contains(kind))
            .map(|(service, _)| service.as_str())
    }

    /// The topics on which events of flows stand: those of the known types, and those that a
    /// contract names.
    pub fn topics(&self) -> BTreeSet<String> {
        let known = types::all().map(|schema| schema.topic.name.to_owned());
        known.chain(self.topics.iter().cloned()).collect()
    }
}
