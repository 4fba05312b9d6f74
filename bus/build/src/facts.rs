//! What the schemas say about events, once it is known to be right.
//!
//! The generator takes its facts from here and validates nothing again.

use std::time::Duration;

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::options::Kind;

/// The events of the files that are to be generated.
pub(crate) struct Facts {
    pub(crate) events: Vec<Event>,
}

/// One event type.
pub(crate) struct Event {
    pub(crate) message: MessageDescriptor,
    pub(crate) topic: Topic,
    pub(crate) kind: Kind,
    pub(crate) key: FieldDescriptor,
    pub(crate) key_space: String,
    pub(crate) compensated_by: Option<String>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) reads: Option<String>,
    pub(crate) sensitive: Vec<String>,
}

/// One declared topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) owner: Option<String>,
    pub(crate) partitions: u32,
    pub(crate) replication: Option<u32>,
    pub(crate) retention: Retention,
    /// Full names of the events on it, those of imported files too.
    pub(crate) events: Vec<String>,
}

/// How long a topic keeps its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retention {
    For(Duration),
    Forever,
    Compacted,
}

/// What must follow an event in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) after: Duration,
    pub(crate) unless_any: Vec<String>,
    pub(crate) emits: String,
}
