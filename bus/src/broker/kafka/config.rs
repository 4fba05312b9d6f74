//! How to reach a Kafka cluster, and how much may be under way to and from it.
//!
//! What the bus promises is not for sale here: all in-sync replicas acknowledge, the producer is
//! idempotent, keys are partitioned as Java does, only committed records are read, and offsets are
//! committed by nobody but the bus. [`options`](super::options) refuses whatever would change that.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::super::{Error, ErrorKind};
use super::options;
use crate::config::Secret;

/// How to reach a Kafka cluster.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Brokers to ask first for the whole cluster: `HOST:PORT`, several with commas between.
    /// Default: `127.0.0.1:9092`.
    pub brokers: String,
    /// What this client is called in the brokers' logs and quotas. Default: `quadrille`.
    pub client_id: String,
    /// Encryption and credentials. Default: neither.
    pub security: Security,
    /// How long a record waits for company in its batch, in milliseconds. Default: 0, as a caller
    /// often waits for the acknowledgement; records that come while a batch is under way still
    /// share the next one.
    pub linger_ms: u32,
    /// Largest batch of records, in bytes. Default: 1,000,000.
    pub batch_bytes_max: u32,
    /// Largest record that is handed to the brokers, in bytes. A topic's `max.message.bytes` must
    /// be as large. Default: 2,097,152.
    pub record_bytes_max: u32,
    /// How batches are compressed. Default: lz4.
    pub compression: Compression,
    /// Records handed over and not yet acknowledged. A sender waits when there are as many.
    /// Default: 20,000.
    pub in_flight_records_max: u32,
    /// Bytes of such records. Default: 67,108,864.
    pub in_flight_bytes_max: u32,
    /// Longest that one request to a broker may take, in milliseconds. Default: 10,000.
    pub request_timeout_ms: u32,
    /// Longest that a question about topics and offsets may take, in milliseconds, several requests
    /// and the way to the broker included. Default: 10,000.
    pub metadata_timeout_ms: u32,
    /// Longest that a record waits for its acknowledgement, in milliseconds, while a broker is away
    /// for instance. Default: 120,000.
    pub delivery_timeout_ms: u32,
    /// How long a topic that was never seen before may be unknown to the brokers until a record for
    /// it is refused, in milliseconds: new topics take a moment to get around. Default: 3,000.
    pub unknown_topic_after_ms: u32,
    /// How often the client asks for new topics and partitions, in milliseconds: a consumer takes a
    /// topic up this long after its creation at the latest. Default: 4,000.
    pub metadata_refresh_ms: u32,
    /// How long fetching rests once enough is prefetched, in milliseconds. Default: 2. The client
    /// library's own default of 1,000 makes a quick consumer wait for most of its time.
    pub prefetch_backoff_ms: u32,
    /// Records to prefetch. Default: 20,000.
    pub prefetch_records_min: u32,
    /// Most that is prefetched, in KiB, overshot by one batch. Default: 32,768.
    pub prefetch_kbytes_max: u32,
    /// Records of partitions that are not paused which a member holds ready for its taker. As many
    /// again may wait of those that are. Default: 10,000.
    pub inbox_records_max: u32,
    /// Bytes of such records, overshot by one batch. Default: 16,777,216.
    pub inbox_bytes_max: u32,
    /// Longest that leaving a group may take, in milliseconds, before it goes on without waiting.
    /// Default: 5,000.
    pub close_timeout_ms: u32,
    /// Further options of librdkafka, by its names. Those that would break what the bus promises,
    /// or that have a field here, are refused. Default: none.
    pub extra: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            client_id: "quadrille".to_owned(),
            security: Security::default(),
            linger_ms: 0,
            batch_bytes_max: 1_000_000,
            record_bytes_max: 2 * 1024 * 1024,
            compression: Compression::Lz4,
            in_flight_records_max: 20_000,
            in_flight_bytes_max: 64 * 1024 * 1024,
            request_timeout_ms: 10_000,
            metadata_timeout_ms: 10_000,
            delivery_timeout_ms: 120_000,
            unknown_topic_after_ms: 3_000,
            metadata_refresh_ms: 4_000,
            prefetch_backoff_ms: 2,
            prefetch_records_min: 20_000,
            prefetch_kbytes_max: 32 * 1024,
            inbox_records_max: 10_000,
            inbox_bytes_max: 16 * 1024 * 1024,
            close_timeout_ms: 5_000,
            extra: BTreeMap::new(),
        }
    }
}

/// Encryption and credentials.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Encrypts the connection. `None`: it is plain.
    pub tls: Option<Tls>,
    /// Says who we are. `None`: nobody.
    pub sasl: Option<Sasl>,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// File with the certificates (PEM) of those who may sign a broker's. `None`: the system's.
    pub ca_file: Option<PathBuf>,
    /// File with our own certificate (PEM), for brokers that want one.
    pub certificate_file: Option<PathBuf>,
    /// File with the key (PEM) to our own certificate.
    pub key_file: Option<PathBuf>,
    /// Password of that key.
    pub key_password: Option<Secret>,
    /// Accepts a broker whose certificate is for another host. Default: false.
    pub accept_any_host: bool,
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// How the password is proven.
    pub mechanism: Mechanism,
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: Secret,
}

/// How a password is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    /// Sent as it is: only over an encrypted connection.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge and response over SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge and response over SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

/// How batches of records are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// Quickest.
    Lz4,
    /// Smallest at good speed.
    Zstd,
    /// For clients that know no other.
    Gzip,
    /// For clients that know no other.
    Snappy,
}

impl Config {
    /// The default limits for the cluster of these brokers.
    pub fn of(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            ..Self::default()
        }
    }

    /// Refuses values that contradict each other, and options that would break a promise.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |why: String| Err(Error::new(ErrorKind::Invalid, why));
        if self.brokers.trim().is_empty() {
            return wrong("`brokers` is empty; name at least one as HOST:PORT".to_owned());
        }
        for (name, value, min) in [
            ("record_bytes_max", self.record_bytes_max, 1_000),
            ("batch_bytes_max", self.batch_bytes_max, 1),
            ("in_flight_records_max", self.in_flight_records_max, 1),
            ("in_flight_bytes_max", self.in_flight_bytes_max, 1),
            ("request_timeout_ms", self.request_timeout_ms, 2_000),
            ("metadata_timeout_ms", self.metadata_timeout_ms, 100),
            ("delivery_timeout_ms", self.delivery_timeout_ms, 100),
            ("metadata_refresh_ms", self.metadata_refresh_ms, 100),
            ("prefetch_records_min", self.prefetch_records_min, 1),
            ("prefetch_kbytes_max", self.prefetch_kbytes_max, 1),
            ("inbox_records_max", self.inbox_records_max, 1),
            ("inbox_bytes_max", self.inbox_bytes_max, 1),
            ("close_timeout_ms", self.close_timeout_ms, 1),
        ] {
            if value < min {
                return wrong(format!("`{name}` is {value}, but must be at least {min}"));
            }
        }
        if self.in_flight_bytes_max < self.record_bytes_max {
            return wrong(format!(
                "`in_flight_bytes_max` is {}, less than `record_bytes_max`, {}: one record must fit",
                self.in_flight_bytes_max, self.record_bytes_max
            ));
        }
        if self.delivery_timeout_ms < self.linger_ms {
            return wrong(format!(
                "`delivery_timeout_ms` is {}, less than `linger_ms`, {}: no record would be sent",
                self.delivery_timeout_ms, self.linger_ms
            ));
        }
        for (option, value) in &self.extra {
            options::check_extra(option, value)?;
        }
        Ok(())
    }

    /// Longest that a question about topics and offsets may take.
    pub(super) fn metadata_timeout(&self) -> Duration {
        Duration::from_millis(self.metadata_timeout_ms.into())
    }

    /// Longest that one request may take.
    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms.into())
    }

    /// Longest that leaving a group may take.
    pub(super) fn close_timeout(&self) -> Duration {
        Duration::from_millis(self.close_timeout_ms.into())
    }
}

/// Without the values in `extra`, of which some may be secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("brokers", &self.brokers)
            .field("client_id", &self.client_id)
            .field("security", &self.security)
            .field("extra", &self.extra.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
