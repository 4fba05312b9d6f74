use bytes::Bytes;

use super::*;
use crate::broker::Headers;

const HOUR: Retention = Retention::For(Duration::from_hours(1));

fn name(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

fn new(text: &str, partitions: i32, retention: Retention) -> NewTopic {
    NewTopic {
        name: name(text),
        partitions,
        replication: None,
        retention,
    }
}

fn with(topics: &[NewTopic]) -> Topics {
    let mut all = Topics::default();
    for topic in topics {
        assert!(all.create(topic, &Config::default()).unwrap());
    }
    all
}

fn body(timestamp_ms: i64) -> Body {
    Body {
        timestamp_ms,
        key: Some(Bytes::from("k")),
        value: Some(Bytes::from("v")),
        headers: Headers::new(),
    }
}

fn watermarks(topics: &Topics, at: &TopicPartition) -> (i64, i64) {
    let log = topics.log(at).unwrap();
    (log.low(), log.high())
}

#[test]
fn replication_is_taken_and_one_copy_is_kept() {
    let mut topics = Topics::default();
    let three = NewTopic {
        replication: Some(3),
        ..new("t", 2, HOUR)
    };

    assert!(topics.create(&three, &Config::default()).unwrap());

    let described = topics.describe(&name("t")).unwrap();
    assert_eq!(described.replication, 1);
    assert_eq!(described.min_insync_replicas, None);
    assert_eq!(described.retention, Some(HOUR));
}

#[test]
fn what_cannot_be_a_topic_is_refused_with_the_reason() {
    let mut topics = Topics::default();
    let config = Config {
        partitions_max: 5,
        ..Config::default()
    };
    let none = NewTopic {
        replication: Some(0),
        ..new("t", 1, HOUR)
    };
    let cases = [
        (new("t", 0, HOUR), "0 partitions, at least 1 is needed"),
        (new("t", -3, HOUR), "-3 partitions, at least 1 is needed"),
        (
            new("t", 6, HOUR),
            "6 partitions of all topics together, partitions_max of the in-memory broker is 5",
        ),
        (none, "replication 0, at least 1 is needed"),
    ];
    for (topic, why) in cases {
        let error = topics.create(&topic, &config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.to_string(), format!("cannot create topic t: {why}"));
    }
    assert_eq!(topics.names(), [], "nothing is left of what was refused");
}

#[test]
fn what_is_missing_is_named() {
    let mut topics = with(&[new("t", 2, HOUR)]);
    let beyond = topics.choose(&name("t"), Some(2), None, 0).unwrap_err();
    let nowhere = topics.choose(&name("u"), None, None, 0).unwrap_err();

    assert_eq!(beyond.kind(), ErrorKind::UnknownTopic);
    assert_eq!(
        beyond.to_string(),
        "topic t has no partition 2, it has 2, counted from 0"
    );
    assert_eq!(nowhere.kind(), ErrorKind::UnknownTopic);
    assert_eq!(
        nowhere.to_string(),
        "topic u does not exist on the in-memory broker"
    );
    assert!(topics.choose(&name("t"), Some(-1), None, 0).is_err());
}

#[test]
fn records_without_a_key_stick_to_a_partition_until_it_has_a_batch() {
    let mut topics = with(&[new("t", 3, HOUR)]);

    let chosen: Vec<i32> = (0..8)
        .map(|_| {
            topics
                .choose(&name("t"), None, None, STICKY_BYTES / 2)
                .unwrap()
                .partition
        })
        .collect();

    assert_eq!(chosen, [0, 0, 1, 1, 2, 2, 0, 0]);
}

#[test]
fn an_empty_key_is_a_key() {
    let mut topics = with(&[new("t", 6, HOUR)]);

    for _ in 0..2 {
        let at = topics
            .choose(&name("t"), None, Some(b""), STICKY_BYTES)
            .unwrap();
        assert_eq!(at.partition, partition_of(b"", 6));
    }
}

#[test]
fn retention_holds_for_topics_that_have_an_end() {
    let mut topics = with(&[new("ends", 1, HOUR), new("ever", 1, Retention::Forever)]);
    let (ends, ever) = (
        TopicPartition::new(name("ends"), 0),
        TopicPartition::new(name("ever"), 0),
    );
    for time in [0, 3_000_000, 6_000_000] {
        topics.append(&ends, body(time));
        topics.append(&ever, body(time));
    }

    topics.enforce_retention(6_600_001);

    assert_eq!(watermarks(&topics, &ends), (2, 3));
    assert_eq!(watermarks(&topics, &ever), (0, 3));
    assert_eq!(topics.bytes(), 4 * body(0).cost());
}

#[test]
fn the_oldest_make_room_unless_somebody_has_still_to_read_them() {
    let mut topics = with(&[
        new("a", 1, HOUR),
        new("b", 1, HOUR),
        new("ever", 1, Retention::Forever),
    ]);
    let (a, b) = (
        TopicPartition::new(name("a"), 0),
        TopicPartition::new(name("b"), 0),
    );
    let ever = TopicPartition::new(name("ever"), 0);
    for time in 0..4 {
        topics.append(&a, body(10 * time));
        topics.append(&b, body(10 * time + 5));
        topics.append(&ever, body(0));
    }
    let cost = body(0).cost();

    // By age a-0 and b-0 go, then a-1; of b only the first may.
    let may_go = |at: &TopicPartition| if *at == b { 1 } else { i64::MAX };
    topics.make_room(9 * cost, may_go);

    assert_eq!(topics.bytes(), 9 * cost);
    assert_eq!(watermarks(&topics, &a), (2, 4));
    assert_eq!(watermarks(&topics, &b), (1, 4));
    topics.make_room(0, may_go);
    assert_eq!(watermarks(&topics, &a), (4, 4));
    assert_eq!(
        watermarks(&topics, &b),
        (1, 4),
        "the others are still to be read"
    );
    assert_eq!(
        watermarks(&topics, &ever),
        (0, 4),
        "and these are kept for ever"
    );
    assert_eq!(topics.oldest(), Some(b));
}
