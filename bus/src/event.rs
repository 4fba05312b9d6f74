//! What an event is: one protobuf message type with a topic, a key and a meaning to its flow.
//!
//! The code generator (`quadrille-build`) implements [`Event`] from the options in the `.proto`
//! file, so that a topic, a key or a kind is said in one place only. Nothing here is written by
//! hand in a service.

#[doc(hidden)]
pub mod mask;

use std::borrow::Cow;
use std::time::Duration;

/// A fact in the past tense: one protobuf message type that is published to one topic.
///
/// Implemented by generated code. The message's `Debug` masks the fields marked `sensitive`.
pub trait Event: prost::Message + Default + Clone + PartialEq + 'static {
    /// What the `.proto` file says about the event.
    const SCHEMA: &'static Schema;

    /// The event's key as it stands on the Kafka record: UTF-8, integers in decimal.
    fn key(&self) -> Cow<'_, str>;
}

/// What the `.proto` file says about one event type.
#[derive(Debug)]
pub struct Schema {
    /// Full protobuf name of the message, e.g. `orders.v1.OrderPlaced`.
    pub name: &'static str,
    /// Topic that the event is published to.
    pub topic: &'static Topic,
    /// What the event means to its flow.
    pub kind: Kind,
    /// Name of the key field.
    pub key_field: &'static str,
    /// Key space of the key field. Keys of different spaces never match.
    pub key_space: &'static str,
    /// Full name of the event that undoes this one's effect.
    pub compensated_by: Option<&'static str>,
    /// What must follow in time.
    pub deadline: Option<Deadline>,
    /// Full name of the event of another owner of which this message reads a part.
    pub reads: Option<&'static str>,
    /// Names of the fields that are masked in logs and pages, as dotted paths.
    pub sensitive: &'static [&'static str],
    /// The encoded `FileDescriptorSet` that describes the message and all that it uses.
    pub descriptors: &'static [u8],
}

impl Schema {
    /// The type that stands in `ce_type`: that of the event read, where the message is a reader's.
    pub fn wire_type(&self) -> &'static str {
        self.reads.unwrap_or(self.name)
    }
}

/// What an event means to its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something happened, and somebody reacts to it.
    Fact,
    /// Something did not work out: effects before it are to be undone.
    Failure,
    /// Ends a flow. May have reactors.
    Outcome,
    /// Told for the record: nobody need react.
    Notice,
}

/// Something must follow an event in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// How long after the event.
    pub after: Duration,
    /// Full names of the events of which any one meets the deadline.
    pub unless_any: &'static [&'static str],
    /// Full name of the event that is emitted when the deadline has passed.
    pub emits: &'static str,
}

/// A topic as a `.proto` file declares it.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    /// The topic's name on the broker.
    pub name: &'static str,
    /// The service that creates the topic. `None`: owned elsewhere, checked but never created.
    pub owner: Option<&'static str>,
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of each partition. `None`: the broker's default.
    pub replication: Option<i32>,
    /// How long events are kept.
    pub retention: Retention,
    /// Full names of the events that are declared to be on it.
    pub events: &'static [&'static str],
}

impl std::fmt::Display for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::For(time) => write!(f, "for {} s", time.as_secs()),
            Self::Forever => f.write_str("for ever"),
            Self::Compacted => f.write_str("by key, the newest of each"),
        }
    }
}

/// How long a topic keeps its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// For this long.
    For(Duration),
    /// For ever.
    Forever,
    /// The newest event of each key, for ever.
    Compacted,
}

/// Includes what `quadrille_build::compile` generated: a module for each package, `DESCRIPTORS` and
/// `EVENTS`.
///
/// ```text
/// quadrille::include_events!();
///
/// use orders::v1::OrderPlaced;
/// ```
#[macro_export]
macro_rules! include_events {
    () => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/quadrille.rs"));
    };
}
