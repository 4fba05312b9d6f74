//! The contract: what a service reacts to, originates and may emit.
//!
//! It falls out of the service's `on` and `originates` lines. Nobody writes it, so it cannot
//! disagree with the code.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::broker::Start;
use crate::event::{Kind, Schema};
use crate::wire;

/// What a service promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contract {
    /// The service's name: its consumer group.
    pub service: String,
    /// Its reactions, by the type of event.
    pub reactions: Vec<Reaction>,
    /// Events that may be born outside a reaction.
    pub originates: Vec<EventType>,
    /// Topics that it owns.
    pub owns: Vec<&'static str>,
    /// Whether it keeps state.
    pub keeps_state: bool,
}

/// One reaction of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// Its name.
    pub name: &'static str,
    /// What it reacts to.
    pub event: EventType,
    /// What it may emit.
    pub emits: Vec<EventType>,
}

/// An event type, as contracts name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventType {
    /// Full protobuf name.
    #[serde(rename = "type")]
    pub name: &'static str,
    /// Its topic.
    pub topic: &'static str,
    /// What it means to its flow.
    pub kind: Kind,
    /// Space of its key.
    pub key_space: &'static str,
    /// The event that undoes its effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compensated_by: Option<&'static str>,
}

impl EventType {
    /// What a contract says of a schema.
    pub(crate) fn of(schema: &Schema) -> Self {
        Self {
            name: schema.wire_type(),
            topic: schema.topic.name,
            kind: schema.kind,
            key_space: schema.key_space,
            compensated_by: schema.compensated_by,
        }
    }

    /// Those of several schemas, in one order, each once.
    pub(crate) fn of_all<'a>(schemas: impl IntoIterator<Item = &'a &'static Schema>) -> Vec<Self> {
        let mut types: Vec<Self> = schemas.into_iter().map(|schema| Self::of(schema)).collect();
        types.sort_by_key(|event| event.name);
        types.dedup();
        types
    }
}

impl Contract {
    /// The contract as JSON, for people and programs.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a contract is plain text and lists")
    }

    /// Equal contracts have equal hashes: the first 16 hexadecimal digits of SHA-256 over the JSON.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.to_json().as_bytes());
        digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The contract as it stands on its topic, with where the service starts to read what is new to it.
    pub(crate) fn published(&self, code_version: &str, start: Start) -> wire::ContractPublished {
        let names = |types: &[EventType]| types.iter().map(|event| event.name.to_owned()).collect();
        let hash = self.hash();
        wire::ContractPublished {
            id: format!("{}/{hash}", self.service),
            service: self.service.clone(),
            hash,
            code_version: code_version.to_owned(),
            reactions: self
                .reactions
                .iter()
                .map(|reaction| wire::Reaction {
                    name: reaction.name.to_owned(),
                    event: reaction.event.name.to_owned(),
                    topic: reaction.event.topic.to_owned(),
                    emits: names(&reaction.emits),
                })
                .collect(),
            originates: names(&self.originates),
            owns: self.owns.iter().map(|topic| (*topic).to_owned()).collect(),
            keeps_state: self.keeps_state,
            start: match start {
                Start::Beginning => "beginning".to_owned(),
                Start::Now => "now".to_owned(),
                Start::At(ms) => Timestamp::from_millisecond(ms)
                    .map_or_else(|_| String::new(), |at| at.to_string()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_service_starts_stands_beside_its_contract_and_not_in_its_hash() {
        let contract = Contract {
            service: "audit".to_owned(),
            reactions: Vec::new(),
            originates: Vec::new(),
            owns: Vec::new(),
            keeps_state: false,
        };
        let start = |start| contract.published("1", start).start;
        assert_eq!(start(Start::Beginning), "beginning");
        assert_eq!(start(Start::Now), "now");
        assert_eq!(start(Start::At(3_600_000)), "1970-01-01T01:00:00Z");
        let hash = |start| contract.published("1", start).hash;
        assert_eq!(hash(Start::Now), hash(Start::Beginning));
    }
}
