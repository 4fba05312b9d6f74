//! Layered configuration: defaults, a file, the environment, flags. Later ones win.
//!
//! Which options there are, of what type and with which default, is said in `config.toml` files
//! that the program carries ([`Layout`]), and nowhere else; the structs here are what the bus reads
//! them into. An unknown option, a value of the wrong type or out of its range, and limits that do
//! not fit each other are errors that name the place and the mend, all of them at once. Nothing
//! is opened or contacted here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::broker::{Assignor, Start};
use crate::world::KillAt;

mod draft;
mod error;
mod file;
mod flags;
pub mod folder;
mod forms;
mod layout;
mod loaded;
mod nearest;
mod print;
mod relations;
mod secret;
mod sources;
mod spec;
mod telemetry;
mod text;
mod typed;
mod value;

pub use error::{Error, Errors};
pub use flags::Flags;
pub use forms::unset_if_empty;
pub use layout::Layout;
pub use loaded::Loaded;
pub use relations::Relation;
pub use secret::Secret;
pub use sources::{Origin, Sources};
pub use telemetry::{Protocol, Telemetry, otlp_endpoint};

/// The options of the bus. `bus/config.toml` says of each what it is for, its default and range.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How much is taken on, how long it may take, and how often it is tried.
    pub limits: Limits,
    /// How the service takes part in its consumer group.
    pub group: Group,
    /// The Kafka cluster.
    pub kafka: Kafka,
    /// What the service remembers.
    pub state: State,
    /// The port for health checks.
    pub health: Health,
    /// What a running instance tells the world about itself.
    pub presence: Presence,
    /// Log lines.
    pub log: Log,
    /// Where spans and metrics go, and which.
    pub telemetry: Telemetry,
    /// The topics that the service uses.
    pub topics: Topics,
    /// For tests of what happens after a crash.
    pub fault: Fault,
}

impl Default for Config {
    /// The defaults of `bus/config.toml`.
    fn default() -> Self {
        Layout::bus()
            .load(Sources::none())
            .expect("the defaults hold, as a test shows")
            .bus()
            .clone()
    }
}

/// How much is taken on, how long it may take, and how often it is tried.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest event in bytes: key, value and headers together.
    pub event_bytes_max: usize,
    /// Attempts at one event before it is parked, the first one included.
    pub attempts_max: u32,
    /// Shortest wait before the second attempt, in milliseconds.
    pub retry_base_ms: u64,
    /// Longest wait between two attempts, in milliseconds.
    pub retry_max_ms: u64,
    /// Longest that one attempt of a reaction may take, in milliseconds.
    pub reaction_timeout_ms: u64,
    /// Longest that running reactions are waited for when partitions are given up or the service
    /// stops, in milliseconds.
    pub drain_timeout_ms: u64,
    /// Events of one partition held in memory. At this many it is paused, at half it resumes. What lay
    /// ready together is taken together: up to 511 records, or 1 MiB, more than this.
    pub partition_events_max: usize,
    /// Events of one key held in memory.
    pub key_events_max: usize,
    /// Reactions that run at once in one partition.
    pub reactions_at_once_max: usize,
    /// Time between two commits of offsets, in milliseconds.
    pub commit_interval_ms: u64,
    /// Hops that an event may be away from the first of its flow.
    pub hops_max: u32,
    /// Published records that the broker has not acknowledged yet.
    pub in_flight_records_max: usize,
    /// Bytes of published records that the broker has not acknowledged yet.
    pub in_flight_bytes_max: usize,
}

impl Limits {
    /// Shortest wait before the second attempt.
    pub fn retry_base(&self) -> Duration {
        Duration::from_millis(self.retry_base_ms)
    }

    /// Longest wait between two attempts.
    pub fn retry_max(&self) -> Duration {
        Duration::from_millis(self.retry_max_ms)
    }

    /// Longest that one attempt of a reaction may take.
    pub fn reaction_timeout(&self) -> Duration {
        Duration::from_millis(self.reaction_timeout_ms)
    }

    /// Longest that running reactions are waited for when partitions are given up.
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }

    /// Time between two commits of offsets.
    pub fn commit_interval(&self) -> Duration {
        Duration::from_millis(self.commit_interval_ms)
    }

    /// Number of events at which a paused partition is taken up again.
    pub fn partition_events_resume(&self) -> usize {
        self.partition_events_max / 2
    }
}

/// How the service takes part in its consumer group.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Where a new service starts to read.
    #[serde(deserialize_with = "forms::start")]
    pub start: Start,
    /// How instances share partitions out.
    pub assignor: Assignor,
    /// A name that is this instance's own for ever. `None`: a dynamic member.
    #[serde(deserialize_with = "unset_if_empty")]
    pub instance: Option<String>,
    /// Silence after which an instance's partitions are given away, in milliseconds.
    pub session_timeout_ms: u64,
    /// Longest that an instance may take to give up partitions, in milliseconds.
    pub rebalance_timeout_ms: u64,
}

impl Group {
    /// Longest time between two heartbeats that still makes sure that one lost is no death.
    const HEARTBEAT_MAX: Duration = Duration::from_secs(3);

    /// Silence after which an instance's partitions are given away.
    pub fn session_timeout(&self) -> Duration {
        Duration::from_millis(self.session_timeout_ms)
    }

    /// Longest that an instance may take to give up partitions.
    pub fn rebalance_timeout(&self) -> Duration {
        Duration::from_millis(self.rebalance_timeout_ms)
    }

    /// Time between two heartbeats: at least three fit into a session, by construction.
    pub fn heartbeat(&self) -> Duration {
        (self.session_timeout() / 3).min(Self::HEARTBEAT_MAX)
    }
}

/// The Kafka cluster.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// Brokers to ask first, `HOST:PORT` with commas between. Empty: none.
    #[serde(deserialize_with = "forms::brokers")]
    pub brokers: String,
    /// Longest that the start waits for the first broker to answer, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Largest record that is handed to the cluster, in bytes.
    pub record_bytes_max: usize,
    /// What this client is called in the brokers' logs and quotas.
    pub client_id: String,
    /// How long a record waits for company in its batch, in milliseconds.
    pub linger_ms: u32,
    /// How batches of records are compressed, as librdkafka names it.
    pub compression: String,
    /// Longest that one request to a broker may take, in milliseconds.
    pub request_timeout_ms: u32,
    /// Longest that a published record waits for its acknowledgement, in milliseconds.
    pub delivery_timeout_ms: u32,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// File with the certificates of those who may sign a broker's. `None`: the system's.
    #[serde(deserialize_with = "unset_if_empty")]
    pub tls_ca_file: Option<PathBuf>,
    /// File with this client's own certificate.
    #[serde(deserialize_with = "unset_if_empty")]
    pub tls_certificate_file: Option<PathBuf>,
    /// File with the key to that certificate.
    #[serde(deserialize_with = "unset_if_empty")]
    pub tls_key_file: Option<PathBuf>,
    /// Password of that key.
    #[serde(deserialize_with = "unset_if_empty")]
    pub tls_key_password: Option<Secret>,
    /// How the password is proven; `none`: this client does not say who it is.
    pub sasl_mechanism: String,
    /// The user's name.
    #[serde(deserialize_with = "unset_if_empty")]
    pub sasl_user: Option<String>,
    /// The user's password.
    #[serde(deserialize_with = "unset_if_empty")]
    pub sasl_password: Option<Secret>,
}

impl Kafka {
    /// Longest that the start waits for the first broker to answer.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}

/// What the service remembers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Where records, inbox and outbox are kept.
    #[serde(deserialize_with = "forms::place")]
    pub url: Place,
    /// Whether it is accepted that everything in memory is lost when the process ends.
    pub ephemeral: bool,
    /// Rows of the outbox that may wait for the broker.
    pub outbox_rows_max: usize,
    /// How long the inbox remembers an event, in hours.
    pub inbox_hours: u32,
    /// Longest wait for another process that writes to the same database, in milliseconds.
    pub busy_timeout_ms: u64,
}

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In memory: it ends with the process.
    Memory,
    /// In a folder, a database for each service.
    Folder(PathBuf),
}

impl State {
    /// Whether everything is kept in memory only.
    pub fn is_memory(&self) -> bool {
        self.url == Place::Memory
    }

    /// How long the inbox remembers an event.
    pub fn inbox_keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.inbox_hours) * 3_600)
    }

    /// Longest wait for another process that writes to the same database.
    pub fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.busy_timeout_ms)
    }
}

/// The port for health checks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Where it listens. `None`: nowhere.
    #[serde(deserialize_with = "unset_if_empty")]
    pub listen: Option<SocketAddr>,
}

/// What a running instance tells the world about itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Time between two signs of life, in milliseconds.
    pub interval_ms: u64,
    /// Silence after which an instance counts as gone, in milliseconds.
    pub lease_ms: u64,
}

impl Presence {
    /// Time between two signs of life.
    pub fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// Silence after which an instance counts as gone.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }
}

/// Log lines on standard error.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A level, or targets with levels.
    #[serde(deserialize_with = "forms::filter")]
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// The topics that the service uses.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// Whether missing topics that the service owns are created.
    pub create: bool,
    /// Whether a receipt is published for each attempt.
    pub receipts: bool,
}

/// For tests of what happens after a crash.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where the process ends itself. `None`: nowhere.
    #[serde(deserialize_with = "unset_if_empty")]
    pub kill_at: Option<KillAt>,
}

impl Loaded {
    /// Refuses to keep state in memory on a cluster that outlives the process, unless that is
    /// accepted by `--ephemeral`. For services that keep state.
    pub fn check_state_outlives(&self) -> Result<(), Error> {
        let Config { state, kafka, .. } = self.bus();
        // Where it is something else and wrong, that is told already, and the default stands in.
        let said = &self.settings[self.option("state.url")].value;
        let is_memory_said = *said == value::Value::Text("memory".to_owned());
        if !is_memory_said || !state.is_memory() || state.ephemeral || kafka.brokers.is_empty() {
            return Ok(());
        }
        Err(Error::new(format!(
            "{} and {}: when this process ends, its records, its inbox and unpublished events are \
             lost, while the cluster keeps the offsets of what it has handled, so that they never \
             come back",
            self.statement("state.url"),
            self.statement("kafka.brokers"),
        ))
        .mend(
            "name a folder for databases by --state FOLDER, or accept the loss by --ephemeral \
             (`state.ephemeral = true`)",
        ))
    }

    /// Refuses a folder for state that cannot be one: what is wrong with it is told with all other
    /// mistakes, and not first when the broker has answered. Makes and opens nothing.
    pub fn check_state_folder(&self) -> Result<(), Error> {
        let Place::Folder(folder) = &self.bus().state.url else {
            return Ok(());
        };
        match folder::why_not(folder) {
            None => Ok(()),
            Some(why) => Err(self.refused("state.url", &why).mend("name another folder")),
        }
    }
}

#[cfg(test)]
mod tests;
