//! Who is alive, how far behind everybody is, and how far behind the index itself is.
//!
//! Services say by presence that they are alive and where they are; the broker says where topics
//! end. Both are kept in memory only, for as long as they may matter. An instance is alive until its
//! lease is over, counted from when its word came, so that clocks need not agree; a word that was
//! read late counts from when it was written.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use quadrille::broker::{TopicName, TopicPartition};
use quadrille::wire::{Activity, PresenceAnnounced};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::expect::Expected;
use crate::index::Counts;
use crate::seen::At;

/// Longest that the index may be behind before nobody can say how a flow stands.
pub const BEHIND_MAX: Duration = Duration::from_secs(5);
/// How long an instance that has ended is still told of.
const TOLD_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Ends of a partition that are remembered while they are not reached.
const ENDS_MAX: usize = 600;

/// What is known of those who are there now.
#[derive(Default)]
pub struct Live {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    instances: BTreeMap<String, Instance>,
    ends: BTreeMap<TopicPartition, End>,
    positions: BTreeMap<TopicPartition, i64>,
    first_ends: Option<BTreeMap<TopicPartition, i64>>,
    began: Option<(Timestamp, u64)>,
    has_caught_up: bool,
    trouble: BTreeMap<&'static str, String>,
}

struct Instance {
    said: PresenceAnnounced,
    at: Timestamp,
    until: Timestamp,
    moved: BTreeMap<(String, i32), Moved>,
}

/// How a partition's low-water mark moves.
#[derive(Clone, Copy)]
struct Moved {
    low_water: i64,
    // Where the partition ended then.
    end: i64,
    at: Timestamp,
    looked: Timestamp,
    per_second: f64,
}

/// Where a partition ends.
#[derive(Default)]
struct End {
    high: i64,
    // Ends that the index has not reached, and when each was seen first.
    ahead: VecDeque<(i64, Timestamp)>,
}

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
    #[schema(value_type = Option<String>)]
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
    #[schema(value_type = String)]
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
    #[schema(value_type = String)]
    pub moved_at: Timestamp,
}

impl Live {
    /// Takes what an instance said in a record, which was read now.
    pub fn note(&self, said: PresenceAnnounced, record: &At, now: Timestamp) {
        let mut inner = self.inner();
        // Until topics are read to the ends that were there at first, words are old ones.
        let arrived = inner.is_live(record).then_some(now);
        let at = said.at.as_ref();
        let at = at.and_then(|at| Timestamp::new(at.seconds, at.nanos).ok());
        let at = at.unwrap_or_default();
        let lease = said.lease.unwrap_or_default();
        let lease = SignedDuration::new(lease.seconds, lease.nanos);
        let until = arrived.unwrap_or(at).checked_add(lease).unwrap_or(at);
        let before = inner.instances.remove(&said.instance);
        if let Some(newer) = before.as_ref().filter(|before| before.at > at) {
            // An older word that was read later says nothing.
            let (at, until, said) = (newer.at, newer.until, newer.said.clone());
            let moved = newer.moved.clone();
            let instance = Instance {
                said,
                at,
                until,
                moved,
            };
            inner
                .instances
                .insert(instance.said.instance.clone(), instance);
            return;
        }
        let before = before.map(|before| before.moved).unwrap_or_default();
        let moved = said.assignment.iter().map(|assigned| {
            let key = (assigned.topic.clone(), assigned.partition);
            let end = inner.end(&assigned.topic, assigned.partition);
            let end = end.unwrap_or(0).max(assigned.low_water);
            let now = Moved::now(before.get(&key), assigned.low_water, end, at);
            (key, now)
        });
        let moved: BTreeMap<_, _> = moved.collect();
        let instance = Instance {
            said,
            at,
            until,
            moved,
        };
        inner
            .instances
            .insert(instance.said.instance.clone(), instance);
    }

    /// Takes where partitions end.
    pub fn note_ends(&self, ends: &BTreeMap<TopicPartition, i64>, now: Timestamp) {
        let mut inner = self.inner();
        inner.first_ends.get_or_insert_with(|| ends.clone());
        for (partition, high) in ends {
            let end = inner.ends.entry(partition.clone()).or_default();
            end.high = *high;
            let is_new = end.ahead.back().is_none_or(|(last, _)| last < high);
            if is_new && end.ahead.len() < ENDS_MAX {
                end.ahead.push_back((*high, now));
            }
        }
    }

    /// Takes how far partitions were read.
    pub fn note_positions(&self, positions: &BTreeMap<TopicPartition, i64>) {
        self.inner().positions.clone_from(positions);
    }

    /// How far partitions were read.
    pub fn positions(&self) -> BTreeMap<TopicPartition, i64> {
        self.inner().positions.clone()
    }

    /// Takes why something cannot be done, or that it can.
    pub fn set_trouble(&self, doing: &'static str, trouble: Option<String>) {
        let mut inner = self.inner();
        match trouble {
            Some(trouble) => inner.trouble.insert(doing, trouble),
            None => inner.trouble.remove(doing),
        };
    }

    /// How it all is now.
    pub fn snapshot(
        &self,
        now: Timestamp,
        expected: &Expected,
        change: u64,
        counts: &Counts,
        bytes: u64,
    ) -> Snapshot {
        let mut inner = self.inner();
        inner
            .instances
            .retain(|_, instance| now.duration_since(instance.until) < TOLD_FOR);
        let mut index = inner.index(now);
        index.change = change;
        index.bytes = bytes;
        (index.flows, index.events) = (counts.flows, counts.events);
        (index.receipts, index.dropped) = (counts.receipts, counts.dropped);
        let mut services = inner.services(now, expected);
        for (_, service, count) in counts.by_word() {
            if let Some(service) = service.and_then(|name| services.get_mut(name)) {
                service.waiting_flows += count;
            }
        }
        Snapshot {
            now,
            services,
            index,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Moved {
    fn now(before: Option<&Self>, low_water: i64, end: i64, at: Timestamp) -> Self {
        let Some(before) = before else {
            return Self {
                low_water,
                end,
                at,
                looked: at,
                per_second: 0.0,
            };
        };
        let seconds = at.duration_since(before.looked).as_secs_f64().max(0.001);
        let done = low_water.saturating_sub(before.low_water).max(0);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = done as f64 / seconds;
        Self {
            low_water,
            end,
            at: if done > 0 { at } else { before.at },
            looked: at,
            // Half of what it was, so that one slow moment does not hide a quick minute.
            per_second: if before.per_second == 0.0 {
                rate
            } else {
                f64::midpoint(rate, before.per_second)
            },
        }
    }
}

impl Inner {
    fn is_live(&self, record: &At) -> bool {
        let Some(first) = &self.first_ends else {
            return false;
        };
        let topic = TopicName::parse(&record.topic).ok();
        let at = topic.map(|topic| TopicPartition::new(topic, record.partition));
        let end = at.and_then(|at| first.get(&at));
        end.is_none_or(|end| record.offset >= *end)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of records, for people")]
    fn index(&mut self, now: Timestamp) -> IndexState {
        let positions = &self.positions;
        let position = |partition: &TopicPartition| positions.get(partition).copied().unwrap_or(0);
        let (mut behind, mut oldest) = (0_u64, None::<Timestamp>);
        for (partition, end) in &mut self.ends {
            let next = position(partition);
            behind += end.high.saturating_sub(next).max(0).unsigned_abs();
            while end.ahead.front().is_some_and(|(high, _)| *high <= next) {
                end.ahead.pop_front();
            }
            if let Some((_, seen)) = end.ahead.front() {
                oldest = Some(oldest.map_or(*seen, |oldest| oldest.min(*seen)));
            }
        }
        if let Some(first) = &self.first_ends {
            self.has_caught_up |= first.iter().all(|(at, high)| position(at) >= *high);
        }
        let mut state = IndexState {
            caught_up: self.has_caught_up,
            behind_records: behind,
            behind_ms: oldest.map_or(0.0, |oldest| {
                now.duration_since(oldest).as_millis().max(0) as f64
            }),
            trouble: self.trouble.values().next().cloned(),
            ..IndexState::default()
        };
        if !self.has_caught_up {
            let (began, then) = *self.began.get_or_insert((now, behind));
            let read = then.saturating_sub(behind) as f64;
            let seconds = now.duration_since(began).as_secs_f64();
            state.read_percent = Some(100.0 * read / (then.max(1) as f64));
            if read > 0.0 && seconds > 0.5 {
                state.eta_ms = Some(behind as f64 * seconds * 1e3 / read);
            }
        }
        state
    }

    fn end(&self, topic: &str, partition: i32) -> Option<i64> {
        let at = TopicPartition::new(TopicName::parse(topic).ok()?, partition);
        self.ends.get(&at).map(|end| end.high)
    }

    fn services(&self, now: Timestamp, expected: &Expected) -> BTreeMap<String, Service> {
        let mut services = BTreeMap::new();
        for name in expected.services() {
            services.insert(name.to_owned(), Service::promised(name, expected));
        }
        for (name, instance) in &self.instances {
            let service = &instance.said.service;
            let entry = services.entry(service.clone()).or_insert_with(|| Service {
                name: service.clone(),
                ..Service::default()
            });
            entry.add(self.instance(name, instance, now));
        }
        for service in services.values_mut() {
            service
                .instances
                .sort_by_key(|one| (!one.alive, one.instance.clone()));
            let held = service.instances.iter().filter(|one| one.alive);
            let held = held.map(|one| one.assignment.len() as u64).sum::<u64>();
            let topics = expected.topics_of(&service.name);
            let all = self
                .ends
                .keys()
                .filter(|at| topics.contains(at.topic.as_str()));
            service.unassigned = (all.count() as u64).saturating_sub(held);
        }
        services
    }

    fn instance(&self, name: &str, instance: &Instance, now: Timestamp) -> InstanceView {
        let activity = instance.said.activity();
        let alive = activity != Activity::Stopped && now <= instance.until;
        let assignment = instance.said.assignment.iter().map(|assigned| {
            let key = (assigned.topic.clone(), assigned.partition);
            let moved = instance.moved.get(&key);
            // As it was when the instance spoke: what came since says nothing about its lag.
            let end = moved.map_or(assigned.low_water, |moved| moved.end);
            Assigned {
                topic: assigned.topic.clone(),
                partition: assigned.partition,
                paused: assigned.paused,
                unfinished: assigned.unfinished,
                low_water: assigned.low_water,
                end,
                lag: (end - assigned.low_water).unsigned_abs(),
                per_second: moved.map_or(0.0, |moved| moved.per_second),
                moved_at: moved.map_or(instance.at, |moved| moved.at),
            }
        });
        let activity = activity.as_str_name().trim_start_matches("ACTIVITY_");
        InstanceView {
            instance: name.to_owned(),
            code_version: instance.said.code_version.clone(),
            activity: activity.to_ascii_lowercase(),
            at: instance.at,
            alive,
            assignment: assignment.collect(),
            retrying_count: instance.said.retrying_count,
            parked_count: instance.said.parked_count,
            skipped_count: instance.said.skipped_count,
        }
    }
}

impl Service {
    fn promised(name: &str, expected: &Expected) -> Self {
        Self {
            name: name.to_owned(),
            reacts_to: expected.reacts_to(name),
            may_emit: expected.all_emitted(name),
            originates: expected.originates(name),
            ..Self::default()
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of records, for people")]
    fn add(&mut self, instance: InstanceView) {
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
                if assigned.lag > 0 && assigned.per_second > 0.0 {
                    let ms = assigned.lag as f64 * 1e3 / assigned.per_second;
                    self.lag_ms = self.lag_ms.max(ms);
                }
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
    /// Services of which nobody is alive.
    pub fn down(&self) -> Vec<String> {
        let down = self.services.values().filter(|service| !service.alive);
        down.map(|service| service.name.clone()).collect()
    }
}

/// Shared by whoever answers.
pub type Shared = Arc<Snapshot>;

#[cfg(test)]
mod tests;
