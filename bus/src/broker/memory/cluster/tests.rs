use bytes::Bytes;

use super::*;
use crate::broker::{Assignor, Headers, Start};
use crate::event::Retention;

fn name(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

fn at(seconds: u64) -> Now {
    Now {
        wall_ms: 1_700_000_000_000 + i64::try_from(seconds).unwrap() * 1_000,
        elapsed: Duration::from_secs(seconds),
    }
}

/// A cluster with a topic `t` of two partitions that keeps records for an hour.
fn cluster(config: Config) -> Cluster {
    let mut cluster = Cluster::new(config);
    let topic = NewTopic {
        name: name("t"),
        partitions: 2,
        replication: None,
        retention: Retention::For(Duration::from_hours(1)),
    };
    assert!(cluster.create(&topic, at(0)).unwrap());
    cluster
}

fn record(partition: i32, value: &[u8]) -> Outgoing {
    Outgoing {
        topic: name("t"),
        partition: Some(partition),
        key: None,
        value: Some(Bytes::copy_from_slice(value)),
        headers: Headers::new(),
        timestamp_ms: None,
    }
}

fn membership(group: &str) -> Membership {
    Membership {
        group: group.to_owned(),
        topics: vec![name("t")],
        start: Start::Beginning,
        assignor: Assignor::Range,
        instance: None,
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(60),
    }
}

/// Joins a group alone, up to where it reads.
fn reading(cluster: &mut Cluster, group: &str) -> Seat {
    let seat = cluster.join(membership(group), at(0)).unwrap();
    assert!(matches!(cluster.next(&seat, at(0)), Step::Assigned(_)));
    cluster.start_at(&seat, &BTreeMap::new(), at(0));
    seat
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new(name("t"), number)
}

#[test]
fn a_record_wakes_those_who_wait_for_its_partition_and_no_others() {
    let mut cluster = cluster(Config::default());
    let first = cluster.read([(partition(0), 0)].into()).unwrap();
    let second = cluster.read([(partition(1), 0)].into()).unwrap();
    for id in [first, second] {
        assert_eq!(cluster.next_records(id, at(0)), []);
    }
    assert_eq!(cluster.take_wakes(), BTreeSet::new());

    cluster.append(record(1, b"v"), at(0)).unwrap();

    assert_eq!(cluster.take_wakes(), BTreeSet::from([second]));
    cluster.append(record(1, b"v"), at(0)).unwrap();
    assert_eq!(
        cluster.take_wakes(),
        BTreeSet::new(),
        "who does not wait is not woken"
    );
    assert_eq!(cluster.next_records(second, at(0)).len(), 2);
}

#[test]
fn who_has_ended_is_woken_no_more() {
    let mut cluster = cluster(Config::default());
    let reader = cluster.read([(partition(0), 0)].into()).unwrap();
    let (left, gone) = (reading(&mut cluster, "left"), reading(&mut cluster, "gone"));
    cluster.next_records(reader, at(0));
    cluster.next(&left, at(0));
    cluster.next(&gone, at(0));

    cluster.close(reader);
    cluster.leave(&left, at(0));
    cluster.gone(&gone, at(0));
    cluster.take_wakes();

    cluster.append(record(0, b"v"), at(0)).unwrap();
    assert_eq!(cluster.take_wakes(), BTreeSet::new());
}

#[test]
fn a_paused_partition_wakes_nobody() {
    let mut cluster = cluster(Config::default());
    let seat = reading(&mut cluster, "g");
    cluster.set_paused(&seat, &[partition(0)], true);
    assert!(matches!(cluster.next(&seat, at(0)), Step::Wait(_)));
    cluster.take_wakes();

    cluster.append(record(0, b"v"), at(0)).unwrap();

    assert_eq!(cluster.take_wakes(), BTreeSet::new());
    cluster.set_paused(&seat, &[partition(0)], false);
    assert!(matches!(cluster.next(&seat, at(0)), Step::Records(r) if r.len() == 1));
}

#[test]
fn partitions_are_served_in_turn() {
    let mut cluster = cluster(Config {
        fetch_records_max: 3,
        ..Config::default()
    });
    for _ in 0..6 {
        cluster.append(record(0, b"v"), at(0)).unwrap();
        cluster.append(record(1, b"v"), at(0)).unwrap();
    }
    let reader = cluster
        .read([(partition(0), 0), (partition(1), 0)].into())
        .unwrap();

    let turns: Vec<Vec<i32>> = (0..4)
        .map(|_| {
            let records = cluster.next_records(reader, at(0));
            records
                .iter()
                .map(|record| record.partition.partition)
                .collect()
        })
        .collect();

    assert_eq!(turns, [[0; 3], [1; 3], [0; 3], [1; 3]]);
}

#[test]
fn a_full_cluster_drops_what_every_group_has_behind_it() {
    let mut cluster = cluster(Config {
        record_bytes_max: 1_000,
        memory_bytes_max: 100_000,
        ..Config::default()
    });
    let seat = reading(&mut cluster, "g");
    let mut next = 0;
    for _ in 0..1_000 {
        cluster.append(record(0, &[0; 872]), at(0)).unwrap();
        next += 1;
        cluster
            .commit(&seat, &[(partition(0), next)].into(), at(0))
            .unwrap();
    }

    let log = cluster.topics().log(&partition(0)).unwrap();
    assert_eq!(log.high(), 1_000);
    assert!(
        log.low() > 890,
        "of a thousand, some hundred fit: {}",
        log.low()
    );
    assert!(cluster.topics().bytes() <= 100_000);
}

#[test]
fn a_full_cluster_refuses_rather_than_lose_what_a_group_has_still_to_read() {
    let mut cluster = cluster(Config {
        record_bytes_max: 1_000,
        memory_bytes_max: 100_000,
        ..Config::default()
    });
    let seat = reading(&mut cluster, "slow");
    for _ in 0..100 {
        cluster.append(record(0, &[0; 872]), at(0)).unwrap();
    }

    let error = cluster.append(record(0, &[0; 872]), at(0)).unwrap_err();

    assert_eq!(
        error.to_string(),
        "the in-memory broker is full, 100000 of memory_bytes_max, 100000 bytes: group `slow` has \
         still to read t-0 from offset 0"
    );
    assert!(error.is_transient(), "the group may catch up");
    // It does so, and there is room again.
    cluster
        .commit(&seat, &[(partition(0), 60)].into(), at(0))
        .unwrap();
    cluster.append(record(0, &[0; 872]), at(0)).unwrap();
}

#[test]
fn a_crashed_group_without_offsets_holds_nothing_up_for_ever() {
    let mut cluster = cluster(Config {
        record_bytes_max: 1_000,
        memory_bytes_max: 100_000,
        ..Config::default()
    });
    let seat = reading(&mut cluster, "g");
    cluster.gone(&seat, at(0));
    for _ in 0..100 {
        cluster.append(record(0, &[0; 872]), at(1)).unwrap();
    }
    assert!(cluster.append(record(0, &[0; 872]), at(1)).is_err());

    // Nobody waits in that group, so nobody but the full cluster notices that its session is over.
    cluster.append(record(0, &[0; 872]), at(11)).unwrap();
}

#[test]
fn groups_are_limited_and_forgotten_when_nobody_would_miss_them() {
    let mut cluster = cluster(Config {
        groups_max: 2,
        offsets_kept: Duration::from_secs(100),
        ..Config::default()
    });
    let first = reading(&mut cluster, "first");
    let second = reading(&mut cluster, "second");

    let error = cluster.join(membership("third"), at(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    cluster.join(membership("second"), at(0)).unwrap();

    // One without offsets is forgotten at once, one with offsets when these are too old.
    cluster
        .commit(&first, &[(partition(0), 0)].into(), at(1))
        .unwrap();
    cluster.leave(&first, at(1));
    assert!(cluster.join(membership("third"), at(100)).is_err());
    assert_eq!(cluster.committed("first", &[partition(0)]).len(), 1);
    cluster.join(membership("third"), at(101)).unwrap();
    assert_eq!(cluster.committed("first", &[partition(0)]).len(), 0);
    cluster.leave(&second, at(102));
}

#[test]
fn what_cannot_be_a_membership_is_refused() {
    let mut cluster = cluster(Config::default());
    let nameless = membership("");
    let idle = Membership {
        topics: Vec::new(),
        ..membership("g")
    };
    let hasty = Membership {
        session_timeout: Duration::ZERO,
        ..membership("g")
    };

    for wrong in [nameless, idle, hasty] {
        let error = cluster.join(wrong, at(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[test]
fn a_clock_that_jumps_ends_no_session() {
    let mut cluster = cluster(Config::default());
    let seat = reading(&mut cluster, "g");
    cluster.gone(&seat, at(0));
    let jumped = Now {
        wall_ms: at(1_000_000).wall_ms,
        ..at(1)
    };

    let other = cluster.join(membership("g"), jumped).unwrap();

    assert!(
        matches!(cluster.next(&other, jumped), Step::Wait(Some(until)) if until == at(10).elapsed),
        "the session ends by the clock that never jumps"
    );
}

#[test]
fn a_timestamp_before_1970_is_refused() {
    let mut cluster = cluster(Config::default());
    let early = Outgoing {
        timestamp_ms: Some(-1),
        ..record(0, b"v")
    };

    let error = cluster.append(early, at(0)).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "topic t cannot take the record: its timestamp lies before 1970"
    );
}

#[test]
fn a_compacted_topic_stays_small() {
    let mut cluster = cluster(Config::default());
    let topic = NewTopic {
        name: name("c"),
        partitions: 1,
        replication: None,
        retention: Retention::Compacted,
    };
    cluster.create(&topic, at(0)).unwrap();

    for number in 0..100_000_u32 {
        let record = Outgoing {
            topic: name("c"),
            key: Some(Bytes::from((number % 10).to_string())),
            ..record(0, b"v")
        };
        cluster.append(record, at(0)).unwrap();
    }

    assert!(
        cluster.topics().bytes() < 1_100 * 140,
        "{}",
        cluster.topics().bytes()
    );
    let reader = cluster
        .read([(TopicPartition::new(name("c"), 0), 0)].into())
        .unwrap();
    let mut last = BTreeMap::new();
    loop {
        let records = cluster.next_records(reader, at(0));
        if records.is_empty() {
            break;
        }
        last.extend(
            records
                .into_iter()
                .map(|record| (record.key.clone(), record.offset)),
        );
    }
    let newest: Vec<i64> = last.into_values().collect();
    assert_eq!(
        newest,
        (99_990..100_000).collect::<Vec<i64>>(),
        "the newest of each key"
    );
}
