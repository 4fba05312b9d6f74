//! Limits of the in-memory broker.

use std::time::Duration;

use super::super::{Error, ErrorKind};

/// Limits of the in-memory broker, each with its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Largest record, in bytes of key, value and headers. Default 1 MiB, as Kafka's
    /// `message.max.bytes`.
    pub record_bytes_max: usize,
    /// All records together, in bytes with some 128 for each record's own keeping. Default 512 MiB.
    ///
    /// When it is reached, the oldest records that every consumer group of their topic has behind it
    /// make room, on topics whose retention ends at all. A record that a group has still to read
    /// never makes room: the send is refused, and the error says who is behind.
    pub memory_bytes_max: usize,
    /// Partitions of all topics together. Default 10,000.
    pub partitions_max: usize,
    /// Consumer groups that have members or have committed. Default 1,000.
    pub groups_max: usize,
    /// Records that a consumer or reader gets at once. Default 500, as Kafka's `max.poll.records`.
    pub fetch_records_max: usize,
    /// Bytes of records that a consumer or reader gets at once, as long as that is one record at
    /// least. Default 1 MiB.
    pub fetch_bytes_max: usize,
    /// How long a compacted topic keeps a tombstone for those who read late. Default 24 hours, as
    /// Kafka's `delete.retention.ms`.
    pub tombstones_kept: Duration,
    /// How long a group's offsets are kept after its last member. Default 7 days, as Kafka's
    /// `offsets.retention.minutes`.
    pub offsets_kept: Duration,
    /// How often retention is enforced and old offsets are forgotten. Default one minute.
    pub swept_every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            record_bytes_max: 1024 * 1024,
            memory_bytes_max: 512 * 1024 * 1024,
            partitions_max: 10_000,
            groups_max: 1_000,
            fetch_records_max: 500,
            fetch_bytes_max: 1024 * 1024,
            tombstones_kept: Duration::from_hours(24),
            offsets_kept: Duration::from_hours(7 * 24),
            swept_every: Duration::from_mins(1),
        }
    }
}

impl Config {
    /// Checks the limits against each other.
    pub(super) fn check(&self) -> Result<(), Error> {
        let positive = [
            ("record_bytes_max", self.record_bytes_max),
            ("partitions_max", self.partitions_max),
            ("groups_max", self.groups_max),
            ("fetch_records_max", self.fetch_records_max),
        ];
        for (name, value) in positive {
            if value == 0 {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("{name} of the in-memory broker is 0, it must be at least 1"),
                ));
            }
        }
        if self.memory_bytes_max < self.record_bytes_max {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "memory_bytes_max of the in-memory broker is {}, it must be at least \
                     record_bytes_max, {}",
                    self.memory_bytes_max, self.record_bytes_max
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_agree_with_each_other() {
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn a_limit_that_lets_nothing_through_is_refused_by_name() {
        let none = Config {
            fetch_records_max: 0,
            ..Config::default()
        };
        let error = none.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "fetch_records_max of the in-memory broker is 0, it must be at least 1"
        );
        let tight = Config {
            memory_bytes_max: 10,
            ..Config::default()
        };
        assert!(tight.check().is_err());
    }
}
