//! Many records at once, for the payloads of a flow.
//!
//! A reader costs more than a record. So all partitions share one, which begins at the first offset
//! that is wanted in each and passes over what lies between; only where too much lies between, another
//! reader begins behind it. Time and bytes have limits for all of it together: what was not read is
//! told with the reason, and can be asked for alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use quadrille::broker::{Broker, Incoming, TopicPartition};
use quadrille::world;

use super::{Error, Topics};

/// Longest that all of it may take.
const WAIT: Duration = Duration::from_secs(5);
/// Most records between two wanted ones that are read in vain.
const GAP_MAX: i64 = 500;
/// Most bytes of records that are read, those in vain included.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// Offsets, by partition.
pub type Wanted = BTreeMap<TopicPartition, BTreeSet<i64>>;
/// Records by their places, or why one was not read.
pub type Found = BTreeMap<(TopicPartition, i64), Result<Incoming, String>>;

/// Reads records. Each that is wanted is found, or the reason why it is not.
pub async fn fetch_many(topics: &Topics<'_>, wanted: Wanted) -> Found {
    if topics.answer {
        return fetch_within(topics.broker, topics.world, wanted, BYTES_MAX).await;
    }
    let mut work = Work {
        found: Found::new(),
        bytes_left: 0,
    };
    work.miss(&wanted, &format!("{}: ask again when it does", Error::Away));
    work.found
}

async fn fetch_within(
    broker: &Arc<dyn Broker>,
    world: &world::Shared,
    wanted: Wanted,
    bytes_max: usize,
) -> Found {
    let mut work = Work {
        found: Found::new(),
        bytes_left: bytes_max,
    };
    let all = wanted.clone();
    let ended = world::timeout(world, WAIT, Box::pin(work.read(broker, wanted))).await;
    let why = match ended {
        // Only for want of room is anything left.
        Some(()) => format!("one answer reads {} KiB at most", bytes_max / 1024),
        None => format!("the broker did not give it within {} s", WAIT.as_secs()),
    };
    work.miss(&all, &format!("{why}: ask for its record alone"));
    work.found
}

/// Records under way.
struct Work {
    found: Found,
    bytes_left: usize,
}

impl Work {
    async fn read(&mut self, broker: &Arc<dyn Broker>, wanted: Wanted) {
        let ends = wanted
            .keys()
            .map(|at| async move { (at.clone(), broker.watermarks(at).await) });
        let ends: BTreeMap<_, _> = join_all(ends).await.into_iter().collect();
        let mut runs = BTreeMap::new();
        for (at, mut offsets) in wanted {
            let Some(Ok((low, high))) = ends.get(&at) else {
                let error = ends.get(&at).and_then(|answer| answer.as_ref().err());
                let why = error.map_or_else(String::new, ToString::to_string);
                self.miss(&BTreeMap::from([(at, offsets)]), &why);
                continue;
            };
            let beyond = offsets.split_off(high);
            let there = offsets.split_off(low);
            let why = format!("the partition ends at {high}");
            self.miss(&BTreeMap::from([(at.clone(), beyond)]), &why);
            let why = format!("retention has taken everything before {low}");
            self.miss(&BTreeMap::from([(at.clone(), offsets)]), &why);
            runs.insert(at, split(&there));
        }
        loop {
            let next = runs.iter_mut();
            let pass: Wanted = next
                .filter_map(|(at, runs)| Some((at.clone(), runs.pop_front()?)))
                .collect();
            if pass.is_empty() || self.bytes_left == 0 {
                return;
            }
            if let Err(error) = self.pass(broker, pass).await {
                tracing::debug!(%error, "cannot read records for an answer");
            }
        }
    }

    /// One run of each partition, by one reader.
    async fn pass(
        &mut self,
        broker: &Arc<dyn Broker>,
        mut pass: Wanted,
    ) -> Result<(), quadrille::broker::Error> {
        let from = pass
            .iter()
            .filter_map(|(at, offsets)| Some((at.clone(), *offsets.first()?)));
        let read = broker.read(from.collect()).await;
        let mut reader = read.inspect_err(|error| self.miss(&pass, &error.to_string()))?;
        while !pass.is_empty() && self.bytes_left > 0 {
            let records = reader.next().await;
            let records = records.inspect_err(|error| self.miss(&pass, &error.to_string()))?;
            for record in records {
                // One of nothing at all costs something too.
                self.bytes_left = self.bytes_left.saturating_sub(1 + record.size());
                self.take(record, &mut pass);
            }
        }
        Ok(())
    }

    fn take(&mut self, record: Incoming, pass: &mut Wanted) {
        let (at, offset) = (record.partition.clone(), record.offset);
        let Some(left) = pass.get_mut(&at) else {
            return;
        };
        // Offsets come in order: what is passed over never will.
        let rest = left.split_off(&offset);
        let gone = BTreeMap::from([(at.clone(), std::mem::replace(left, rest))]);
        if left.remove(&offset) {
            self.found.insert((at.clone(), offset), Ok(record));
        }
        if left.is_empty() {
            pass.remove(&at);
        }
        self.miss(&gone, "compaction or a transaction has taken it");
    }

    /// Tells why these are not there, of those that nothing was told of.
    fn miss(&mut self, offsets: &Wanted, why: &str) {
        for (at, offsets) in offsets {
            for offset in offsets {
                let place = (at.clone(), *offset);
                let told = self.found.entry(place);
                told.or_insert_with(|| {
                    Err(format!("{}/{}@{offset}: {why}", at.topic, at.partition))
                });
            }
        }
    }
}

/// Offsets that lie near enough to each other to be read in one go.
fn split(offsets: &BTreeSet<i64>) -> VecDeque<BTreeSet<i64>> {
    let mut runs: VecDeque<BTreeSet<i64>> = VecDeque::new();
    for offset in offsets {
        let last = runs.back().and_then(|run| run.last());
        if last.is_none_or(|last| offset - last > GAP_MAX) {
            runs.push_back(BTreeSet::new());
        }
        runs.back_mut().expect("one was pushed").insert(*offset);
    }
    runs
}

#[cfg(test)]
mod tests;
