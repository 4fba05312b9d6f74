use super::*;
use crate::broker::TopicName;

fn at() -> TopicPartition {
    TopicPartition::new(TopicName::parse("t").unwrap(), 0)
}

fn body(timestamp_ms: i64, key: &str, value: Option<&str>) -> Body {
    Body {
        timestamp_ms,
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value: value.map(|value| Bytes::copy_from_slice(value.as_bytes())),
        headers: Headers::new(),
    }
}

/// A log with records of these timestamps.
fn timed(timestamps: &[i64]) -> Log {
    let mut log = Log::new();
    for time in timestamps {
        log.append(body(*time, "k", Some("v")));
    }
    log
}

/// The offsets that a read gives, and where it would go on.
fn read(log: &Log, position: i64, records: usize, bytes: usize) -> (Vec<i64>, i64) {
    let mut out = Vec::new();
    let next = log.read(&at(), position, &mut Room { records, bytes }, &mut out);
    (out.iter().map(|record| record.offset).collect(), next)
}

#[test]
fn reads_from_a_position_up_to_the_limits() {
    // Each record has two bytes, key and value.
    let log = timed(&[1, 2, 3, 4, 5]);

    assert_eq!(read(&log, 0, 500, 1_000), (vec![0, 1, 2, 3, 4], 5));
    assert_eq!(read(&log, 3, 500, 1_000), (vec![3, 4], 5));
    assert_eq!(
        read(&log, 0, 2, 1_000),
        (vec![0, 1], 2),
        "records are limited"
    );
    assert_eq!(read(&log, 1, 500, 5), (vec![1, 2], 3), "bytes are limited");
    assert_eq!(
        read(&log, 5, 500, 1_000),
        (vec![], 5),
        "the end has nothing"
    );
    assert_eq!(
        read(&log, 99, 500, 1_000),
        (vec![], 99),
        "nor has what lies behind it"
    );
}

#[test]
fn a_record_larger_than_the_limit_gets_through_alone() {
    let log = timed(&[1, 2]);

    assert_eq!(read(&log, 0, 500, 1), (vec![0], 1));
}

#[test]
fn a_full_call_takes_no_small_record_of_the_next_partition() {
    // Else a partition with small records would be served in every turn of the one with large ones.
    let log = timed(&[1, 2]);
    let mut out = Vec::new();
    let mut room = Room {
        records: 500,
        bytes: 3,
    };

    log.read(&at(), 0, &mut room, &mut out);

    assert_eq!(out.len(), 1);
    assert_eq!(room.records, 0);
}

#[test]
fn retention_drops_the_front_and_moves_the_low_watermark() {
    let mut log = timed(&[10, 20, 30]);
    let cost = body(10, "k", Some("v")).cost();

    let freed = log.drop_before(25);

    assert_eq!(freed, 2 * cost);
    assert_eq!((log.low(), log.high()), (2, 3));
    assert_eq!(read(&log, 0, 500, 1_000), (vec![2], 3));
    log.drop_before(i64::MAX);
    assert_eq!(
        (log.low(), log.high()),
        (3, 3),
        "an empty log keeps its end"
    );
    assert_eq!(log.append(body(40, "k", None)), 3);
}

#[test]
fn a_younger_record_in_front_holds_retention_up() {
    // As in Kafka, where a segment goes when its youngest record is old enough.
    let mut log = timed(&[30, 10, 20]);

    assert_eq!(log.drop_before(25), 0);
    assert_eq!(log.low(), 0);
}

#[test]
fn finds_a_time_also_where_timestamps_go_back() {
    let ordered = timed(&[10, 20, 20, 30]);
    for (time, offset) in [(0, 0), (10, 0), (11, 1), (20, 1), (21, 3), (31, 4)] {
        assert_eq!(ordered.offset_at(time), offset, "at {time}");
    }
    let mixed = timed(&[10, 30, 20]);
    for (time, offset) in [(10, 0), (15, 1), (20, 1), (30, 1), (31, 3)] {
        assert_eq!(mixed.offset_at(time), offset, "at {time}");
    }
    assert_eq!(Log::new().offset_at(5), 0);
}

#[test]
fn compaction_keeps_the_newest_of_each_key_and_leaves_gaps() {
    let mut log = Log::new();
    for (key, value) in [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("b", "2")] {
        log.append(body(1, key, Some(value)));
    }

    let freed = log.compact(0);

    assert_eq!(freed, 2 * body(1, "a", Some("1")).cost());
    assert_eq!((log.low(), log.high()), (0, 5), "no watermark moves");
    assert_eq!(read(&log, 0, 500, 1_000), (vec![2, 3, 4], 5));
    assert_eq!(
        read(&log, 1, 500, 1_000),
        (vec![2, 3, 4], 5),
        "from within a gap"
    );
    assert_eq!(
        read(&log, 3, 500, 1_000),
        (vec![3, 4], 5),
        "from behind a gap"
    );
}

#[test]
fn a_tombstone_goes_when_it_is_old_enough() {
    let mut log = Log::new();
    log.append(body(1, "a", Some("1")));
    log.append(body(10, "a", None));
    log.append(body(20, "b", None));

    log.compact(15);

    assert_eq!(
        read(&log, 0, 500, 1_000),
        (vec![2], 3),
        "the younger one is still told"
    );
    log.compact(25);
    assert_eq!(
        read(&log, 0, 500, 1_000),
        (vec![], 3),
        "a reader gets past the gap at the end"
    );
    assert_eq!((log.low(), log.high()), (0, 3));
}

#[test]
fn compaction_waits_until_half_of_the_log_is_new() {
    let mut log = Log::new();
    for number in 0..COMPACT_AT_LEAST {
        assert!(!log.is_dirty(), "{number} records are not worth it");
        log.append(body(1, &number.to_string(), Some("v")));
    }
    assert!(log.is_dirty());

    log.compact(0);

    for number in 0..COMPACT_AT_LEAST {
        assert!(
            !log.is_dirty(),
            "{number} new ones of {COMPACT_AT_LEAST} are not half"
        );
        log.append(body(1, &number.to_string(), Some("v")));
    }
    assert!(log.is_dirty());
}

#[test]
fn who_waits_is_told_once() {
    let mut log = Log::new();
    log.wait(ClientId(1));
    log.wait(ClientId(2));
    log.wait(ClientId(1));

    assert_eq!(
        log.take_waiting(),
        BTreeSet::from([ClientId(1), ClientId(2)])
    );
    assert_eq!(log.take_waiting(), BTreeSet::new());
}
