//! Lanes: events of one key run one after the other, events of different keys at once.
//!
//! Pure bookkeeping: what came in, what may run next, what is running. Records without a key share
//! one lane, so that their partition's order is theirs.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::broker::Incoming;

/// The lanes of one partition.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    // Never iterated, so that the map's order cannot show.
    lanes: HashMap<Lane, Queue>,
    ready: VecDeque<Lane>,
    waiting: usize,
    running: usize,
}

/// Which lane: the record's key.
pub(crate) type Lane = Option<Bytes>;

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Incoming>,
    running: bool,
}

impl Lanes {
    /// Puts a record at the end of its lane.
    pub(crate) fn push(&mut self, record: Incoming) {
        let lane = record.key.clone();
        let queue = self.lanes.entry(lane.clone()).or_default();
        if queue.waiting.is_empty() && !queue.running {
            self.ready.push_back(lane);
        }
        queue.waiting.push_back(record);
        self.waiting += 1;
    }

    /// The next record that may run: the first of a lane in which nothing runs. Lanes take turns.
    pub(crate) fn start(&mut self) -> Option<Incoming> {
        let lane = self.ready.pop_front()?;
        let queue = self.lanes.get_mut(&lane).expect("a ready lane is there");
        assert!(!queue.running, "a ready lane runs nothing");
        let record = queue
            .waiting
            .pop_front()
            .expect("a ready lane has something waiting");
        queue.running = true;
        self.waiting -= 1;
        self.running += 1;
        Some(record)
    }

    /// Whether there is a record that may run.
    pub(crate) fn can_start(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The lane's running record has ended.
    pub(crate) fn end(&mut self, lane: &Lane) {
        let queue = self.lanes.get_mut(lane).expect("a running lane is there");
        assert!(queue.running, "only a running lane ends");
        queue.running = false;
        self.running -= 1;
        if queue.waiting.is_empty() {
            self.lanes.remove(lane);
        } else {
            self.ready.push_back(lane.clone());
        }
    }

    /// Drops all that waits. What runs goes on.
    pub(crate) fn clear_waiting(&mut self) {
        self.ready.clear();
        self.lanes.retain(|_, queue| {
            queue.waiting.clear();
            queue.running
        });
        self.waiting = 0;
    }

    /// Records waiting in the lane of this key.
    pub(crate) fn waiting_of(&self, lane: &Lane) -> usize {
        self.lanes.get(lane).map_or(0, |queue| queue.waiting.len())
    }

    /// Records waiting in all lanes.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Records running in all lanes.
    pub(crate) fn running(&self) -> usize {
        self.running
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{Headers, TopicName, TopicPartition};

    fn record(key: Option<&'static str>, offset: i64) -> Incoming {
        Incoming {
            partition: TopicPartition::new(TopicName::parse("t").unwrap(), 0),
            offset,
            timestamp_ms: 0,
            key: key.map(Bytes::from),
            value: None,
            headers: Headers::new(),
        }
    }

    #[test]
    fn a_lane_runs_one_at_a_time_and_in_order() {
        // Shows that keys overtake each other but never themselves.
        let mut lanes = Lanes::default();
        for (key, offset) in [("a", 0), ("a", 1), ("b", 2), ("a", 3)] {
            lanes.push(record(Some(key), offset));
        }

        assert_eq!(lanes.start().unwrap().offset, 0);
        assert_eq!(lanes.start().unwrap().offset, 2);
        assert_eq!(lanes.start(), None);
        lanes.end(&Some("b".into()));
        assert_eq!(lanes.start(), None);
        lanes.end(&Some("a".into()));
        assert_eq!(lanes.start().unwrap().offset, 1);
        assert_eq!((lanes.waiting(), lanes.running()), (1, 1));
    }

    #[test]
    fn records_without_a_key_share_a_lane() {
        // Shows that a null key is ordered like a key of its own, apart from the empty key.
        let mut lanes = Lanes::default();
        lanes.push(record(None, 0));
        lanes.push(record(None, 1));
        lanes.push(record(Some(""), 2));
        assert_eq!(lanes.start().unwrap().offset, 0);
        assert_eq!(lanes.start().unwrap().offset, 2);
        assert_eq!(lanes.start(), None);
    }

    #[test]
    fn clearing_keeps_what_runs() {
        // Shows that a drain drops what has not begun and lets the rest end.
        let mut lanes = Lanes::default();
        for offset in 0..3 {
            lanes.push(record(Some("a"), offset));
        }
        lanes.push(record(Some("b"), 3));
        assert!(lanes.start().is_some());
        lanes.clear_waiting();
        assert_eq!((lanes.waiting(), lanes.running()), (0, 1));
        lanes.end(&Some("a".into()));
        assert_eq!(lanes.start(), None);
        assert!(lanes.lanes.is_empty());
    }
}
