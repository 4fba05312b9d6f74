//! Who is alive, how far behind everybody is, and how far behind the index itself is.
//!
//! Services say by presence that they are alive and where they are; the broker says where topics
//! end. Both are kept in memory only, for as long as they may matter. An instance is alive until its
//! lease is over, counted from when its word came, so that clocks need not agree; a word that was
//! read late counts from when it was written.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use quadrille::broker::{TopicName, TopicPartition};
use quadrille::wire::{Activity, PresenceAnnounced};

mod snapshot;

use crate::expect::Expected;
use crate::flow::status::Word;
use crate::index::Counts;
use crate::seen::At;

pub use snapshot::{Assigned, Broker, IndexState, InstanceView, Service, Snapshot};

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
    broker: (Broker, Option<Timestamp>),
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
        let before = inner.instances.get(&said.instance);
        // An older word that was read later says nothing.
        if before.is_some_and(|before| before.at > at) {
            return;
        }
        let before = before.map(|before| before.moved.clone());
        let before = before.unwrap_or_default();
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

    /// Takes whether the broker answers.
    pub fn note_broker(&self, answers: bool, now: Timestamp) {
        let mut inner = self.inner();
        let (before, since) = inner.broker;
        let broker = match (answers, before) {
            (true, _) => Broker::Answers,
            (false, Broker::Waiting) => Broker::Waiting,
            (false, Broker::Answers | Broker::Away) => Broker::Away,
        };
        if since.is_none() || broker != before {
            inner.broker = (broker, Some(now));
        }
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
        for (word, service, count) in counts.by_word() {
            if let Some(service) = service.and_then(|name| services.get_mut(name)) {
                match word {
                    Word::Parked => service.parked_flows += count,
                    _ => service.waiting_flows += count,
                }
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
            broker: self.broker.0,
            broker_since: self.broker.1,
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

#[cfg(test)]
mod tests;
