//! Records: what is sent is what is read, in order, in the right partition, or refused with a
//! reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use quadrille::broker::{ErrorKind, Headers, Outgoing, TopicPartition};
use quadrille::event::Retention;
use quadrille::world;

use crate::Fixture;
use crate::fixture::{partitions, record, record_at, text};

/// Key, value and headers come back byte for byte: headers in their order, a name twice, a value
/// that is no text.
pub async fn a_record_comes_back_as_it_was_sent(fixture: &Fixture) {
    let topic = fixture.topic(1).await;
    let mut headers = Headers::new();
    headers.push("z-first", "1");
    headers.push("a-second", Bytes::from_static(&[0, 0xff, 0x80]));
    headers.push("twice", "former");
    headers.push("twice", "latter");
    headers.push("empty", "");
    let sent = Outgoing {
        headers: headers.clone(),
        key: Some(Bytes::from_static(&[0xc3, 0x28])),
        value: Some(Bytes::from_static(&[0, 1, 2, 0xfe])),
        ..record(&topic, "", "")
    };

    let position = fixture.send(sent.clone()).await;

    let at = TopicPartition::new(topic, 0);
    let read = fixture.read([(at.clone(), 0)], 1).await;
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].partition, at);
    assert_eq!(read[0].offset, position.offset);
    assert_eq!(read[0].key, sent.key);
    assert_eq!(read[0].value, sent.value);
    assert_eq!(read[0].headers, headers);
    assert_eq!(read[0].headers.get("twice"), Some(&b"latter"[..]));
}

/// A null key or value stays null, and an empty one stays empty.
pub async fn null_and_empty_are_different(fixture: &Fixture) {
    let topic = fixture.topic(1).await;
    let empty = Some(Bytes::new());
    let sent = [
        (None, Some(Bytes::from("v"))),
        (Some(Bytes::from("k")), None),
        (None, None),
        (empty.clone(), empty),
    ];

    for (key, value) in sent.clone() {
        let record = Outgoing {
            key,
            value,
            ..record(&topic, "", "")
        };
        fixture.send(record).await;
    }

    let read = fixture.read([(TopicPartition::new(topic, 0), 0)], 4).await;
    let read: Vec<_> = read.into_iter().map(|r| (r.key, r.value)).collect();
    assert_eq!(read, sent);
}

/// A given timestamp is kept; without one, the time of sending is taken.
pub async fn a_timestamp_is_kept_or_set(fixture: &Fixture) {
    let topic = fixture.topic(1).await;
    let given = Outgoing {
        timestamp_ms: Some(1_234_567_890_123),
        ..record(&topic, "k", "given")
    };

    fixture.send(given).await;
    let before = fixture.world.now().as_millisecond();
    fixture.send(record(&topic, "k", "set")).await;
    let after = fixture.world.now().as_millisecond();

    let read = fixture.read([(TopicPartition::new(topic, 0), 0)], 2).await;
    assert_eq!(read[0].timestamp_ms, 1_234_567_890_123);
    let set = read[1].timestamp_ms;
    assert!(
        (before..=after).contains(&set),
        "{before} <= {set} <= {after}"
    );
}

/// Ten thousand records in flight at once are stored in the order in which they were handed over.
pub async fn many_in_flight_stay_in_order(fixture: &Fixture) {
    const COUNT: usize = 10_000;
    let topic = fixture.topic(3).await;
    let all = partitions(&topic, 3);

    let mut deliveries = Vec::new();
    for number in 0..COUNT {
        let record = record_at(&all[number % 3], &number.to_string());
        let sent = fixture.patiently("there is room in the queue", fixture.broker.send(record));
        deliveries.push(sent.await.expect("the broker takes the record"));
    }
    let positions = fixture
        .patiently("all records are acknowledged", join_all(deliveries))
        .await;
    if let Some(Err(error)) = positions.iter().find(|position| position.is_err()) {
        panic!("the broker keeps the record: {error}");
    }

    let from = all.iter().map(|at| (at.clone(), 0));
    let read = fixture.read(from, COUNT).await;
    assert_eq!(read.len(), COUNT);
    let mut by_partition: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for record in &read {
        let number: usize = text(record).parse().expect("the value is a number");
        let position = positions[number]
            .as_ref()
            .expect("the broker keeps the record");
        assert_eq!(position.partition, record.partition.partition);
        assert_eq!(position.offset, record.offset, "as acknowledged");
        by_partition
            .entry(position.partition)
            .or_default()
            .push(number);
    }
    for (partition, numbers) in by_partition {
        assert!(numbers.is_sorted(), "partition {partition} is in order");
    }
}

/// Keys go to the partition that Java's default partitioner chooses.
pub async fn a_key_lands_where_java_puts_it(fixture: &Fixture) {
    // `Utils.toPositive(Utils.murmur2(key)) % partitions` of Apache Kafka.
    let keys = [
        ("21", 3),
        ("foobar", 0),
        ("abc", 4),
        ("a-little-bit-long-string", 1),
    ];
    let topic = fixture.topic(7).await;

    for (key, partition) in keys {
        let position = fixture.send(record(&topic, key, "v")).await;
        assert_eq!(position.partition, partition, "key {key}");
    }
}

/// A partition that is asked for wins over the key's.
pub async fn a_partition_that_is_asked_for_wins(fixture: &Fixture) {
    let topic = fixture.topic(4).await;

    for at in partitions(&topic, 4) {
        let position = fixture.send(record_at(&at, "v")).await;
        assert_eq!((position.partition, position.offset), (at.partition, 0));
    }
}

/// Records without a key go anywhere, and none is lost.
pub async fn records_without_a_key_arrive_too(fixture: &Fixture) {
    const COUNT: usize = 100;
    let topic = fixture.topic(3).await;

    for number in 0..COUNT {
        let record = Outgoing {
            key: None,
            ..record(&topic, "", &number.to_string())
        };
        fixture.send(record).await;
    }

    let from = partitions(&topic, 3).into_iter().map(|at| (at, 0));
    let read = fixture.read(from, COUNT).await;
    let values: BTreeSet<String> = read.iter().map(text).collect();
    assert_eq!(values.len(), COUNT);
}

/// A record of 5 MB is refused as too large, and the next one of fair size gets through.
pub async fn a_record_that_is_too_large_is_refused(fixture: &Fixture) {
    let topic = fixture.topic(1).await;
    let large = Outgoing {
        value: Some(Bytes::from(vec![b'x'; 5_000_000])),
        ..record(&topic, "k", "")
    };

    let error = fixture
        .try_send(large)
        .await
        .expect_err("5 MB are too much");

    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(!error.is_transient(), "it would be too large again");
    let position = fixture.send(record(&topic, "k", "v")).await;
    assert_eq!(position.offset, 0, "nothing was stored of the large one");
}

/// A record somewhat below 1 MB gets through, to readers too.
pub async fn a_large_record_gets_through(fixture: &Fixture) {
    let topic = fixture.topic(1).await;
    let value = Bytes::from(vec![b'x'; 900_000]);

    for _ in 0..3 {
        let large = Outgoing {
            value: Some(value.clone()),
            ..record(&topic, "k", "")
        };
        fixture.send(large).await;
    }

    let read = fixture.read([(TopicPartition::new(topic, 0), 0)], 3).await;
    assert!(
        read.iter()
            .all(|record| record.value.as_ref() == Some(&value))
    );
}

/// A topic or partition that is not there is refused by name, and not created.
pub async fn sending_to_an_unknown_topic_is_refused(fixture: &Fixture) {
    let nowhere = fixture.topic_name("nowhere");
    let topic = fixture.topic(2).await;
    let beyond = TopicPartition::new(topic, 2);

    let no_topic = fixture.try_send(record(&nowhere, "k", "v")).await;
    let no_partition = fixture.try_send(record_at(&beyond, "v")).await;

    let error = no_topic.expect_err("the topic is not there");
    assert_eq!(error.kind(), ErrorKind::UnknownTopic, "{error}");
    assert!(error.to_string().contains(nowhere.as_str()), "{error}");
    let error = no_partition.expect_err("the partition is not there");
    assert_eq!(error.kind(), ErrorKind::UnknownTopic, "{error}");
    let described = fixture.broker.describe(&nowhere).await;
    assert_eq!(described.expect("the cluster answers"), None);
}

/// Compaction needs a key, so a record without one is refused.
pub async fn a_compacted_topic_refuses_a_record_without_a_key(fixture: &Fixture) {
    let topic = fixture.topic_with(1, Retention::Compacted).await;
    let keyless = Outgoing {
        key: None,
        ..record(&topic, "", "v")
    };

    let error = fixture
        .try_send(keyless)
        .await
        .expect_err("it could never be compacted");

    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    fixture.send(record(&topic, "k", "v")).await;
}

/// Many tasks send at once through one broker, and nothing is lost or mixed up.
pub async fn many_tasks_send_at_once(fixture: &Fixture) {
    const TASKS: usize = 8;
    const EACH: usize = 200;
    let topic = fixture.topic(4).await;

    let tasks = (0..TASKS).map(|task| {
        let (broker, topic) = (Arc::clone(&fixture.broker), topic.clone());
        world::spawn(&fixture.world, "sender", async move {
            for number in 0..EACH {
                let record = record(&topic, &format!("key-{task}"), &format!("{task} {number}"));
                let delivery = broker.send(record).await.expect("the broker takes it");
                delivery.await.expect("the broker keeps it");
            }
        })
    });
    let ended = fixture
        .patiently("all tasks have sent", join_all(tasks))
        .await;
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");

    let from = partitions(&topic, 4).into_iter().map(|at| (at, 0));
    let read = fixture.read(from, TASKS * EACH).await;
    for task in 0..TASKS {
        let of_task = format!("{task} ");
        let values = read
            .iter()
            .map(text)
            .filter(|value| value.starts_with(&of_task));
        let expected = (0..EACH).map(|number| format!("{task} {number}"));
        assert!(
            values.eq(expected),
            "records of task {task} are complete and in order"
        );
    }
}
