//! The topics of the cluster and what their records cost together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::partitioner::partition_of;
use super::super::{Error, ErrorKind, NewTopic, TopicDescription, TopicName, TopicPartition};
use super::log::{Body, Log};
use super::{ClientId, Config};
use crate::event::Retention;

/// Records without a key go to one partition until it has got this much, then to the next: as
/// Java's sticky partitioner does for the sake of full batches.
const STICKY_BYTES: usize = 16 * 1024;

/// One topic.
#[derive(Debug)]
struct Topic {
    retention: Retention,
    partitions: Vec<Log>,
    sticky_partition: usize,
    sticky_bytes: usize,
}

/// All topics.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_name: BTreeMap<TopicName, Topic>,
    partitions: usize,
    bytes: usize,
}

impl Topics {
    /// Creates a topic. `Ok(false)`: it was there already.
    pub(super) fn create(&mut self, topic: &NewTopic, config: &Config) -> Result<bool, Error> {
        if self.by_name.contains_key(&topic.name) {
            return Ok(false);
        }
        let refuse = |why: String| {
            Err(Error::new(
                ErrorKind::Invalid,
                format!("cannot create topic {}: {why}", topic.name),
            ))
        };
        let wanted = match usize::try_from(topic.partitions) {
            Ok(count) if count > 0 => count,
            _ => {
                return refuse(format!(
                    "{} partitions, at least 1 is needed",
                    topic.partitions
                ));
            }
        };
        if self.partitions + wanted > config.partitions_max {
            return refuse(format!(
                "{} partitions of all topics together, partitions_max of the in-memory broker is {}",
                self.partitions + wanted,
                config.partitions_max
            ));
        }
        if let Some(copies) = topic.replication
            && copies < 1
        {
            return refuse(format!("replication {copies}, at least 1 is needed"));
        }
        self.partitions += wanted;
        self.by_name.insert(
            topic.name.clone(),
            Topic {
                retention: topic.retention,
                partitions: std::iter::repeat_with(Log::new).take(wanted).collect(),
                sticky_partition: 0,
                sticky_bytes: 0,
            },
        );
        Ok(true)
    }

    /// Describes a topic. There is one copy of each partition, whatever was asked for.
    pub(super) fn describe(&self, name: &TopicName) -> Option<TopicDescription> {
        let topic = self.by_name.get(name)?;
        Some(TopicDescription {
            partitions: count(topic),
            replication: 1,
            // That nothing here outlives the process is said elsewhere, and once.
            min_insync_replicas: None,
            retention: Some(topic.retention),
        })
    }

    /// All names, sorted.
    pub(super) fn names(&self) -> Vec<TopicName> {
        self.by_name.keys().cloned().collect()
    }

    /// Number of a topic's partitions.
    pub(super) fn partitions(&self, name: &TopicName) -> Option<i32> {
        self.by_name.get(name).map(count)
    }

    /// What all records cost together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The log of a partition.
    pub(super) fn log(&self, at: &TopicPartition) -> Result<&Log, Error> {
        let logs = self.by_name.get(&at.topic).map(|t| t.partitions.as_slice());
        usize::try_from(at.partition)
            .ok()
            .and_then(|number| logs?.get(number))
            .ok_or_else(|| missing(at, logs.map(<[Log]>::len)))
    }

    /// Notes on a partition's log that a client waits for more.
    pub(super) fn wait(&mut self, at: &TopicPartition, client: ClientId) {
        if let Some(log) = self.log_mut(at) {
            log.wait(client);
        }
    }

    /// Forgets a client that has ended. Else those who read quiet partitions for a moment would add up.
    pub(super) fn forget(&mut self, client: ClientId) {
        let topics = self.by_name.values_mut();
        for log in topics.flat_map(|topic| &mut topic.partitions) {
            log.forget(client);
        }
    }

    /// Chooses the partition of a record, as Java's default partitioner does.
    pub(super) fn choose(
        &mut self,
        name: &TopicName,
        asked: Option<i32>,
        key: Option<&[u8]>,
        bytes: usize,
    ) -> Result<TopicPartition, Error> {
        let Some(topic) = self.by_name.get_mut(name) else {
            return Err(missing(&TopicPartition::new(name.clone(), 0), None));
        };
        let partition = match (asked, key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => partition_of(key, count(topic)),
            (None, None) => topic.stick(bytes),
        };
        let at = TopicPartition::new(name.clone(), partition);
        self.log(&at)?;
        Ok(at)
    }

    /// Whether a topic keeps the newest record of each key only.
    pub(super) fn is_compacted(&self, name: &TopicName) -> bool {
        self.by_name
            .get(name)
            .is_some_and(|topic| topic.retention == Retention::Compacted)
    }

    /// Stores a record in a partition that [`Topics::choose`] has chosen, and says at which offset
    /// and who waited for it.
    pub(super) fn append(&mut self, at: &TopicPartition, body: Body) -> (i64, BTreeSet<ClientId>) {
        self.bytes += body.cost();
        let log = self
            .log_mut(at)
            .expect("the partition was chosen from those that are there");
        let offset = log.append(body);
        (offset, log.take_waiting())
    }

    /// Compacts a partition where that is worth it.
    pub(super) fn compact(&mut self, at: &TopicPartition, now_ms: i64, tombstones_kept: Duration) {
        if let Some(log) = self.log_mut(at)
            && log.is_dirty()
        {
            let freed = log.compact(before(now_ms, tombstones_kept));
            self.bytes -= freed;
        }
    }

    /// Drops what every topic's retention no longer keeps.
    pub(super) fn enforce_retention(&mut self, now_ms: i64) {
        for topic in self.by_name.values_mut() {
            if let Retention::For(kept) = topic.retention {
                for log in &mut topic.partitions {
                    self.bytes -= log.drop_before(before(now_ms, kept));
                }
            }
        }
    }

    /// Drops the oldest records, on topics whose retention ends, until they cost no more than
    /// `target` together. `behind` says up to which offset a partition's records may go.
    pub(super) fn make_room(&mut self, target: usize, behind: impl Fn(&TopicPartition) -> i64) {
        let mut oldest: BTreeSet<(i64, TopicPartition, i64)> = BTreeSet::new();
        for (name, topic) in &self.by_name {
            if matches!(topic.retention, Retention::For(_)) {
                for (number, log) in (0..).zip(&topic.partitions) {
                    let at = TopicPartition::new(name.clone(), number);
                    let limit = behind(&at);
                    if let Some((time, offset)) = log.front()
                        && offset < limit
                    {
                        oldest.insert((time, at, limit));
                    }
                }
            }
        }
        while self.bytes > target
            && let Some((_, at, limit)) = oldest.pop_first()
        {
            let Some(log) = self.log_mut(&at) else {
                continue;
            };
            let freed = log.drop_front().unwrap_or(0);
            let next = log.front();
            self.bytes -= freed;
            if let Some((time, offset)) = next
                && offset < limit
            {
                oldest.insert((time, at, limit));
            }
        }
    }

    /// The partition with the oldest record among those whose retention ends.
    pub(super) fn oldest(&self) -> Option<TopicPartition> {
        let logs = self.by_name.iter().flat_map(|(name, topic)| {
            let ends = matches!(topic.retention, Retention::For(_));
            let logs = (0..).zip(&topic.partitions).filter(move |_| ends);
            logs.map(move |(number, log)| (name, number, log))
        });
        logs.filter_map(|(name, number, log)| Some((log.front()?.0, name, number)))
            .min()
            .map(|(_, name, number)| TopicPartition::new(name.clone(), number))
    }

    fn log_mut(&mut self, at: &TopicPartition) -> Option<&mut Log> {
        let number = usize::try_from(at.partition).ok()?;
        self.by_name.get_mut(&at.topic)?.partitions.get_mut(number)
    }
}

impl Topic {
    /// The partition for a record without a key.
    fn stick(&mut self, bytes: usize) -> i32 {
        if self.sticky_bytes >= STICKY_BYTES {
            self.sticky_bytes = 0;
            self.sticky_partition = (self.sticky_partition + 1) % self.partitions.len();
        }
        self.sticky_bytes += bytes;
        i32::try_from(self.sticky_partition).expect("a topic was created with an i32 of partitions")
    }
}

fn count(topic: &Topic) -> i32 {
    i32::try_from(topic.partitions.len()).expect("a topic was created with an i32 of partitions")
}

/// The timestamp that lies this long before now.
fn before(now_ms: i64, duration: Duration) -> i64 {
    now_ms.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// The error for a topic or partition that is not there.
fn missing(at: &TopicPartition, partitions: Option<usize>) -> Error {
    let message = match partitions {
        None => format!("topic {} does not exist on the in-memory broker", at.topic),
        Some(count) => format!(
            "topic {} has no partition {}, it has {count}, counted from 0",
            at.topic, at.partition
        ),
    };
    Error::new(ErrorKind::UnknownTopic, message)
}

#[cfg(test)]
mod tests;
