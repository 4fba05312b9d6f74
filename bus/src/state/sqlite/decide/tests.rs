use super::super::pending::version_of;
use super::*;
use crate::id::{EventId, Source};

fn item(key: &str) -> RecordId {
    RecordId {
        kind: "item",
        key: key.into(),
    }
}

fn write(json: &str) -> Write {
    Write {
        json: Some(json.into()),
        indexes: BTreeMap::new(),
    }
}

/// A decision that read `hot` at a version and writes it.
fn on_hot(version: u64) -> Change {
    Change {
        reads: BTreeMap::from([(item("hot"), version)]),
        writes: BTreeMap::from([(item("hot"), write("1"))]),
        ..Change::default()
    }
}

fn at_version(version: u64) -> View {
    View {
        versions: BTreeMap::from([(item("hot"), version)]),
        ..View::default()
    }
}

fn judged(changes: &[(Ticket, Change)], view: &mut View, written: &Written) -> Vec<Applied> {
    let changes = changes.iter().map(|(ticket, change)| (*ticket, change));
    let decided = decide(changes, view, written, 100, 100);
    decided.verdicts.into_iter().map(Result::unwrap).collect()
}

fn is_conflict(applied: &Applied) -> bool {
    matches!(applied, Applied::Conflict(_))
}

#[test]
fn a_chain_of_decisions_on_one_record_happens_in_one_group() {
    // Shows that each may rest on the one before, and that the record counts every write.
    let changes = [
        (1, on_hot(7)),
        (2, on_hot(version_of(1))),
        (3, on_hot(version_of(2))),
    ];
    let mut view = at_version(7);
    let all = judged(&changes, &mut view, &Written::default());
    assert!(
        all.iter().all(|one| matches!(one, Applied::Done(_))),
        "{all:?}"
    );
    assert_eq!(view.versions[&item("hot")], 10);
}

#[test]
fn what_rests_on_a_refused_change_is_refused() {
    // Given somebody else's write in between, then the whole chain behind the first falls.
    let changes = [
        (1, on_hot(7)),
        (2, on_hot(version_of(1))),
        (3, on_hot(8)),
        (4, on_hot(version_of(2))),
    ];
    let mut view = at_version(8);
    let all = judged(&changes, &mut view, &Written::default());
    assert!(is_conflict(&all[0]) && is_conflict(&all[1]) && is_conflict(&all[3]));
    assert!(matches!(all[2], Applied::Done(_)));
}

#[test]
fn the_same_number_written_by_somebody_else_is_not_taken_for_ones_own() {
    // Shows why tickets are needed: version 8 is there, and it is not the one that was seen.
    let rests_on_one = [(2, on_hot(version_of(1)))];
    let all = judged(&rests_on_one, &mut at_version(8), &Written::default());
    assert!(is_conflict(&all[0]));

    // Given that change 1 did write it, then it is.
    let first = on_hot(7);
    let mut view = at_version(7);
    let mut written = Written::default();
    written.note(&decide([(1, &first)], &mut view, &Written::default(), 1, 1));
    let all = judged(&rests_on_one, &mut at_version(8), &written);
    assert!(matches!(all[0], Applied::Done(_)));
    // And once somebody has written over it, it is not.
    let all = judged(&rests_on_one, &mut at_version(9), &written);
    assert!(is_conflict(&all[0]));
}

#[test]
fn a_double_in_one_group_is_handled_once_and_both_places_count() {
    let partition = TopicPartition::new(TopicName::checked("t"), 0);
    let event = |offset| Change {
        event: Some(EventKey {
            source: Source::new("/s"),
            id: EventId::new("e"),
        }),
        position: Some(EventPosition {
            partition: partition.clone(),
            offset,
            low_water: 0,
            epoch: 3,
        }),
        ..Change::default()
    };
    let taken = Taken {
        epoch: 3,
        handled: None,
    };
    let mut view = View {
        partitions: BTreeMap::from([(partition.clone(), taken)]),
        ..View::default()
    };
    let all = judged(
        &[(1, event(0)), (2, event(1))],
        &mut view,
        &Written::default(),
    );
    assert!(matches!(all[0], Applied::Done(_)));
    assert_eq!(all[1], Applied::Duplicate);
    let handled = view.partitions[&partition].handled.clone().unwrap();
    assert_eq!(handled.low_water, 2);

    // Then somebody else takes the partition over.
    view.partitions.get_mut(&partition).unwrap().epoch = 4;
    let late = judged(&[(3, event(2))], &mut view, &Written::default());
    assert_eq!(late, [Applied::Fenced]);
}

#[test]
fn a_full_outbox_refuses_what_publishes_and_nothing_else() {
    let publishes = Change {
        outbox: vec![Outgoing {
            topic: TopicName::checked("t"),
            partition: None,
            key: None,
            value: None,
            headers: crate::broker::Headers::new(),
            timestamp_ms: None,
        }],
        ..Change::default()
    };
    let stale = Change {
        reads: BTreeMap::from([(item("hot"), 3)]),
        ..publishes.clone()
    };
    let silent = Change::default();
    let changes = [&publishes, &publishes, &stale, &silent];
    let changes = changes.into_iter().map(|change| (1, change));

    let decided = decide(changes, &mut View::default(), &Written::default(), 1, 5);

    assert!(matches!(&decided.verdicts[0], Ok(Applied::Done(done)) if done.row == Some(1)));
    let full = decided.verdicts[1].as_ref().unwrap_err();
    assert_eq!(full.kind, crate::state::ErrorKind::OutboxFull);
    assert!(full.message.contains("holds 5 rows"), "{}", full.message);
    assert!(matches!(&decided.verdicts[2], Ok(Applied::Conflict(_))));
    assert!(matches!(&decided.verdicts[3], Ok(Applied::Done(done)) if done.row.is_none()));
}
