//! How it all is at one moment: the index, services, their instances and partitions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BEHIND_MAX;
use crate::expect::Expected;

/// Whoever handles less than one event in a hundred seconds has no pace to reckon with.
const PER_SECOND_MIN: f64 = 0.01;

/// How it all is at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The moment.
    pub now: Timestamp,
    /// Services, those that have a contract and those that were seen.
    pub services: BTreeMap<String, Service>,
    /// The index.
    pub index: IndexState,
}

/// How fresh answers are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexState {
    /// Position of the index: it grows with every change of a flow.
    pub change: u64,
    /// The cluster that is read. Another one has other flows. Not there: it has not answered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Whether it has ever read topics to their ends since it was started.
    pub caught_up: bool,
    /// Records that are not read yet.
    pub behind_records: u64,
    /// How long the oldest of them has been there, as far as it was noticed.
    pub behind_ms: f64,
    /// How long catching up will still take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<f64>,
    /// How much is read, while it catches up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_percent: Option<f64>,
    /// Whether the broker answers.
    #[serde(default)]
    pub broker: Broker,
    /// Since when that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub broker_since: Option<Timestamp>,
    /// Why topics cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Flows that are kept.
    pub flows: u64,
    /// Their events.
    pub events: u64,
    /// Their receipts.
    pub receipts: u64,
    /// Flows that made room for newer ones.
    pub dropped: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Whether the broker answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Broker {
    /// It has not answered since the observer was started: answers are of an earlier time.
    #[default]
    Waiting,
    /// It does.
    Answers,
    /// It did, and does no more.
    Away,
}

impl IndexState {
    /// Whether it is so far behind that nobody can say how a flow stands that is not at rest.
    pub fn is_behind(&self) -> bool {
        !self.caught_up || self.trouble.is_some() || self.behind_ms > BEHIND_MAX.as_secs_f64() * 1e3
    }
}

/// A service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Whether one of its instances is alive.
    pub alive: bool,
    /// When an instance said last that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Timestamp>,
    /// Records before which it is, in the partitions that its instances have.
    pub lag: u64,
    /// How long it will take for them, at the rate of the last moments.
    pub lag_ms: f64,
    /// Partitions that none of its instances has.
    pub unassigned: u64,
    /// Partitions that are paused.
    pub paused: u64,
    /// Events that wait for their next attempt.
    pub retrying: u64,
    /// Its instances, those that are alive first.
    pub instances: Vec<InstanceView>,
    /// Types that it reacts to.
    pub reacts_to: Vec<String>,
    /// Types that it may emit.
    pub may_emit: Vec<String>,
    /// Types that may be born outside a reaction.
    pub originates: Vec<String>,
    /// Flows that wait for it.
    pub waiting_flows: u64,
    /// Flows of which it has parked an event.
    pub parked_flows: u64,
}

/// An instance of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InstanceView {
    /// Its name.
    pub instance: String,
    /// Version of its code.
    pub code_version: String,
    /// `waiting`, `running`, `draining` or `stopped`.
    pub activity: String,
    /// When it said so.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether its lease holds.
    pub alive: bool,
    /// Partitions that it has.
    pub assignment: Vec<Assigned>,
    /// Events that wait for their next attempt.
    pub retrying_count: u64,
    /// Events that it has parked since it started.
    pub parked_count: u64,
    /// Records that it has skipped since it started.
    pub skipped_count: u64,
}

/// A partition that an instance has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Assigned {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Whether it is paused because too much waits.
    pub paused: bool,
    /// Events taken and not finished.
    pub unfinished: u64,
    /// Offset below which everything is finished.
    pub low_water: i64,
    /// Offset that the next record would have got when the instance spoke.
    pub end: i64,
    /// Records from the one to the other.
    pub lag: u64,
    /// Records finished a second, in the last moments.
    pub per_second: f64,
    /// When the low-water mark moved last.
    #[schema(value_type = String, format = DateTime)]
    pub moved_at: Timestamp,
}

impl Assigned {
    /// How long so many records may take, by how fast they were handled of late. `None`: nobody can say,
    /// since hardly any was.
    #[expect(clippy::cast_precision_loss, reason = "counts of records, for people")]
    pub(crate) fn ms_for(&self, records: u64) -> Option<f64> {
        let moves = records > 0 && self.per_second >= PER_SECOND_MIN;
        moves.then(|| records as f64 * 1e3 / self.per_second)
    }
}

impl Service {
    pub(super) fn promised(name: &str, expected: &Expected) -> Self {
        Self {
            name: name.to_owned(),
            reacts_to: expected.reacts_to(name),
            may_emit: expected.all_emitted(name),
            originates: expected.originates(name),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, instance: InstanceView) {
        self.last_seen = self.last_seen.max(Some(instance.at));
        if instance.alive {
            self.alive = true;
            self.retrying += instance.retrying_count;
            let paused = instance
                .assignment
                .iter()
                .filter(|assigned| assigned.paused);
            self.paused += paused.count() as u64;
            for assigned in &instance.assignment {
                self.lag += assigned.lag;
                let ms = assigned.ms_for(assigned.lag);
                self.lag_ms = self.lag_ms.max(ms.unwrap_or(0.0));
            }
        }
        self.instances.push(instance);
    }

    /// The partition in which a record stands, where an instance that is alive has it.
    pub fn held(&self, topic: &str, partition: i32) -> Option<&Assigned> {
        let alive = self.instances.iter().filter(|instance| instance.alive);
        let mut assigned = alive.flat_map(|instance| &instance.assignment);
        assigned.find(|held| held.topic == topic && held.partition == partition)
    }
}

impl Snapshot {
    /// A service, where one of its instances is alive.
    pub fn alive(&self, service: &str) -> Option<&Service> {
        self.services.get(service).filter(|service| service.alive)
    }

    /// Services of which nobody is alive.
    pub fn down(&self) -> Vec<String> {
        let down = self.services.values().filter(|service| !service.alive);
        down.map(|service| service.name.clone()).collect()
    }
}
