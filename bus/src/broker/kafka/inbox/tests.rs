use bytes::Bytes;
use futures::FutureExt as _;

use super::*;
use crate::broker::{Assigned, ErrorKind, Headers, Revoked, TopicName};

fn at(partition: i32) -> TopicPartition {
    TopicPartition::new(TopicName::parse("t").unwrap(), partition)
}

fn run(partition: i32, offsets: std::ops::Range<i64>) -> Vec<Incoming> {
    offsets
        .map(|offset| Incoming {
            partition: at(partition),
            offset,
            timestamp_ms: 0,
            key: None,
            value: Some(Bytes::from_static(b"0123456789")),
            headers: Headers::new(),
        })
        .collect()
}

fn inbox(partitions: &[i32]) -> Inbox {
    let inbox = Inbox::new(Limit {
        records: 10,
        bytes: 1_000,
    });
    let partitions: Vec<_> = partitions.iter().copied().map(at).collect();
    inbox.open(&partitions);
    inbox
}

/// Partition and offsets of everything that can be taken.
fn records(inbox: &Inbox) -> Vec<(i32, Vec<i64>)> {
    let mut taken = Vec::new();
    while let Some(Signal::Records(run)) = inbox.next().now_or_never() {
        let offsets = run.iter().map(|record| record.offset).collect();
        taken.push((run[0].partition.partition, offsets));
    }
    taken
}

#[test]
fn partitions_take_turns_and_keep_their_order() {
    // Shows that a partition with much does not hold the others up.
    let inbox = inbox(&[0, 1]);
    inbox.put(inbox.epoch(), run(0, 0..2));
    inbox.put(inbox.epoch(), run(0, 2..4));
    inbox.put(inbox.epoch(), run(1, 0..1));
    assert_eq!(
        records(&inbox),
        [(0, vec![0, 1]), (1, vec![0]), (0, vec![2, 3])]
    );
}

#[test]
fn a_paused_partition_keeps_its_records_and_hands_them_over_once() {
    // Shows that a pause takes effect at once, loses nothing, doubles nothing, and lets others by.
    let inbox = inbox(&[0, 1]);
    inbox.put(inbox.epoch(), run(0, 0..2));
    inbox.pause(&[at(0), at(7)]);
    inbox.put(inbox.epoch(), run(0, 2..3));
    inbox.put(inbox.epoch(), run(1, 0..1));
    assert_eq!(records(&inbox), [(1, vec![0])]);
    inbox.resume(&[at(0)]);
    assert_eq!(records(&inbox), [(0, vec![0, 1]), (0, vec![2])]);
}

#[test]
fn fetching_goes_on_in_a_pause_until_enough_is_aside() {
    // Shows that a short pause throws nothing away, that the fullest stops where there is too much,
    // and that the poll thread hears of each change once.
    let inbox = inbox(&[0, 1, 2]);
    inbox.put(inbox.epoch(), run(0, 0..4));
    inbox.pause(&[at(0), at(1)]);
    inbox.put(inbox.epoch(), run(1, 0..5));
    assert!(inbox.has_room() && !inbox.stop_fullest());
    assert_eq!(inbox.changed_pauses(), None);
    inbox.put(inbox.epoch(), run(0, 4..5));
    inbox.put(inbox.epoch(), run(0, 5..6));
    assert!(!inbox.has_room() && !inbox.is_full());
    assert!(inbox.stop_fullest());
    assert!(inbox.has_room() && !inbox.stop_fullest());
    assert_eq!(inbox.changed_pauses(), Some(BTreeSet::from([at(0)])));
    assert_eq!(inbox.changed_pauses(), None);
    inbox.resume(&[at(0)]);
    assert_eq!(inbox.changed_pauses(), Some(BTreeSet::new()));
    inbox.close(&[at(1)]);
    inbox.resume(&[at(1)]);
    assert_eq!(inbox.changed_pauses(), None);
    let of_0 = [vec![0, 1, 2, 3], vec![4], vec![5]];
    assert_eq!(records(&inbox), of_0.map(|offsets| (0, offsets)));
}

#[test]
fn what_lies_aside_has_a_limit() {
    // Shows that all paused partitions stop where those that have stopped leave no room.
    let inbox = inbox(&[0, 1, 2]);
    inbox.pause(&[at(0), at(1), at(2)]);
    inbox.put(inbox.epoch(), run(0, 0..12));
    assert!(inbox.stop_fullest());
    inbox.put(inbox.epoch(), run(1, 0..7));
    assert_eq!(inbox.changed_pauses(), Some(BTreeSet::from([at(0)])));
    inbox.put(inbox.epoch(), run(2, 0..1));
    let all = BTreeSet::from([at(0), at(1), at(2)]);
    assert_eq!(inbox.changed_pauses(), Some(all));
    assert!(inbox.has_room());
}

#[test]
fn a_paused_partition_does_not_fill_the_inbox_for_good() {
    // Shows that the others cannot starve behind it, and that it counts again once it resumes.
    let inbox = inbox(&[0, 1]);
    inbox.put(inbox.epoch(), run(0, 0..10));
    assert!(!inbox.has_room());
    inbox.pause(&[at(0)]);
    assert!(!inbox.is_full() && inbox.stop_fullest());
    assert!(inbox.has_room());
    inbox.resume(&[at(0)]);
    assert!(!inbox.has_room() && inbox.is_full());
    assert_eq!(records(&inbox).len(), 1);
    assert!(inbox.has_room());
}

#[test]
fn bytes_fill_the_inbox_too() {
    // Shows the second limit.
    let inbox = Inbox::new(Limit {
        records: 1_000,
        bytes: 20,
    });
    inbox.open(&[at(0)]);
    inbox.put(inbox.epoch(), run(0, 0..1));
    assert!(inbox.has_room());
    inbox.put(inbox.epoch(), run(0, 1..2));
    assert!(!inbox.has_room());
}

#[test]
fn a_signal_overtakes_the_records_of_a_partition_that_is_given_up() {
    // Shows that no record follows the signal, while the partition can still be committed.
    let inbox = inbox(&[0, 1]);
    inbox.put(inbox.epoch(), run(0, 0..2));
    inbox.put(inbox.epoch(), run(1, 0..1));
    inbox.close(&[at(0)]);
    inbox.put(inbox.epoch(), run(0, 2..4));
    let (revoked, _answer) = Revoked::new(vec![at(0)]);
    inbox.signal(Signal::Revoked(revoked));
    assert!(matches!(
        inbox.next().now_or_never(),
        Some(Signal::Revoked(_))
    ));
    assert_eq!(records(&inbox), [(1, vec![0])]);
    assert_eq!(inbox.first_not_owned([at(0)].iter()), None);
    inbox.remove(&[at(0)]);
    assert_eq!(inbox.first_not_owned([at(0)].iter()), Some(&at(0)));
}

#[test]
fn records_of_an_earlier_assignment_are_gone_when_the_partition_returns() {
    // Shows that a partition that comes back starts with an empty shelf and without its pause.
    let inbox = inbox(&[0]);
    let before = inbox.epoch();
    inbox.put(before, run(0, 0..5));
    inbox.pause(&[at(0)]);
    inbox.remove(&[at(0)]);
    inbox.put(before, run(0, 5..6));
    inbox.open(&[at(0)]);
    inbox.put(before, run(0, 6..7));
    assert!(inbox.paused().is_empty());
    inbox.put(inbox.epoch(), run(0, 3..4));
    assert_eq!(records(&inbox), [(0, vec![3])]);
    assert_eq!(inbox.owned(), [at(0)]);
}

#[test]
fn troubles_that_nobody_hears_do_not_pile_up() {
    // Shows the limit on troubles, and that no other signal is dropped for them.
    let inbox = inbox(&[]);
    let (assigned, _answer) = Assigned::new(vec![at(0)]);
    inbox.signal(Signal::Assigned(assigned));
    for nth in 0..100 {
        inbox.trouble(Error::new(ErrorKind::Other, nth.to_string()));
    }
    let mut heard = Vec::new();
    while let Some(signal) = inbox.next().now_or_never() {
        heard.push(signal);
    }
    assert_eq!(heard.len(), 1 + TROUBLES_MAX);
    assert!(matches!(heard[0], Signal::Assigned(_)));
    let Some(Signal::Troubled(newest)) = heard.last() else {
        panic!("troubles come last");
    };
    assert_eq!(newest.to_string(), "99");
}

#[test]
fn a_member_that_has_failed_hears_nothing_more() {
    // Shows that failure is the last signal, whatever lay in the inbox before.
    let inbox = inbox(&[0]);
    inbox.put(inbox.epoch(), run(0, 0..1));
    inbox.signal(Signal::Failed(Error::new(ErrorKind::Fenced, "replaced")));
    inbox.trouble(Error::new(ErrorKind::Other, "late"));
    assert!(matches!(
        inbox.next().now_or_never(),
        Some(Signal::Failed(_))
    ));
    assert!(inbox.next().now_or_never().is_none());
}

#[test]
fn a_member_that_did_not_answer_loses_what_it_knows_of() {
    // Shows that an unheard assignment is taken back without a word, that an unheard revocation
    // becomes a loss, and that the poll thread learns when the member listens again.
    let inbox = inbox(&[0]);
    let (assigned, _answer) = Assigned::new(vec![at(0)]);
    inbox.signal(Signal::Assigned(assigned));
    inbox.take_back();
    assert!(!inbox.is_back());
    assert!(inbox.next().now_or_never().is_none());
    assert!(inbox.is_back());
    assert!(!inbox.is_back());

    inbox.open(&[at(0)]);
    let (revoked, _answer) = Revoked::new(vec![at(0)]);
    inbox.signal(Signal::Revoked(revoked));
    inbox.take_back();
    assert!(inbox.owned().is_empty());
    let Some(Signal::Lost(lost)) = inbox.next().now_or_never() else {
        panic!("it hears that it has lost them");
    };
    assert_eq!(lost, [at(0)]);
    assert!(inbox.next().now_or_never().is_none());
    assert!(inbox.is_back());
}

#[test]
fn a_member_that_asks_for_nothing_is_noticed() {
    // Shows that time counts only while the member does something else and owns something.
    let inbox = inbox(&[0]);
    let (never, always) = (Duration::from_secs(3600), Duration::ZERO);
    assert!(inbox.is_neglected(always));
    assert!(!inbox.is_neglected(never));
    let mut waiting = Box::pin(inbox.next());
    assert!(waiting.as_mut().now_or_never().is_none());
    assert!(!inbox.is_neglected(always));
    drop(waiting);
    assert!(inbox.is_neglected(always));
    inbox.take_back();
    assert!(!inbox.is_neglected(always));
}
