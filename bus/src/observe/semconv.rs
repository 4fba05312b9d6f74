//! Names of attributes, as OpenTelemetry's conventions for messaging have them, and as we do.
//!
//! The conventions are in development: version 1.45 has other names for what is Kafka's than those
//! before it. So the names are ours to keep, here, and a profile says which are used. Ours begin with
//! `bus.`; what they may hold is listed in `docs/telemetry.md`.

use opentelemetry::{Key, KeyValue, Value};

/// Which names attributes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Semconv {
    /// Those of version 1.45 of the conventions.
    V1_45,
    /// Those of version 1.42, for a back end that still looks for them.
    V1_42,
    /// Both, where they differ.
    Dup,
}

/// What this bus speaks, on Kafka and on the broker in memory that stands in for it.
const SYSTEM: &str = "kafka";

pub(super) const OPERATION_NAME: &str = "messaging.operation.name";
pub(super) const OPERATION_TYPE: &str = "messaging.operation.type";
pub(super) const DESTINATION: &str = "messaging.destination.name";
pub(super) const PARTITION: &str = "messaging.destination.partition.id";
pub(super) const GROUP: &str = "messaging.consumer.group.name";
pub(super) const MESSAGE_ID: &str = "messaging.message.id";
pub(super) const CONVERSATION_ID: &str = "messaging.message.conversation_id";
pub(super) const CLIENT_ID: &str = "messaging.client.id";
pub(super) const SERVER_ADDRESS: &str = "server.address";
pub(super) const SERVER_PORT: &str = "server.port";
pub(super) const ERROR_TYPE: &str = "error.type";

pub(super) const EVENT_ID: &str = "cloudevents.event_id";
pub(super) const EVENT_SOURCE: &str = "cloudevents.event_source";
pub(super) const EVENT_SPEC_VERSION: &str = "cloudevents.event_spec_version";
pub(super) const EVENT_TYPE: &str = "cloudevents.event_type";

pub(super) const REACTION: &str = "bus.reaction";
pub(super) const CAUSATION_ID: &str = "bus.causation_id";
pub(super) const ATTEMPT: &str = "bus.retry.attempt";
pub(super) const ATTEMPTS_MAX: &str = "bus.retry.max";
pub(super) const OUTCOME: &str = "bus.outcome";
pub(super) const LINK_KIND: &str = "bus.link.kind";
pub(super) const REASON: &str = "bus.reason";

/// A name that differs between versions. `None`: that version has no such attribute.
#[derive(Clone, Copy)]
pub(super) struct Renamed {
    old: Option<&'static str>,
    new: &'static str,
}

pub(super) const SYSTEM_NAME: Renamed = Renamed {
    old: Some("messaging.system"),
    new: "messaging.system.name",
};
pub(super) const MESSAGE_KEY: Renamed = Renamed {
    old: Some("messaging.kafka.message.key"),
    new: "kafka.message.key",
};
pub(super) const OFFSET: Renamed = Renamed {
    old: Some("messaging.kafka.offset"),
    new: "kafka.offset",
};
pub(super) const CLUSTER_ID: Renamed = Renamed {
    old: None,
    new: "kafka.cluster.id",
};

impl Semconv {
    /// Where the names are described. `None`: they are of two versions.
    pub fn schema_url(self) -> Option<&'static str> {
        match self {
            Self::V1_45 => Some("https://opentelemetry.io/schemas/1.45.0"),
            Self::V1_42 => Some("https://opentelemetry.io/schemas/1.42.0"),
            Self::Dup => None,
        }
    }

    /// Adds an attribute under the names that the profile has for it.
    pub(super) fn put(self, to: &mut Vec<KeyValue>, name: Renamed, value: impl Into<Value>) {
        let value = value.into();
        let (old, new) = match self {
            Self::V1_45 => (None, Some(name.new)),
            Self::V1_42 => (name.old, None),
            Self::Dup => (name.old, Some(name.new)),
        };
        for name in [old, new].into_iter().flatten() {
            to.push(KeyValue::new(Key::from_static_str(name), value.clone()));
        }
    }

    /// Says what kind of messaging system this is.
    pub(super) fn put_system(self, to: &mut Vec<KeyValue>) {
        self.put(to, SYSTEM_NAME, SYSTEM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_the_names_of_its_version() {
        // Shows renamed ones, one that only the new version has, and the schema of each.
        let cases = [
            (
                Semconv::V1_45,
                &["messaging.system.name", "kafka.offset", "kafka.cluster.id"][..],
                Some("https://opentelemetry.io/schemas/1.45.0"),
            ),
            (
                Semconv::V1_42,
                &["messaging.system", "messaging.kafka.offset"],
                Some("https://opentelemetry.io/schemas/1.42.0"),
            ),
            (
                Semconv::Dup,
                &[
                    "messaging.system",
                    "messaging.system.name",
                    "messaging.kafka.offset",
                    "kafka.offset",
                    "kafka.cluster.id",
                ],
                None,
            ),
        ];
        for (profile, names, schema) in cases {
            let mut put = Vec::new();
            profile.put_system(&mut put);
            profile.put(&mut put, OFFSET, 7_i64);
            profile.put(&mut put, CLUSTER_ID, "c");
            let found: Vec<_> = put.iter().map(|pair| pair.key.as_str()).collect();
            assert_eq!(found, names);
            assert_eq!(profile.schema_url(), schema);
        }
    }
}
