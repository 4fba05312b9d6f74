//! The cluster as a synchronous state machine.
//!
//! Every method is one step: it gets the time, changes the state, and returns what became of it. No
//! step waits, locks, draws a number or reads a clock, and nothing depends on the order of a hash
//! table, so that the same steps give the same bytes. Whom a step concerns stands in
//! [`Cluster::take_wakes`] afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::{
    Error, ErrorKind, Incoming, Membership, NewTopic, Outgoing, Position, TopicDescription,
    TopicName, TopicPartition,
};
use super::fetch::Fetcher;
use super::group::Group;
use super::log::Body;
use super::topics::Topics;
use super::{ClientId, Config};

/// The time, as a step gets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// The wall clock, in milliseconds since 1970: what records are stamped with. It may jump.
    pub(super) wall_ms: i64,
    /// Time since some fixed moment: what timeouts are measured with. It never goes back.
    pub(super) elapsed: Duration,
}

/// A client's place in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) group: String,
    pub(super) id: ClientId,
}

/// What a member hears.
#[derive(Debug)]
pub(super) enum Step {
    Records(Vec<Incoming>),
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>),
    Lost(Vec<TopicPartition>),
    Troubled(Error),
    Failed(Error),
    /// Nothing yet: ask again when woken, or at this time of the clock that never goes back.
    Wait(Option<Duration>),
}

/// The cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    config: Config,
    topics: Topics,
    groups: BTreeMap<String, Group>,
    readers: BTreeMap<ClientId, Fetcher>,
    clients: u64,
    sweep_due: Duration,
    wakes: BTreeSet<ClientId>,
}

impl Cluster {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            topics: Topics::default(),
            groups: BTreeMap::new(),
            readers: BTreeMap::new(),
            clients: 0,
            sweep_due: Duration::ZERO,
            wakes: BTreeSet::new(),
        }
    }

    /// The topics, for looking.
    pub(super) fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Who is to ask again, since this was last taken.
    pub(super) fn take_wakes(&mut self) -> BTreeSet<ClientId> {
        std::mem::take(&mut self.wakes)
    }

    /// Describes a topic.
    pub(super) fn describe(&self, name: &TopicName) -> Option<TopicDescription> {
        self.topics.describe(name)
    }

    /// Creates a topic, and gives its partitions to the groups that wait for it.
    pub(super) fn create(&mut self, topic: &NewTopic, now: Now) -> Result<bool, Error> {
        let created = self.topics.create(topic, &self.config)?;
        if created {
            for group in self.groups.values_mut() {
                group.topic_created(&topic.name, now.elapsed, &self.topics);
                self.wakes.append(&mut group.take_wakes());
            }
        }
        Ok(created)
    }

    /// Stores a record.
    pub(super) fn append(&mut self, record: Outgoing, now: Now) -> Result<Position, Error> {
        self.sweep(now);
        let body = Body {
            timestamp_ms: record.timestamp_ms.unwrap_or(now.wall_ms),
            key: record.key,
            value: record.value,
            headers: record.headers,
        };
        self.check(&record.topic, &body)?;
        let key = body.key.as_deref();
        let at = self
            .topics
            .choose(&record.topic, record.partition, key, body.payload())?;
        self.make_room(body.cost(), now)?;
        let (offset, mut waited) = self.topics.append(&at, body);
        self.wakes.append(&mut waited);
        if self.topics.is_compacted(&at.topic) {
            self.topics
                .compact(&at, now.wall_ms, self.config.tombstones_kept);
        }
        Ok(Position {
            partition: at.partition,
            offset,
        })
    }

    /// Joins a group.
    pub(super) fn join(&mut self, mut membership: Membership, now: Now) -> Result<Seat, Error> {
        let refuse = |why: &str| {
            let message = format!("cannot join group `{}`: {why}", membership.group);
            Err(Error::new(ErrorKind::Invalid, message))
        };
        if membership.group.is_empty() {
            return refuse("a group has a name");
        }
        if membership.topics.is_empty() {
            return refuse("a member subscribes to at least one topic");
        }
        if membership.session_timeout.is_zero() || membership.rebalance_timeout.is_zero() {
            return refuse("session and rebalance timeout are longer than nothing");
        }
        let is_new = !self.groups.contains_key(&membership.group);
        if is_new && self.groups.len() >= self.config.groups_max {
            self.tick_groups(now);
        }
        if is_new && self.groups.len() >= self.config.groups_max {
            return refuse("there are as many groups as groups_max of the in-memory broker allows");
        }
        membership.topics.sort();
        membership.topics.dedup();
        let seat = Seat {
            group: membership.group.clone(),
            id: self.new_client(),
        };
        self.groups
            .entry(seat.group.clone())
            .or_insert_with(|| Group::new(&seat.group));
        self.in_group(&seat, |group, topics, _| {
            group.join(seat.id, membership, now.elapsed, topics);
        });
        Ok(seat)
    }

    /// What a member hears next.
    pub(super) fn next(&mut self, seat: &Seat, now: Now) -> Step {
        self.sweep(now);
        self.in_group(seat, |group, topics, config| {
            group.next(seat.id, now.elapsed, topics, config)
        })
        .unwrap_or(Step::Wait(None))
    }

    /// A member has stopped asking.
    pub(super) fn idle(&mut self, seat: &Seat, now: Now) {
        self.in_group(seat, |group, _, _| group.idle(seat.id, now.elapsed));
    }

    /// A member has said where it starts.
    pub(super) fn start_at(
        &mut self,
        seat: &Seat,
        positions: &BTreeMap<TopicPartition, i64>,
        now: Now,
    ) {
        self.in_group(seat, |group, topics, _| {
            group.start_at(seat.id, positions, now.elapsed, topics);
        });
    }

    /// A member has given its partitions up, and commits these offsets of them.
    pub(super) fn release(
        &mut self,
        seat: &Seat,
        offsets: BTreeMap<TopicPartition, i64>,
        now: Now,
    ) {
        self.in_group(seat, |group, topics, _| {
            group.release(seat.id, offsets, now.elapsed, topics);
        });
    }

    /// Commits a member's offsets, all or none.
    pub(super) fn commit(
        &mut self,
        seat: &Seat,
        offsets: &BTreeMap<TopicPartition, i64>,
        now: Now,
    ) -> Result<(), Error> {
        self.in_group(seat, |group, topics, _| {
            // A session that has ended without anybody asking has ended all the same.
            group.tick(now.elapsed, topics);
            group.commit(seat.id, offsets)
        })
        .unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::Fenced,
                format!("group `{}` has no members", seat.group),
            ))
        })
    }

    /// Pauses a member's partitions, or takes them up again.
    pub(super) fn set_paused(&mut self, seat: &Seat, partitions: &[TopicPartition], paused: bool) {
        self.in_group(seat, |group, _, _| {
            group.set_paused(seat.id, partitions, paused);
        });
    }

    /// A member leaves.
    pub(super) fn leave(&mut self, seat: &Seat, now: Now) {
        self.in_group(seat, |group, topics, _| {
            group.leave(seat.id, now.elapsed, topics);
        });
        self.topics.forget(seat.id);
    }

    /// A member was dropped without leaving.
    pub(super) fn gone(&mut self, seat: &Seat, now: Now) {
        self.in_group(seat, |group, _, _| group.gone(seat.id, now.elapsed));
        self.topics.forget(seat.id);
    }

    /// Offsets that a group has committed.
    pub(super) fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> BTreeMap<TopicPartition, i64> {
        let Some(group) = self.groups.get(group) else {
            return BTreeMap::new();
        };
        let offsets = partitions
            .iter()
            .filter_map(|at| Some((at.clone(), group.committed(at)?)));
        offsets.collect()
    }

    /// Opens a reader at these offsets, clamped to what is there.
    pub(super) fn read(&mut self, from: BTreeMap<TopicPartition, i64>) -> Result<ClientId, Error> {
        let mut positions = from;
        for (at, offset) in &mut positions {
            let log = self.topics.log(at)?;
            *offset = (*offset).clamp(log.low(), log.high());
        }
        let id = self.new_client();
        self.readers.insert(id, Fetcher::new(positions));
        Ok(id)
    }

    /// A reader's next records. Empty: ask again when woken.
    pub(super) fn next_records(&mut self, id: ClientId, now: Now) -> Vec<Incoming> {
        self.sweep(now);
        let Some(reader) = self.readers.get_mut(&id) else {
            return Vec::new();
        };
        // A reader outside groups has no promise to get everything: it goes on at what is there.
        let mut skipped = Vec::new();
        let records = reader.fetch(&self.topics, &self.config, &mut skipped);
        if records.is_empty() {
            reader.wait(id, &mut self.topics);
        }
        records
    }

    /// Closes a reader.
    pub(super) fn close(&mut self, id: ClientId) {
        self.readers.remove(&id);
        self.topics.forget(id);
    }

    fn new_client(&mut self) -> ClientId {
        self.clients += 1;
        ClientId(self.clients)
    }

    /// Works on a client's group, and notes whom that concerns.
    fn in_group<T>(
        &mut self,
        seat: &Seat,
        work: impl FnOnce(&mut Group, &mut Topics, &Config) -> T,
    ) -> Option<T> {
        let group = self.groups.get_mut(&seat.group)?;
        let result = work(group, &mut self.topics, &self.config);
        self.wakes.append(&mut group.take_wakes());
        Some(result)
    }

    /// Ends what has run out in every group, and forgets groups that nobody would miss. Members that
    /// wait see to their own group; this is for groups in which nobody waits.
    fn tick_groups(&mut self, now: Now) {
        for group in self.groups.values_mut() {
            group.tick(now.elapsed, &self.topics);
            self.wakes.append(&mut group.take_wakes());
        }
        self.groups
            .retain(|_, group| !group.is_forgotten(now.elapsed, &self.config));
    }

    /// Refuses a record that no partition of the topic may hold.
    fn check(&self, topic: &TopicName, body: &Body) -> Result<(), Error> {
        if body.payload() > self.config.record_bytes_max {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "a record of {} bytes for topic {topic} is larger than record_bytes_max of the \
                     in-memory broker, {} bytes",
                    body.payload(),
                    self.config.record_bytes_max
                ),
            ));
        }
        let refuse = |why: &str| {
            let message = format!("topic {topic} cannot take the record: {why}");
            Err(Error::new(ErrorKind::Invalid, message))
        };
        if body.timestamp_ms < 0 {
            return refuse("its timestamp lies before 1970");
        }
        if body.key.is_none() && self.topics.is_compacted(topic) {
            return refuse("the topic is compacted, and the record has no key");
        }
        Ok(())
    }

    /// Ends what has run out, now and then.
    fn sweep(&mut self, now: Now) {
        if now.elapsed >= self.sweep_due {
            self.sweep_due = now.elapsed + self.config.swept_every;
            self.topics.enforce_retention(now.wall_ms);
            self.tick_groups(now);
        }
    }

    /// Sees that a record of this size fits into memory.
    fn make_room(&mut self, cost: usize, now: Now) -> Result<(), Error> {
        let max = self.config.memory_bytes_max;
        if self.topics.bytes() + cost <= max {
            return Ok(());
        }
        self.topics.enforce_retention(now.wall_ms);
        self.tick_groups(now);
        // A little more than needed, so that not every send from now on has to look.
        let target = max.saturating_sub(cost).saturating_sub(max / 32);
        let groups = &self.groups;
        self.topics.make_room(target, |at| {
            let behind = groups.values().filter_map(|group| group.behind(at));
            behind.min().unwrap_or(i64::MAX)
        });
        if self.topics.bytes() + cost <= max {
            return Ok(());
        }
        let blame = self.who_is_behind().unwrap_or_else(|| {
            "what is left is on topics that keep their records for ever".to_owned()
        });
        // Of a kind that is tried again: a group that catches up makes room.
        Err(Error::new(
            ErrorKind::Other,
            format!(
                "the in-memory broker is full, {} of memory_bytes_max, {max} bytes: {blame}",
                self.topics.bytes()
            ),
        ))
    }

    /// Names the group that still has to read the oldest record.
    fn who_is_behind(&self) -> Option<String> {
        let at = self.topics.oldest()?;
        let behind = self
            .groups
            .iter()
            .filter_map(|(name, group)| Some((group.behind(&at)?, name)));
        let (offset, name) = behind.min()?;
        Some(format!(
            "group `{name}` has still to read {at} from offset {offset}"
        ))
    }
}

#[cfg(test)]
mod tests;
