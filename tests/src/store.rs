//! The store conformance suite: what every store of state must do, whatever it stands on.
//!
//! Each function shows one thing on a fresh, empty store. [`store_conformance!`](crate::store_conformance)
//! makes a test of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use jiff::Timestamp;
use quadrille::broker::{Headers, Outgoing, TopicName, TopicPartition};
use quadrille::id::{EventId, Source};
use quadrille::state::{
    Applied, Change, Committed, EventKey, EventPosition, Handled, Query, RecordId, Store, Write,
};

mod outbox;
mod under_way;

pub use outbox::{
    a_flushed_row_is_known_to_be, a_row_waits_for_the_last_one_of_its_topic_and_key,
    outbox_rows_come_in_commit_order_until_flushed,
};
pub use under_way::{
    a_chain_falls_with_the_decision_it_rests_on, a_decision_may_rest_on_one_that_is_under_way,
    what_was_loaded_is_confirmed_once_it_is_in_the_store, whoever_lost_a_partition_is_refused,
};

/// Makes a test of every function of the suite, with an expression that gives a fresh store behind
/// something that it needs until the end of the test.
#[macro_export]
macro_rules! store_conformance {
    ($store:expr) => {
        $crate::store_conformance!($store;
            a_record_is_read_back_with_its_version
            a_record_that_was_never_written_has_version_zero
            a_deleted_record_goes_on_counting
            a_stale_decision_changes_nothing
            two_decisions_on_one_version_cannot_both_happen
            an_event_is_handled_once
            a_duplicate_still_counts_as_handled
            handled_offsets_are_kept_with_what_lies_above
            the_inbox_forgets_by_time
            whoever_lost_a_partition_is_refused
            a_decision_may_rest_on_one_that_is_under_way
            a_chain_falls_with_the_decision_it_rests_on
            what_was_loaded_is_confirmed_once_it_is_in_the_store
            a_flushed_row_is_known_to_be
            outbox_rows_come_in_commit_order_until_flushed
            a_row_waits_for_the_last_one_of_its_topic_and_key
            pages_are_in_key_order_and_skip_the_deleted
            an_index_finds_what_was_written_last
        );
    };
    ($store:expr; $($name:ident)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (_kept, store) = $store;
                $crate::store::$name(store).await;
            }
        )+
    };
}

fn id(key: &str) -> RecordId {
    RecordId {
        kind: "item",
        key: key.into(),
    }
}

fn text(json: &str) -> Write {
    Write {
        json: Some(json.into()),
        indexes: BTreeMap::new(),
    }
}

fn event(id: &str) -> Option<EventKey> {
    Some(EventKey {
        source: Source::new("/test"),
        id: EventId::new(id),
    })
}

fn partition() -> TopicPartition {
    TopicPartition::new(TopicName::parse("t").expect("a legal name"), 0)
}

fn handled(offset: i64, low_water: i64) -> Option<EventPosition> {
    Some(EventPosition {
        partition: partition(),
        offset,
        low_water,
        epoch: 0,
    })
}

fn write(key: &str, json: &str) -> Change {
    Change {
        writes: BTreeMap::from([(id(key), text(json))]),
        ..Change::default()
    }
}

fn record(topic: &str, key: &str) -> Outgoing {
    Outgoing {
        topic: TopicName::parse(topic).expect("a legal name"),
        partition: None,
        key: Some(key.to_owned().into()),
        value: Some("v".into()),
        headers: Headers::new(),
        timestamp_ms: Some(7),
    }
}

async fn done(store: &dyn Store, change: Change) -> Committed {
    match store.apply(change).await.expect("the store works") {
        Applied::Done(committed) => committed,
        other => panic!("not applied: {other:?}"),
    }
}

async fn known(store: &dyn Store, at: TopicPartition) -> Option<Handled> {
    let taken = store.take(std::slice::from_ref(&at)).await;
    taken
        .expect("the store works")
        .remove(&at)
        .expect("asked for")
        .handled
}

async fn version(store: &dyn Store, key: &str) -> u64 {
    store
        .load(&id(key))
        .await
        .expect("the store works")
        .map_or(0, |stored| stored.version)
}

/// Shows that text comes back as it was, and that each write counts.
pub async fn a_record_is_read_back_with_its_version(store: Arc<dyn Store>) {
    for (version, json) in [(1, "{\"a\":1}"), (2, "{\"ä\":\"\\u0000\"}")] {
        done(&*store, write("k", json)).await;
        let stored = store
            .load(&id("k"))
            .await
            .expect("the store works")
            .expect("it was written");
        assert_eq!(
            (stored.version, stored.json.as_deref()),
            (version, Some(json))
        );
    }
}

/// Shows that *not there* can be decided on like anything else.
pub async fn a_record_that_was_never_written_has_version_zero(store: Arc<dyn Store>) {
    assert_eq!(store.load(&id("k")).await.expect("the store works"), None);
    let reads = BTreeMap::from([(id("k"), 0)]);
    done(
        &*store,
        Change {
            reads: reads.clone(),
            ..write("k", "1")
        },
    )
    .await;

    let again = store
        .apply(Change {
            reads,
            ..write("k", "2")
        })
        .await
        .expect("the store works");

    assert_eq!(again, Applied::Conflict(vec![id("k")]));
}

/// Shows that a record written anew is not taken for the one that was deleted.
pub async fn a_deleted_record_goes_on_counting(store: Arc<dyn Store>) {
    done(&*store, write("k", "1")).await;
    let delete = Write {
        json: None,
        indexes: BTreeMap::new(),
    };
    done(
        &*store,
        Change {
            writes: BTreeMap::from([(id("k"), delete)]),
            ..Change::default()
        },
    )
    .await;

    let stored = store
        .load(&id("k"))
        .await
        .expect("the store works")
        .expect("it still counts");
    assert_eq!((stored.version, stored.json), (2, None));
    done(&*store, write("k", "3")).await;
    assert_eq!(version(&*store, "k").await, 3);
}

/// Shows all or nothing: a conflict leaves records, inbox, offsets and outbox as they were.
pub async fn a_stale_decision_changes_nothing(store: Arc<dyn Store>) {
    done(&*store, write("hot", "1")).await;
    let stale = Change {
        event: event("e"),
        position: handled(0, 0),
        reads: BTreeMap::from([(id("hot"), 0)]),
        writes: BTreeMap::from([(id("hot"), text("2")), (id("other"), text("2"))]),
        outbox: vec![record("out", "k")],
        ..Change::default()
    };

    let applied = store.apply(stale).await.expect("the store works");

    assert_eq!(applied, Applied::Conflict(vec![id("hot")]));
    assert_eq!(version(&*store, "hot").await, 1);
    assert_eq!(version(&*store, "other").await, 0);
    assert!(
        !store
            .seen(&event("e").expect("given"))
            .await
            .expect("the store works")
    );
    assert!(
        store.take(&[partition()]).await.expect("the store works")[&partition()]
            .handled
            .is_none()
    );
    assert!(
        store
            .unflushed(0, 10)
            .await
            .expect("the store works")
            .is_empty()
    );
}

/// Shows that of many decisions on the same version exactly one happens, however they meet.
pub async fn two_decisions_on_one_version_cannot_both_happen(store: Arc<dyn Store>) {
    let reads = BTreeMap::from([(id("hot"), 0)]);
    let tries = (0..50).map(|n| {
        let change = Change {
            reads: reads.clone(),
            ..write("hot", &n.to_string())
        };
        store.apply(change)
    });

    let applied = join_all(tries).await;

    let done = applied
        .iter()
        .filter(|applied| matches!(applied, Ok(Applied::Done(_))))
        .count();
    let conflicts = applied
        .iter()
        .filter(|applied| matches!(applied, Ok(Applied::Conflict(_))));
    assert_eq!((done, conflicts.count()), (1, 49));
    assert_eq!(version(&*store, "hot").await, 1);
}

/// Shows that the inbox keys on source and id together.
pub async fn an_event_is_handled_once(store: Arc<dyn Store>) {
    let change = Change {
        event: event("e"),
        ..write("k", "1")
    };
    done(&*store, change.clone()).await;
    assert_eq!(
        store.apply(change.clone()).await.expect("the store works"),
        Applied::Duplicate
    );
    assert_eq!(version(&*store, "k").await, 1);

    let source = Source::new("/another");
    let other = Some(EventKey {
        source,
        id: EventId::new("e"),
    });
    done(
        &*store,
        Change {
            event: other,
            ..change
        },
    )
    .await;
    assert_eq!(version(&*store, "k").await, 2);
}

/// Shows that an event that stands twice in a topic does not hold its second place back.
pub async fn a_duplicate_still_counts_as_handled(store: Arc<dyn Store>) {
    let first = Change {
        event: event("e"),
        position: handled(0, 0),
        ..Change::default()
    };
    done(&*store, first.clone()).await;
    let second = Change {
        position: handled(1, 1),
        ..first
    };
    assert_eq!(
        store.apply(second).await.expect("the store works"),
        Applied::Duplicate
    );

    assert_eq!(
        known(&*store, partition())
            .await
            .expect("it was handled")
            .low_water,
        2
    );
}

/// Shows what a new owner starts from.
pub async fn handled_offsets_are_kept_with_what_lies_above(store: Arc<dyn Store>) {
    for (offset, low_water) in [(5, 4), (7, 4), (4, 4)] {
        let change = Change {
            position: handled(offset, low_water),
            ..Change::default()
        };
        done(&*store, change).await;
    }
    let elsewhere = TopicPartition {
        partition: 1,
        ..partition()
    };

    assert_eq!(known(&*store, elsewhere).await, None);
    let known = known(&*store, partition()).await.expect("it was handled");
    assert_eq!(known.low_water, 6);
    assert!(known.contains(7) && !known.contains(6));
}

/// Shows that the inbox is bounded by a time.
pub async fn the_inbox_forgets_by_time(store: Arc<dyn Store>) {
    for (name, second) in [("old", 100), ("new", 200)] {
        let at = Timestamp::from_second(second).expect("a legal time");
        done(
            &*store,
            Change {
                event: event(name),
                at,
                ..Change::default()
            },
        )
        .await;
    }
    let before = Timestamp::from_second(150).expect("a legal time");

    assert_eq!(store.forget(before).await.expect("the store works"), 1);

    assert!(
        !store
            .seen(&event("old").expect("given"))
            .await
            .expect("the store works")
    );
    assert!(
        store
            .seen(&event("new").expect("given"))
            .await
            .expect("the store works")
    );
}

/// Shows keyset pages.
pub async fn pages_are_in_key_order_and_skip_the_deleted(store: Arc<dyn Store>) {
    for key in ["b", "a", "d", "c"] {
        done(&*store, write(key, &format!("\"{key}\""))).await;
    }
    let gone = Write {
        json: None,
        indexes: BTreeMap::new(),
    };
    done(
        &*store,
        Change {
            writes: BTreeMap::from([(id("c"), gone)]),
            ..Change::default()
        },
    )
    .await;
    let query = Query {
        kind: "item",
        index: None,
        after: None,
        limit: 2,
    };

    let first = store.page(&query).await.expect("the store works");
    let after = first.last().map(|(key, _)| Arc::clone(key));
    let second = store
        .page(&Query { after, ..query })
        .await
        .expect("the store works");

    let keys = |page: &[(Arc<str>, _)]| {
        page.iter()
            .map(|(key, _)| key.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (keys(&first), keys(&second)),
        (vec!["a".into(), "b".into()], vec!["d".into()])
    );
}

/// Shows that an index follows its record.
pub async fn an_index_finds_what_was_written_last(store: Arc<dyn Store>) {
    let indexed = |status: &str| Write {
        json: Some("{}".into()),
        indexes: BTreeMap::from([("status", status.to_owned())]),
    };
    for (key, status) in [("a", "open"), ("b", "open"), ("a", "closed")] {
        let writes = BTreeMap::from([(id(key), indexed(status))]);
        done(
            &*store,
            Change {
                writes,
                ..Change::default()
            },
        )
        .await;
    }
    let index = Some(("status", "open".to_owned()));
    let query = Query {
        kind: "item",
        index,
        after: None,
        limit: 10,
    };

    let open = store.page(&query).await.expect("the store works");

    assert_eq!(
        open.iter()
            .map(|(key, _)| key.to_string())
            .collect::<Vec<_>>(),
        ["b"]
    );
}
