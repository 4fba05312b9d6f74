//! Reading outside groups: watermarks, times, offsets.

use std::collections::BTreeMap;
use std::time::Duration;

use quadrille::broker::{ErrorKind, Outgoing, TopicPartition};
use quadrille::world;

use crate::Fixture;
use crate::fixture::{record_at, text};

/// An empty partition begins and ends at 0, and ends behind its last record.
pub async fn watermarks_follow_the_records(fixture: &Fixture) {
    let at = TopicPartition::new(fixture.topic(2).await, 1);
    let empty = fixture
        .broker
        .watermarks(&at)
        .await
        .expect("the partition is there");

    fixture.send_numbers(&at, 0..5).await;

    let full = fixture
        .broker
        .watermarks(&at)
        .await
        .expect("the partition is there");
    assert_eq!(empty, (0, 0));
    assert_eq!(full, (0, 5));
}

/// The first offset at or after a time is found, and behind all records the end.
pub async fn finds_the_offset_of_a_time(fixture: &Fixture) {
    let at = TopicPartition::new(fixture.topic(1).await, 0);
    let start = 1_700_000_000_000;
    for minute in 0..3 {
        let record = Outgoing {
            timestamp_ms: Some(start + minute * 60_000),
            ..record_at(&at, "v")
        };
        fixture.send(record).await;
    }

    let cases = [
        (0, 0),
        (start, 0),
        (start + 1, 1),
        (start + 60_000, 1),
        (start + 120_000, 2),
        (start + 120_001, 3),
    ];
    for (time, offset) in cases {
        let found = fixture.broker.offset_at(&at, time).await;
        assert_eq!(found.expect("the partition is there"), offset, "at {time}");
    }
}

/// Reading begins at the given offset.
pub async fn reads_from_an_offset_on(fixture: &Fixture) {
    let at = TopicPartition::new(fixture.topic(1).await, 0);
    fixture.send_numbers(&at, 0..10).await;

    let read = fixture.read([(at, 7)], 3).await;

    let values: Vec<String> = read.iter().map(text).collect();
    assert_eq!(values, ["7", "8", "9"]);
    assert_eq!(read[0].offset, 7);
}

/// An offset before the first is the first; one behind the last waits for what comes.
pub async fn an_offset_out_of_range_is_clamped(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let (before, behind) = (
        TopicPartition::new(topic.clone(), 0),
        TopicPartition::new(topic, 1),
    );
    for at in [&before, &behind] {
        fixture.send_numbers(at, 0..3).await;
    }

    let from_before = fixture.read([(before, -17)], 3).await;
    let mut reader = fixture
        .broker
        .read(BTreeMap::from([(behind.clone(), 1_000)]))
        .await
        .expect("the partition is there");
    // The reader may still be on its way to the end: numbers are sent until it has one.
    let mut next = 3;
    let from_behind = fixture
        .eventually("the reader has a record", async || {
            fixture.send_numbers(&behind, next..next + 1).await;
            next += 1;
            let wait = Duration::from_millis(200);
            world::timeout(&fixture.world, wait, reader.next()).await
        })
        .await
        .expect("reading goes on");

    assert_eq!(from_before[0].offset, 0);
    assert!(from_behind[0].offset >= 3, "old records are not read again");
}

/// A reader that waits at the end gets a record as soon as it is there.
pub async fn a_waiting_reader_gets_what_comes(fixture: &Fixture) {
    let at = TopicPartition::new(fixture.topic(1).await, 0);
    let mut reader = fixture
        .broker
        .read(BTreeMap::from([(at.clone(), 0)]))
        .await
        .expect("the partition is there");

    for number in 0..20 {
        let (read, ()) = futures::join!(
            fixture.patiently("the record arrives", reader.next()),
            fixture.send_numbers(&at, number..number + 1),
        );
        let values: Vec<String> = read.expect("reading goes on").iter().map(text).collect();
        assert_eq!(values, [number.to_string()]);
    }
}

/// One reader reads partitions of several topics, each in order, and no other partition.
pub async fn reads_partitions_of_several_topics(fixture: &Fixture) {
    let first = fixture.topic(2).await;
    let second = fixture.topic(2).await;
    let wanted = [
        TopicPartition::new(first.clone(), 1),
        TopicPartition::new(second.clone(), 0),
    ];
    let others = [
        TopicPartition::new(first, 0),
        TopicPartition::new(second, 1),
    ];
    for at in wanted.iter().chain(&others) {
        fixture.send_numbers(at, 0..1_500).await;
    }

    let from = wanted.iter().map(|at| (at.clone(), 500));
    let read = fixture.read(from, 2_000).await;

    assert_eq!(read.len(), 2_000);
    for at in &wanted {
        let offsets = read.iter().filter(|r| r.partition == *at).map(|r| r.offset);
        assert!(offsets.eq(500..1_500), "{at} is complete and in order");
    }
}

/// A topic or partition that is not there has no offsets and cannot be read.
pub async fn unknown_partitions_are_refused(fixture: &Fixture) {
    let nowhere = TopicPartition::new(fixture.topic_name("nowhere"), 0);
    let beyond = TopicPartition::new(fixture.topic(2).await, 2);

    for at in [nowhere, beyond] {
        let watermarks = fixture.broker.watermarks(&at).await.map(|_| ());
        let offset_at = fixture.broker.offset_at(&at, 0).await.map(|_| ());
        let read = fixture
            .broker
            .read(BTreeMap::from([(at.clone(), 0)]))
            .await
            .map(|_| ());
        for (what, result) in [
            ("watermarks", watermarks),
            ("time", offset_at),
            ("read", read),
        ] {
            let error = result.expect_err(what);
            assert_eq!(
                error.kind(),
                ErrorKind::UnknownTopic,
                "{what} of {at}: {error}"
            );
        }
    }
}

/// A reader whose calls are dropped again and again misses nothing.
pub async fn a_cancelled_read_loses_nothing(fixture: &Fixture) {
    const COUNT: usize = 500;
    let at = TopicPartition::new(fixture.topic(1).await, 0);
    let mut reader = fixture
        .broker
        .read(BTreeMap::from([(at.clone(), 0)]))
        .await
        .expect("the partition is there");

    let mut values = Vec::new();
    let reading = async {
        while values.len() < COUNT {
            let wait = Duration::from_micros(300);
            if let Some(read) = world::timeout(&fixture.world, wait, reader.next()).await {
                values.extend(read.expect("reading goes on").iter().map(text));
            }
        }
    };
    let sending = async {
        for number in 0..COUNT {
            fixture.send_numbers(&at, number..number + 1).await;
        }
    };
    futures::join!(fixture.patiently("all records are read", reading), sending);

    let expected = (0..COUNT).map(|number| number.to_string());
    assert!(
        values.into_iter().eq(expected),
        "all records once and in order"
    );
}
