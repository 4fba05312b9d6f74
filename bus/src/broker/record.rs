//! Records as they cross the edge, and the names of topics and partitions.
//!
//! Nothing here interprets a key, a value or a header.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::Headers;

/// Name of a topic: letters, digits, `.`, `_` and `-`, 1 to 249 characters, as Kafka has it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

impl TopicName {
    /// Parses a name. The error says what is wrong with it.
    pub fn parse(name: &str) -> Result<Self, String> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() {
            return Err("a topic name must not be empty".to_owned());
        }
        if name.len() > 249 {
            return Err(format!(
                "topic name `{name}` has {} characters, at most 249 are allowed",
                name.len()
            ));
        }
        if name == "." || name == ".." {
            return Err(format!("`{name}` cannot be a topic name"));
        }
        if let Some(wrong) = name.chars().find(|c| !legal(*c)) {
            return Err(format!(
                "topic name `{name}` contains {wrong:?}, only letters, digits, '.', '_' and '-' \
                 are allowed"
            ));
        }
        Ok(Self(name.into()))
    }

    /// A name that the code generator has already checked.
    pub(crate) fn checked(name: &str) -> Self {
        debug_assert!(
            Self::parse(name).is_ok(),
            "topic name {name} was checked at build time"
        );
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One partition of one topic. Displayed as `orders-3`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// Number of the partition, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Names a partition.
    pub fn new(topic: TopicName, partition: i32) -> Self {
        Self { topic, partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A record on its way to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Topic to publish to.
    pub topic: TopicName,
    /// Partition. `None`: murmur2 of the key, as Java's default partitioner has it, or any
    /// partition where there is no key.
    pub partition: Option<i32>,
    /// The key. `None`: null.
    pub key: Option<Bytes>,
    /// The value. `None`: a tombstone.
    pub value: Option<Bytes>,
    /// The headers.
    pub headers: Headers,
    /// Timestamp in milliseconds since 1970. `None`: the time of sending.
    pub timestamp_ms: Option<i64>,
}

impl Outgoing {
    /// Bytes of key, value and headers together.
    pub fn size(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len)
            + self.value.as_ref().map_or(0, Bytes::len)
            + self.headers.size()
    }
}

/// A record that came from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Where it stands.
    pub partition: TopicPartition,
    /// Its offset.
    pub offset: i64,
    /// Timestamp in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The key. `None`: null.
    pub key: Option<Bytes>,
    /// The value. `None`: a tombstone.
    pub value: Option<Bytes>,
    /// The headers.
    pub headers: Headers,
}

impl Incoming {
    /// Bytes that the record takes in memory, roughly.
    pub fn size(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len)
            + self.value.as_ref().map_or(0, Bytes::len)
            + self.headers.size()
    }
}

/// Where a published record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the partition.
    pub partition: i32,
    /// Offset in it.
    pub offset: i64,
}
