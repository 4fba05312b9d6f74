//! Ids of events, flows and effects, and how they are derived.
//!
//! An id that follows from another is a UUID version 5 (RFC 9562) under one namespace of ours, over
//! its parts in order, each as UTF-8 bytes behind their length as a 32-bit big-endian number. The
//! length keeps `("a", "bc")` and `("ab", "c")` apart. The same cause therefore always gives the same
//! id, in every process and after every crash, which is what lets a reader tell a repetition from
//! a new event. An id with no cause is a UUID version 7 from the world's clock and randomness.
//!
//! Ids from outside are kept as they are: CloudEvents allows any non-empty string.

use std::fmt;
use std::sync::Arc;

use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use crate::world::World;

/// Namespace of all derived ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x8d3f_5c0e_2b7a_5e41_9a64_71c2_0f6b_93d8);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes an id as it is.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Id of an event, unique together with its [`Source`] (`ce_id`).
    EventId
}
text_id! {
    /// Id of a flow: all events with one correlation id (`ce_correlationid`).
    FlowId
}
text_id! {
    /// Who published an event (`ce_source`), e.g. `/quadrille/inventory`.
    Source
}
text_id! {
    /// An idempotency key for a call to the outside, the same on every attempt.
    EffectKey
}

impl EventId {
    /// A new id without a cause: a UUIDv7.
    pub fn root(world: &dyn World) -> Self {
        Self(text(root(world)))
    }

    /// Id of the `nth` event (from 0) of one type and key that `service` emits because of one event.
    pub fn caused(cause: &Caused<'_>, kind: &str, key: &str, nth: usize) -> Self {
        let nth = nth.to_string();
        let parts = [
            cause.source.as_str(),
            cause.id.as_str(),
            cause.service,
            kind,
            key,
            nth.as_str(),
        ];
        Self(text(derived(&parts)))
    }
}

/// What an emitted event's id is derived from, besides the event itself.
#[derive(Debug, Clone, Copy)]
pub struct Caused<'a> {
    /// Source of the event that is the cause.
    pub source: &'a Source,
    /// Id of the event that is the cause.
    pub id: &'a EventId,
    /// Service that reacts.
    pub service: &'a str,
}

impl FlowId {
    /// A flow that nothing led to.
    pub fn root(world: &dyn World) -> Self {
        Self(text(root(world)))
    }

    /// The flow of an event from outside that names none: every reader derives the same.
    pub fn of_event(source: &Source, id: &EventId) -> Self {
        Self(text(derived(&[source.as_str(), id.as_str()])))
    }

    /// The flow of a business key, e.g. of order `4711` in the key space `order`.
    pub fn of_key(space: &str, key: &str) -> Self {
        Self(text(derived(&["flow", space, key])))
    }
}

impl Source {
    /// The source of events that a service publishes.
    pub fn of_service(name: &str) -> Self {
        Self(format!("/quadrille/{name}").into())
    }
}

impl EffectKey {
    /// Key of the `nth` outside call (from 0) that `service` makes because of one event.
    pub fn caused(cause: &Caused<'_>, nth: u32) -> Self {
        let nth = nth.to_string();
        let parts = [
            cause.source.as_str(),
            cause.id.as_str(),
            cause.service,
            "effect",
            &nth,
        ];
        Self(text(derived(&parts)))
    }
}

fn text(id: Uuid) -> Arc<str> {
    let mut buffer = Uuid::encode_buffer();
    Arc::from(&*id.hyphenated().encode_lower(&mut buffer))
}

fn root(world: &dyn World) -> Uuid {
    let millis = u64::try_from(world.now().as_millisecond()).unwrap_or(0);
    let (high, low) = (world.random().to_be_bytes(), world.random().to_be_bytes());
    let random = [
        high[0], high[1], low[0], low[1], low[2], low[3], low[4], low[5], low[6], low[7],
    ];
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

fn derived(parts: &[&str]) -> Uuid {
    let mut hash = Sha1::new_with_prefix(NAMESPACE);
    for part in parts {
        let length = u32::try_from(part.len()).expect("ids and names are far below 4 GiB");
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    // As RFC 9562 has it, and what `Uuid::new_v5` does; but that has no fast SHA-1.
    let digest: [u8; 20] = hash.finalize().into();
    uuid::Builder::from_sha1_bytes(digest[..16].try_into().expect("it has 20")).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause<'a>(source: &'a Source, id: &'a EventId) -> Caused<'a> {
        Caused {
            source,
            id,
            service: "inventory",
        }
    }

    #[test]
    fn the_same_cause_gives_the_same_id_for_ever() {
        // Shows that a derived id is pinned: changing the derivation would break every inbox. The
        // value was computed by another implementation, from the module's description.
        let (source, id) = (Source::of_service("orders"), EventId::new("1"));
        let emitted = EventId::caused(
            &cause(&source, &id),
            "inventory.v1.StockReserved",
            "4711",
            0,
        );
        assert_eq!(emitted.as_str(), "542e177d-49ef-5d9c-87a1-981c9a867006");
    }

    #[test]
    fn every_part_counts() {
        // Shows that no two different sets of parts share an id, also where their texts join alike.
        let (source, id) = (Source::new("/a"), EventId::new("1"));
        let base = EventId::caused(&cause(&source, &id), "T", "k", 0);
        let others = [
            EventId::caused(&cause(&Source::new("/a1"), &EventId::new("")), "T", "k", 0),
            EventId::caused(&cause(&source, &EventId::new("2")), "T", "k", 0),
            EventId::caused(
                &Caused {
                    service: "x",
                    ..cause(&source, &id)
                },
                "T",
                "k",
                0,
            ),
            EventId::caused(&cause(&source, &id), "Tk", "", 0),
            EventId::caused(&cause(&source, &id), "T", "k", 1),
        ];
        for other in others {
            assert_ne!(base, other);
        }
    }
}
