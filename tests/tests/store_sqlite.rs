//! The store conformance suite on the SQLite store, and what only a store on a disk can show.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use quadrille::broker::{Headers, Outgoing, TopicName, TopicPartition};
use quadrille::id::{EventId, Source};
use quadrille::state::sqlite::{Options, Stores};
use quadrille::state::{
    Applied, Change, ErrorKind, EventKey, EventPosition, RecordId, Store, Stores as _, Write,
};
use quadrille::world::Live;
use tempfile::TempDir;

quadrille_tests::store_conformance!(fresh().await);

/// An empty store in a folder of its own.
async fn fresh() -> (TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = open(&folder).await;
    (folder, store)
}

async fn open(folder: &TempDir) -> Arc<dyn Store> {
    open_as("test", "cluster", folder.path())
        .await
        .expect("the store opens")
}

async fn open_as(
    service: &str,
    cluster: &str,
    folder: &Path,
) -> Result<Arc<dyn Store>, quadrille::state::Error> {
    let options = Options {
        busy_timeout: std::time::Duration::from_millis(50),
        ..Options::default()
    };
    let stores = Stores::in_folder(Arc::new(Live::new()), folder, options);
    stores.open(service, cluster).await
}

#[tokio::test]
async fn a_store_that_was_closed_leaves_one_file_with_all_that_was_written() {
    // Given a store in which something was written just now.
    let (folder, store) = fresh().await;
    let id = RecordId {
        kind: "item",
        key: "tea".into(),
    };
    let write = Write {
        json: Some("1".into()),
        indexes: BTreeMap::new(),
    };
    let change = Change {
        writes: [(id.clone(), write)].into(),
        ..Change::default()
    };
    let submitted = store.submit(Arc::new(change.clone()));

    store.close().await;

    // Then it is there, with no log beside the database and no file of an owner.
    submitted.await.expect("it was submitted before the end");
    let names: Vec<_> = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["test.sqlite"]);
    // And whoever asks for more is told so, at once.
    let error = store.apply(change).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let error = store.load(&id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    // And the next finds it.
    let found = open(&folder).await.load(&id).await.unwrap();
    assert_eq!(found.and_then(|found| found.json).as_deref(), Some("1"));
}

#[tokio::test]
async fn a_store_closes_where_its_database_cannot_be_written() {
    // Given a row that the broker has, and somebody who keeps the database for ever.
    let (folder, store) = fresh().await;
    let mut other = other(&folder).await;
    execute(&mut other, "begin immediate").await;
    store.flushed(&[1]).await.expect("it is noted");

    store.close().await;

    execute(&mut other, "rollback").await;
}

/// Another program's connection.
async fn other(folder: &TempDir) -> sqlx::SqliteConnection {
    use sqlx::Connection as _;
    let path = folder.path().join("test.sqlite");
    let url = path.to_str().expect("the path is text");
    sqlx::SqliteConnection::connect(url)
        .await
        .expect("it opens")
}

async fn execute(connection: &mut sqlx::SqliteConnection, statement: &'static str) {
    sqlx::query(statement)
        .execute(connection)
        .await
        .expect("it can be done");
}

fn id(key: &str) -> RecordId {
    RecordId {
        kind: "item",
        key: key.into(),
    }
}

/// A decision on `hot`, because of the event at an offset, that publishes something.
fn change(offset: i64, version: u64, json: &str) -> Change {
    let topic = TopicName::parse("t").expect("a legal name");
    let write = Write {
        json: Some(json.into()),
        indexes: BTreeMap::new(),
    };
    Change {
        event: Some(EventKey {
            source: Source::new("/test"),
            id: EventId::new(offset.to_string()),
        }),
        position: Some(EventPosition {
            partition: TopicPartition::new(topic.clone(), 0),
            offset,
            low_water: offset,
            epoch: 0,
        }),
        reads: BTreeMap::from([(id("hot"), version)]),
        writes: BTreeMap::from([(id("hot"), write)]),
        outbox: vec![Outgoing {
            topic,
            partition: None,
            key: Some("k".into()),
            value: Some("v".into()),
            headers: Headers::new(),
            timestamp_ms: None,
        }],
        ..Change::default()
    }
}

#[tokio::test]
async fn everything_is_there_after_the_store_was_closed() {
    // Given a store with a record, a handled offset and a row, and a process that ends.
    let (folder, store) = fresh().await;
    let applied = store
        .apply(change(0, 0, "1"))
        .await
        .expect("the store works");
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    drop(store);

    // When it is opened again.
    let again = open(&folder).await;

    // Then it knows all of it, and the row is this process's to flush.
    let stored = again.load(&id("hot")).await.expect("the store works");
    assert_eq!(stored.expect("it was written").json.as_deref(), Some("1"));
    let partition = TopicPartition::new(TopicName::parse("t").expect("a legal name"), 0);
    let taken = again
        .take(std::slice::from_ref(&partition))
        .await
        .expect("the store works");
    let handled = taken[&partition].handled.clone().expect("it was handled");
    assert_eq!((handled.low_water, taken[&partition].epoch), (1, 1));
    let double = Change {
        position: None,
        ..change(0, 0, "2")
    };
    assert_eq!(
        again.apply(double).await.expect("the store works"),
        Applied::Duplicate
    );
    until_adopted(&*again, 1).await;
}

/// Waits until the store has so many rows to flush: whoever had them may be about to end.
async fn until_adopted(store: &dyn Store, rows: usize) {
    let live = Live::new();
    while store.unflushed(0, 10).await.expect("the store works").len() != rows {
        quadrille::world::World::sleep(&live, std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn two_instances_share_a_database_and_never_each_others_rows() {
    // Given two instances, as two processes would have them.
    let (folder, one) = fresh().await;
    let two = open(&folder).await;
    one.apply(change(0, 0, "1")).await.expect("the store works");

    // Then the second sees the record, and leaves the row to the first.
    let seen = two
        .load(&id("hot"))
        .await
        .expect("the store works")
        .expect("it was written");
    assert!(
        two.unflushed(0, 10)
            .await
            .expect("the store works")
            .is_empty()
    );
    let applied = two
        .apply(change(1, seen.version, "2"))
        .await
        .expect("the store works");
    let Applied::Done(committed) = applied else {
        panic!("{applied:?}")
    };
    let first = one.unflushed(0, 10).await.expect("the store works")[0].id;
    assert_eq!(
        committed.after,
        [first],
        "the key's order holds across instances"
    );
    assert!(!two.is_flushed(first).await.expect("the store works"));

    // And what the first knew is old now.
    let stale = one
        .apply(change(2, seen.version, "3"))
        .await
        .expect("the store works");
    assert_eq!(stale, Applied::Conflict(vec![id("hot")]));

    // When the first ends, its row is the second's.
    drop(one);
    until_adopted(&*two, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_record_under_two_instances_counts_every_write_once() {
    // Shows that nothing is lost and nobody waits for ever where two processes decide on one record.
    let folder = tempfile::tempdir().expect("a folder can be made");
    let patient = || async {
        let options = Options::default();
        let stores = Stores::in_folder(Arc::new(Live::new()), folder.path(), options);
        stores
            .open("test", "cluster")
            .await
            .expect("the store opens")
    };
    let (one, two) = (patient().await, patient().await);
    let count = |store: Arc<dyn Store>, base: i64| async move {
        for nth in 0..100 {
            loop {
                let seen = store.load(&id("hot")).await.expect("the store works");
                let (version, number) = seen.map_or((0, 0), |seen| {
                    let number = seen.json.expect("it is never deleted").parse();
                    (seen.version, number.expect("it is a number"))
                });
                let number: u64 = number;
                let change = Change {
                    position: None,
                    outbox: Vec::new(),
                    ..change(base + nth, version, &(number + 1).to_string())
                };
                match store.apply(change).await.expect("the store works") {
                    Applied::Done(_) => break,
                    Applied::Conflict(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    };
    let counting = (0..8).map(|n| count(Arc::clone([&one, &two][n % 2]), 1_000 * n as i64));
    join_all(counting).await;
    let stored = one
        .read(&id("hot"))
        .await
        .expect("the store works")
        .expect("it was written");
    assert_eq!((stored.version, stored.json.as_deref()), (800, Some("800")));
}

#[tokio::test]
async fn another_cluster_counts_its_offsets_anew() {
    let (folder, store) = fresh().await;
    store
        .apply(change(0, 0, "1"))
        .await
        .expect("the store works");
    let moved = open_as("test", "another", folder.path())
        .await
        .expect("the store opens");
    let partition = TopicPartition::new(TopicName::parse("t").expect("a legal name"), 0);
    let taken = moved
        .take(std::slice::from_ref(&partition))
        .await
        .expect("the store works");
    assert_eq!(taken[&partition].handled, None);
    assert!(
        moved
            .load(&id("hot"))
            .await
            .expect("the store works")
            .is_some()
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_refused_with_its_name_and_the_mend() {
    // Given another service's database.
    let (folder, _store) = fresh().await;
    let mut owner = other(&folder).await;
    execute(&mut owner, "update quadrille_service set name = 'somebody'").await;
    let refused = |service: &'static str| {
        let path = folder.path().to_owned();
        async move {
            let opened = open_as(service, "c", &path).await;
            opened.err().expect("it is refused").message
        }
    };
    let message = refused("test").await;
    assert!(
        message.contains("holds the state of service `somebody`, not of `test`"),
        "{message}"
    );

    // Given a file that is no database.
    std::fs::write(
        folder.path().join("text.sqlite"),
        "not a database, but long enough to be one",
    )
    .expect("it can be written");
    let message = refused("text").await;
    assert!(message.contains("it is no SQLite database"), "{message}");

    // Given one that a newer version has written.
    execute(
        &mut owner,
        "insert into quadrille_migrations select 99, 'later', installed_on, true, checksum, 0 \
         from quadrille_migrations",
    )
    .await;
    let message = refused("test").await;
    assert!(
        message.contains("was written by a newer version of Quadrille"),
        "{message}"
    );
    assert!(
        message.contains("version 99, this program knows 1"),
        "{message}"
    );
}

#[tokio::test]
async fn a_locked_database_is_trouble_that_passes() {
    let (folder, store) = fresh().await;
    let mut greedy = other(&folder).await;
    execute(&mut greedy, "begin immediate").await;

    let refused = store
        .apply(change(0, 0, "1"))
        .await
        .expect_err("it is locked");
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert!(
        refused.message.contains("another program has it locked"),
        "{refused}"
    );

    execute(&mut greedy, "rollback").await;
    let applied = store
        .apply(change(0, 0, "1"))
        .await
        .expect("the store works");
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
}

#[tokio::test]
async fn one_change_that_cannot_be_written_holds_up_nobody() {
    // Given a rule of somebody else's on one record, so that the database refuses just that.
    let (folder, store) = fresh().await;
    let mut strict = other(&folder).await;
    execute(
        &mut strict,
        "create trigger no before insert on quadrille_record when new.key = 'bad' \
         begin select raise(abort, 'not this one'); end",
    )
    .await;
    let on = |key: &str| {
        let write = Write {
            json: Some("1".into()),
            indexes: BTreeMap::new(),
        };
        let change = Change {
            writes: BTreeMap::from([(id(key), write)]),
            ..Change::default()
        };
        store.apply(change)
    };

    let applied = join_all([on("a"), on("bad"), on("b")]).await;

    assert!(matches!(applied[0], Ok(Applied::Done(_))));
    let refused = applied[1].as_ref().expect_err("it is refused");
    assert!(refused.message.contains("not this one"), "{refused}");
    assert!(matches!(applied[2], Ok(Applied::Done(_))));
}
