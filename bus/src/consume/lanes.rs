//! Lanes: events of one key run one after the other, events of different keys at once.
//!
//! Pure bookkeeping: what came in, what may run next, what is running. Records without a key share
//! one lane, so that their partition's order is theirs.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use slab::Slab;

use crate::broker::Incoming;

/// The lanes of one partition.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    // By the record's key. Never iterated, so that the map's order cannot show.
    by_key: HashMap<Option<Bytes>, usize>,
    lanes: Slab<Queue>,
    ready: VecDeque<usize>,
    waiting: usize,
    running: usize,
}

/// A lane in which something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane(usize);

#[derive(Debug)]
struct Queue {
    key: Option<Bytes>,
    // Most lanes never have more than one, which needs no memory of its own here.
    first: Option<Incoming>,
    behind: VecDeque<Incoming>,
    running: bool,
}

impl Lanes {
    /// Puts a record at the end of its lane, or gives it back where so many wait in that already.
    pub(crate) fn push(&mut self, record: Incoming, waiting_max: usize) -> Option<Incoming> {
        let lane = *self
            .by_key
            .entry(record.key.clone())
            .or_insert_with_key(|key| {
                self.lanes.insert(Queue {
                    key: key.clone(),
                    first: None,
                    behind: VecDeque::new(),
                    running: false,
                })
            });
        let queue = &mut self.lanes[lane];
        if queue.waiting() >= waiting_max {
            return Some(record);
        }
        if queue.first.is_some() {
            queue.behind.push_back(record);
        } else {
            queue.first = Some(record);
            if !queue.running {
                self.ready.push_back(lane);
            }
        }
        self.waiting += 1;
        None
    }

    /// The next record that may run: the first of a lane in which nothing runs. Lanes take turns.
    pub(crate) fn start(&mut self) -> Option<(Lane, Incoming)> {
        let lane = self.ready.pop_front()?;
        let queue = &mut self.lanes[lane];
        assert!(!queue.running, "a ready lane runs nothing");
        let record = queue.first.take();
        let record = record.expect("a ready lane has something waiting");
        queue.first = queue.behind.pop_front();
        queue.running = true;
        self.waiting -= 1;
        self.running += 1;
        Some((Lane(lane), record))
    }

    /// Whether there is a record that may run.
    pub(crate) fn can_start(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The lane's running record has ended.
    pub(crate) fn end(&mut self, lane: Lane) {
        let queue = &mut self.lanes[lane.0];
        assert!(queue.running, "only a running lane ends");
        queue.running = false;
        self.running -= 1;
        if queue.first.is_some() {
            self.ready.push_back(lane.0);
        } else {
            let queue = self.lanes.remove(lane.0);
            self.by_key.remove(&queue.key);
        }
    }

    /// Drops all that waits. What runs goes on.
    pub(crate) fn clear_waiting(&mut self) {
        self.ready.clear();
        let by_key = &mut self.by_key;
        self.lanes.retain(|_, queue| {
            queue.first = None;
            queue.behind.clear();
            if !queue.running {
                by_key.remove(&queue.key);
            }
            queue.running
        });
        self.waiting = 0;
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

impl Queue {
    fn waiting(&self) -> usize {
        usize::from(self.first.is_some()) + self.behind.len()
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
            assert_eq!(lanes.push(record(Some(key), offset), 9), None);
        }

        let (a, first) = lanes.start().unwrap();
        let (b, other) = lanes.start().unwrap();
        assert_eq!((first.offset, other.offset), (0, 2));
        assert_eq!(lanes.start(), None);
        lanes.end(b);
        assert_eq!(lanes.start(), None);
        lanes.end(a);
        assert_eq!(lanes.start().unwrap().1.offset, 1);
        assert_eq!((lanes.waiting(), lanes.running()), (1, 1));
    }

    #[test]
    fn records_without_a_key_share_a_lane() {
        // Shows that a null key is ordered like a key of its own, apart from the empty key.
        let mut lanes = Lanes::default();
        for (key, offset) in [(None, 0), (None, 1), (Some(""), 2)] {
            assert_eq!(lanes.push(record(key, offset), 9), None);
        }
        assert_eq!(lanes.start().unwrap().1.offset, 0);
        assert_eq!(lanes.start().unwrap().1.offset, 2);
        assert_eq!(lanes.start(), None);
    }

    #[test]
    fn clearing_keeps_what_runs() {
        // Shows that a drain drops what has not begun and lets the rest end.
        let mut lanes = Lanes::default();
        for offset in 0..3 {
            assert_eq!(lanes.push(record(Some("a"), offset), 9), None);
        }
        assert_eq!(lanes.push(record(Some("b"), 3), 9), None);
        let (a, _) = lanes.start().unwrap();
        lanes.clear_waiting();
        assert_eq!((lanes.waiting(), lanes.running()), (0, 1));
        lanes.end(a);
        assert_eq!(lanes.start(), None);
        assert!(lanes.lanes.is_empty() && lanes.by_key.is_empty());
    }

    #[test]
    fn a_lane_has_room_for_so_many() {
        // Shows that what runs does not count, and that what has no room comes back.
        let mut lanes = Lanes::default();
        assert_eq!(lanes.push(record(Some("a"), 0), 2), None);
        let (a, _) = lanes.start().unwrap();
        assert_eq!(lanes.push(record(Some("a"), 1), 2), None);
        assert_eq!(lanes.push(record(Some("a"), 2), 2), None);
        assert_eq!(lanes.push(record(Some("a"), 3), 2).unwrap().offset, 3);
        assert_eq!(lanes.push(record(Some("b"), 4), 2), None);
        lanes.end(a);
        assert_eq!(lanes.start().unwrap().1.offset, 4);
        assert_eq!(lanes.start().unwrap().1.offset, 1);
        assert_eq!(lanes.push(record(Some("a"), 3), 2), None);
    }
}
