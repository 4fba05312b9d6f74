//! Changes under way: submitted, and not yet in the database.
//!
//! Each has a ticket. A record that one of them writes is loaded from here, with a version that
//! names the ticket, so that the next decision on it need not wait for the disk. A change that rests
//! on something older than what is under way is refused at once: it could only conflict.
//!
//! Pure: no clock, no database.

use std::collections::HashMap;
use std::sync::Arc;

use crate::state::{Change, RecordId, Stored};

/// Tells the changes of one process apart, in the order in which they were submitted.
pub(super) type Ticket = u64;

/// Set in the version of a record that a change under way has written; the rest is its ticket.
/// Versions in the database are signed numbers, so that none of them has it.
const UNDER_WAY: u64 = 1 << 63;

/// The version that a record has while the change with this ticket is under way.
pub(super) fn version_of(ticket: Ticket) -> u64 {
    UNDER_WAY | ticket
}

/// The ticket that a version names. `None`: it is a version in the database.
pub(super) fn ticket_of(version: u64) -> Option<Ticket> {
    (version & UNDER_WAY != 0).then_some(version & !UNDER_WAY)
}

/// Changes under way.
#[derive(Debug, Default)]
pub(super) struct Pending {
    last: Ticket,
    // By record, the change that writes it last. Never iterated, so that no order can show.
    heads: HashMap<RecordId, Head>,
}

#[derive(Debug)]
struct Head {
    ticket: Ticket,
    json: Option<Arc<str>>,
}

impl Pending {
    /// Takes a change in. The error: the records on which it rests and which have changed.
    pub(super) fn admit(&mut self, change: &Change) -> Result<Ticket, Vec<RecordId>> {
        let stale = |id: &RecordId, version: u64| {
            let head = self.heads.get(id);
            head.is_some_and(|head| version_of(head.ticket) != version)
        };
        let stale: Vec<_> = change
            .reads
            .iter()
            .filter(|(id, version)| stale(id, **version))
            .map(|(id, _)| id.clone())
            .collect();
        if !stale.is_empty() {
            return Err(stale);
        }
        self.last += 1;
        let ticket = self.last;
        for (id, write) in &change.writes {
            let json = write.json.clone();
            self.heads.insert(id.clone(), Head { ticket, json });
        }
        Ok(ticket)
    }

    /// The record as the last change under way leaves it.
    pub(super) fn get(&self, record: &RecordId) -> Option<Stored> {
        self.heads.get(record).map(|head| Stored {
            version: version_of(head.ticket),
            json: head.json.clone(),
        })
    }

    /// Forgets a change, which is in the database or will never be.
    pub(super) fn end(&mut self, ticket: Ticket, change: &Change) {
        for id in change.writes.keys() {
            if self.heads.get(id).is_some_and(|head| head.ticket == ticket) {
                self.heads.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::state::Write;

    fn item(key: &str) -> RecordId {
        RecordId {
            kind: "item",
            key: key.into(),
        }
    }

    fn change(reads: &[(&str, u64)], writes: &[&str]) -> Change {
        let write = |json: &str| Write {
            json: Some(json.into()),
            indexes: BTreeMap::new(),
        };
        Change {
            reads: reads.iter().map(|(key, v)| (item(key), *v)).collect(),
            writes: writes.iter().map(|key| (item(key), write("1"))).collect(),
            ..Change::default()
        }
    }

    #[test]
    fn decisions_on_one_record_follow_each_other() {
        // Shows a chain: each rests on the one before, which is not yet in the database.
        let mut pending = Pending::default();
        assert_eq!(pending.get(&item("hot")), None);
        let first = change(&[("hot", 7)], &["hot"]);
        let one = pending.admit(&first).unwrap();

        let seen = pending.get(&item("hot")).unwrap();
        assert_eq!(ticket_of(seen.version), Some(one));
        let second = change(&[("hot", seen.version)], &["hot"]);
        let two = pending.admit(&second).unwrap();

        // Then the end of the first leaves the second visible.
        pending.end(one, &first);
        assert_eq!(pending.get(&item("hot")).unwrap().version, version_of(two));
        pending.end(two, &second);
        assert_eq!(pending.get(&item("hot")), None);
    }

    #[test]
    fn what_rests_on_something_older_is_refused_at_once_and_leaves_no_trace() {
        let mut pending = Pending::default();
        pending.admit(&change(&[], &["hot"])).unwrap();
        let stale = change(&[("hot", 7), ("cold", 1)], &["other"]);

        assert_eq!(pending.admit(&stale), Err(vec![item("hot")]));

        assert_eq!(pending.get(&item("other")), None);
    }

    #[test]
    fn a_version_in_the_database_names_no_ticket() {
        for version in [0, 1, i64::MAX as u64] {
            assert_eq!(ticket_of(version), None);
        }
        assert_eq!(ticket_of(version_of(5)), Some(5));
    }
}
