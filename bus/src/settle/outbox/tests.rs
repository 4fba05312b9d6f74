use std::path::Path;

use super::*;
use crate::broker::{TopicName, memory};
use crate::event::Retention;
use crate::state::sqlite::{Options, Stores};
use crate::state::{Applied, Change, Stores as _};
use crate::world::Live;

fn outbox(broker: &Arc<memory::Broker>, store: Option<Arc<dyn Store>>) -> Outbox {
    let policy = retry::Policy {
        attempts_max: 1,
        base: Duration::ZERO,
        max: Duration::ZERO,
    };
    let broker = Arc::clone(broker) as Arc<dyn Broker>;
    let world = Arc::new(Live::new());
    Outbox::new(
        broker,
        store,
        world,
        policy,
        Status::starting(),
        Observer::default(),
    )
}

async fn instance(folder: &Path) -> Arc<dyn Store> {
    let stores = Stores::in_folder(Arc::new(Live::new()), folder, Options::default());
    let store = stores.open("shop", "cluster").await;
    store.expect("the folder is there")
}

/// Leaves a row in the outbox that is not flushed.
async fn leave(store: &dyn Store, key: &'static str) -> RowId {
    let record = Outgoing {
        topic: TopicName::parse("orders").expect("it is one"),
        partition: None,
        key: Some(key.into()),
        value: None,
        headers: broker::Headers::new(),
        timestamp_ms: None,
    };
    let change = Change {
        outbox: vec![record],
        ..Change::default()
    };
    match store.apply(change).await {
        Ok(Applied::Done(done)) => done.row.expect("there is something to publish"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_sweep_does_not_wait_for_the_row_of_another_instance() {
    // Shows that whoever waits for an instance that may end at any moment does not keep its own sweep
    // from finding what that one leaves.
    let folder = tempfile::tempdir().unwrap();
    let broker = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let topic = broker::NewTopic {
        name: TopicName::parse("orders").unwrap(),
        partitions: 1,
        replication: None,
        retention: Retention::Forever,
    };
    broker.create(&topic).await.unwrap();
    // Given an instance that lives, with a row, and one that has died, whose row goes after it.
    let alive = instance(folder.path()).await;
    let first = leave(&*alive, "4711").await;
    let dead = instance(folder.path()).await;
    let second = leave(&*dead, "4711").await;
    dead.close().await;
    drop(dead);
    let sweeper = instance(folder.path()).await;
    let outbox = outbox(&broker, Some(Arc::clone(&sweeper)));

    // When somebody sweeps.
    let swept = outbox.sweep().await.unwrap();

    // Then nothing overtakes, and once the other has died as well, all goes out.
    assert_eq!(swept, 0);
    assert!(!sweeper.is_flushed(second).await.unwrap());
    alive.close().await;
    drop(alive);
    assert_eq!(outbox.sweep().await.unwrap(), 2);
    assert!(sweeper.is_flushed(first).await.unwrap());
    assert!(sweeper.is_flushed(second).await.unwrap());
}

#[tokio::test]
async fn a_row_that_is_being_flushed_is_left_alone_and_stays_marked() {
    // Shows that a sweep that comes across a row in flight neither hangs nor flushes it twice.
    let broker = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let outbox = outbox(&broker, None);

    let first = outbox.begin(7).expect("nobody flushes it");
    assert!(outbox.begin(7).is_none());
    assert!(
        outbox.begin(7).is_none(),
        "the second look did not take the mark away"
    );
    assert!(outbox.begin(8).is_some());

    drop(first);
    assert!(outbox.begin(7).is_some());
}
