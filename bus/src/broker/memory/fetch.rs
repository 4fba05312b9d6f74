//! Where one client stands in its partitions, and taking records from there in turn.

use std::collections::BTreeMap;

use super::super::{Incoming, TopicPartition};
use super::log::Room;
use super::topics::Topics;
use super::{ClientId, Config};

/// Where one client stands in its partitions.
#[derive(Debug, Default)]
pub(super) struct Fetcher {
    /// Sorted by partition.
    lanes: Vec<Lane>,
    /// Index of the lane that is served first next time.
    turn: usize,
}

#[derive(Debug)]
struct Lane {
    at: TopicPartition,
    position: i64,
    paused: bool,
    /// The partition is being given up: nothing more comes of it.
    closed: bool,
}

/// Records that retention dropped before the client read them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skipped {
    /// Where.
    pub(super) at: TopicPartition,
    /// First offset that the client did not get.
    pub(super) from: i64,
    /// Offset at which it goes on.
    pub(super) to: i64,
}

impl Fetcher {
    /// Stands at the given positions.
    pub(super) fn new(positions: BTreeMap<TopicPartition, i64>) -> Self {
        let mut fetcher = Self::default();
        fetcher.add(positions);
        fetcher
    }

    /// Stands at these positions too. A partition that is here already starts anew.
    pub(super) fn add(&mut self, positions: BTreeMap<TopicPartition, i64>) {
        self.remove(|at| positions.contains_key(at));
        let lanes = positions.into_iter().map(|(at, position)| Lane {
            at,
            position,
            paused: false,
            closed: false,
        });
        self.lanes.extend(lanes);
        self.lanes.sort_by(|one, other| one.at.cmp(&other.at));
    }

    /// Gives nothing more of these partitions.
    pub(super) fn close(&mut self, partitions: &[TopicPartition]) {
        for lane in &mut self.lanes {
            lane.closed |= partitions.contains(&lane.at);
        }
    }

    /// Forgets partitions.
    pub(super) fn remove(&mut self, gone: impl Fn(&TopicPartition) -> bool) {
        self.lanes.retain(|lane| !gone(&lane.at));
        self.turn = 0;
    }

    /// Pauses a partition or takes it up again. One that is not here is passed over.
    pub(super) fn set_paused(&mut self, at: &TopicPartition, paused: bool) {
        if let Ok(index) = self.lanes.binary_search_by(|lane| lane.at.cmp(at)) {
            self.lanes[index].paused = paused;
        }
    }

    /// Takes the next records, of each partition in turn, up to the limits of one call.
    pub(super) fn fetch(
        &mut self,
        topics: &Topics,
        config: &Config,
        skipped: &mut Vec<Skipped>,
    ) -> Vec<Incoming> {
        let mut room = Room {
            records: config.fetch_records_max,
            bytes: config.fetch_bytes_max,
        };
        let mut out = Vec::new();
        let count = self.lanes.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let lane = &mut self.lanes[index];
            if lane.paused || lane.closed {
                continue;
            }
            let Ok(log) = topics.log(&lane.at) else {
                continue;
            };
            if lane.position < log.low() {
                skipped.push(Skipped {
                    at: lane.at.clone(),
                    from: lane.position,
                    to: log.low(),
                });
                lane.position = log.low();
            }
            lane.position = log.read(&lane.at, lane.position, &mut room, &mut out);
            if room.records == 0 || room.bytes == 0 {
                // The next call begins behind the partition that used up this one.
                self.turn = (index + 1) % count;
                break;
            }
        }
        out
    }

    /// Waits for more in every partition that is not paused.
    pub(super) fn wait(&self, client: ClientId, topics: &mut Topics) {
        for lane in self.lanes.iter().filter(|lane| !lane.paused) {
            topics.wait(&lane.at, client);
        }
    }
}
