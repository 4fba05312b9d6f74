//! Topics of which the loss of one disk can lose events: each is told once in a process.
//!
//! "Nothing lost" needs a second copy that acks=all waits for. All services of a process look at the
//! same topics, and a start may look again and again, so what was told is kept; topics that lack the
//! same are told in one line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::broker::{TopicDescription, TopicName};
use crate::observe;

/// What was seen and what was told.
#[derive(Debug, Default)]
pub(crate) struct Durability(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// By replicas, and by how many of them an acknowledgement needs.
    untold: BTreeMap<(i32, i32), BTreeSet<TopicName>>,
    known: BTreeSet<TopicName>,
}

impl Durability {
    /// Looks at a topic.
    pub(crate) fn note(&self, name: &TopicName, found: &TopicDescription) {
        // The in-memory broker has none, and says at its start that nothing outlives it.
        let Some(in_sync) = found.min_insync_replicas else {
            return;
        };
        if found.replication >= 2 && in_sync >= 2 {
            return;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.known.insert(name.clone()) {
            let lacking = seen.untold.entry((found.replication, in_sync)).or_default();
            lacking.insert(name.clone());
        }
    }

    /// Tells what was not told yet.
    pub(crate) fn tell(&self) {
        for line in self.lines() {
            observe::not_durable(&line);
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let untold = std::mem::take(&mut seen.untold);
        let lines = untold.into_iter().map(|((replicas, in_sync), names)| {
            let names: Vec<_> = names.iter().map(TopicName::as_str).collect();
            format!(
                "with {replicas} replica(s) and min.insync.replicas = {in_sync}, the loss of one \
                 disk can lose events of {}: use at least 3 and 2",
                names.join(", ")
            )
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(replication: i32, in_sync: Option<i32>) -> TopicDescription {
        TopicDescription {
            partitions: 6,
            replication,
            retention: None,
            min_insync_replicas: in_sync,
        }
    }

    #[test]
    fn each_topic_is_told_once_and_those_that_lack_the_same_together() {
        // Given topics that two services look at, one of them twice.
        let durability = Durability::default();
        let (orders, payments) = (TopicName::checked("orders"), TopicName::checked("payments"));
        durability.note(&orders, &described(1, Some(1)));
        durability.note(&payments, &described(1, Some(1)));
        durability.note(&orders, &described(1, Some(1)));
        durability.note(&TopicName::checked("safe"), &described(3, Some(2)));
        durability.note(&TopicName::checked("in-memory"), &described(1, None));

        let lines = durability.lines();

        assert_eq!(
            lines,
            [
                "with 1 replica(s) and min.insync.replicas = 1, the loss of one disk can lose \
                 events of orders, payments: use at least 3 and 2"
            ]
        );
        durability.note(&orders, &described(1, Some(1)));
        durability.note(&TopicName::checked("late"), &described(3, Some(1)));
        let lines = durability.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("events of late:"), "{lines:?}");
    }
}
