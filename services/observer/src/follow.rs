//! Reads topics as they grow, without a consumer group: nothing is committed, and nobody notices.
//!
//! Topics that are not there yet are looked for again and again. After trouble, reading goes on where
//! it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use quadrille::Event as _;
use quadrille::broker::{Broker, Error, Incoming, Reader, TopicName, TopicPartition};
use quadrille::wire::{ContractPublished, Receipt};
use quadrille::world;

/// Time between two looks for topics that are not there yet.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the first record that is there.
    Beginning,
    /// With what comes from now on.
    Now,
}

/// Reads topics as they grow.
pub struct Follow {
    broker: Arc<dyn Broker>,
    world: world::Shared,
    from: From,
    topics: BTreeSet<String>,
    resumed: BTreeMap<TopicPartition, i64>,
    positions: BTreeMap<TopicPartition, i64>,
    reader: Option<Box<dyn Reader>>,
    looked: Option<Duration>,
}

/// The bus's own topics that tell of flows.
pub fn internal_topics() -> [&'static str; 2] {
    [
        Receipt::SCHEMA.topic.name,
        ContractPublished::SCHEMA.topic.name,
    ]
}

impl Follow {
    /// Follows these topics. Nothing is asked of the broker yet.
    pub fn new(broker: Arc<dyn Broker>, world: world::Shared, from: From) -> Self {
        Self {
            broker,
            world,
            from,
            topics: BTreeSet::new(),
            resumed: BTreeMap::new(),
            positions: BTreeMap::new(),
            reader: None,
            looked: None,
        }
    }

    /// Follows these topics as well.
    pub fn add(&mut self, topics: impl IntoIterator<Item = String>) {
        let before = self.topics.len();
        self.topics.extend(topics);
        if self.topics.len() > before {
            self.looked = None;
        }
    }

    /// Goes on at these positions, where the partitions still reach there.
    pub fn resume(&mut self, positions: BTreeMap<TopicPartition, i64>) {
        self.resumed = positions;
    }

    /// How far each partition was read.
    pub fn positions(&self) -> &BTreeMap<TopicPartition, i64> {
        &self.positions
    }

    /// Finds out where to begin, so that nothing is missed from here on.
    pub async fn begin(&mut self) -> Result<(), Error> {
        self.look().await
    }

    /// Waits for the next records. Cancel-safe. After an error it may be called again.
    pub async fn next(&mut self) -> Result<Vec<Incoming>, Error> {
        loop {
            let now = self.world.elapsed();
            let since = self.looked.map(|looked| now.saturating_sub(looked));
            if since.is_none_or(|since| since >= LOOK_AGAIN) {
                self.look().await?;
            }
            let Some(reader) = &mut self.reader else {
                // None of the topics is there.
                self.world.sleep(LOOK_AGAIN / 4).await;
                continue;
            };
            match world::timeout(&self.world, LOOK_AGAIN, reader.next()).await {
                None => {}
                Some(Err(error)) => {
                    self.reader = None;
                    self.looked = None;
                    return Err(error);
                }
                Some(Ok(records)) => {
                    for record in &records {
                        let position = self.positions.get_mut(&record.partition);
                        *position.expect("only what is asked for is read") = record.offset + 1;
                    }
                    return Ok(records);
                }
            }
        }
    }

    /// Looks for partitions that are not read yet, and reads them too.
    async fn look(&mut self) -> Result<(), Error> {
        let first = self.positions.is_empty() && self.looked.is_none();
        let found = partitions(&*self.broker, &self.topics).await?;
        let mut positions = self.positions.clone();
        for partition in found {
            if positions.contains_key(&partition) {
                continue;
            }
            let (low, high) = self.broker.watermarks(&partition).await?;
            // A topic that came to be later holds nothing but what came later.
            let now = first && self.from == From::Now;
            // A topic that was made anew ends before where an older one was read to.
            let resumed = self.resumed.get(&partition).copied();
            let resumed = resumed.filter(|next| (low..=high).contains(next));
            let start = if now { high } else { low };
            positions.insert(partition, resumed.unwrap_or(start));
        }
        if positions.len() > self.positions.len() || self.reader.is_none() {
            self.reader = match positions.is_empty() {
                true => None,
                false => Some(self.broker.read(positions.clone()).await?),
            };
        }
        self.positions = positions;
        self.looked = Some(self.world.elapsed());
        Ok(())
    }
}

/// The partitions of those topics that are there.
pub async fn partitions(
    broker: &dyn Broker,
    topics: &BTreeSet<String>,
) -> Result<Vec<TopicPartition>, Error> {
    let mut partitions = Vec::new();
    for topic in topics {
        // A contract can name whatever it likes.
        let Ok(name) = TopicName::parse(topic) else {
            continue;
        };
        if let Some(found) = broker.describe(&name).await? {
            let all = 0..found.partitions;
            partitions.extend(all.map(|partition| TopicPartition::new(name.clone(), partition)));
        }
    }
    Ok(partitions)
}
