//! What every store must do while several decide at once: in this process, and before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use quadrille::state::{Applied, Change, EventPosition, Store};

use super::{done, event, handled, id, partition, version, write};

/// Shows the fence: a new owner of a partition shuts the old one out, records, inbox and all.
pub async fn whoever_lost_a_partition_is_refused(store: Arc<dyn Store>) {
    let take = || async { store.take(&[partition()]).await.expect("the store works") };
    let (old, new) = (take().await, take().await);
    let (old, new) = (old[&partition()].epoch, new[&partition()].epoch);
    assert!(old < new);
    let by = |epoch, name| Change {
        event: event(name),
        position: Some(EventPosition {
            epoch,
            ..handled(0, 0).expect("given")
        }),
        ..write("k", "1")
    };

    let late = store.apply(by(old, "e")).await.expect("the store works");

    assert_eq!(late, Applied::Fenced);
    assert_eq!(version(&*store, "k").await, 0);
    done(&*store, by(new, "e")).await;
    assert_eq!(version(&*store, "k").await, 1);
}

/// Shows that a change is seen by the next decision as soon as it is submitted, in a chain.
pub async fn a_decision_may_rest_on_one_that_is_under_way(store: Arc<dyn Store>) {
    let mut submitted = Vec::new();
    for n in 0..20 {
        let seen = store.load(&id("hot")).await.expect("the store works");
        let reads = BTreeMap::from([(id("hot"), seen.as_ref().map_or(0, |seen| seen.version))]);
        let text = seen
            .and_then(|seen| seen.json)
            .unwrap_or_else(|| "0".into());
        assert_eq!(*text, *n.to_string());
        let change = Change {
            reads,
            ..write("hot", &(n + 1).to_string())
        };
        submitted.push(store.submit(Arc::new(change)));
    }

    for applied in join_all(submitted).await {
        assert!(matches!(applied, Ok(Applied::Done(_))), "{applied:?}");
    }

    let stored = store.read(&id("hot")).await.expect("the store works");
    let stored = stored.expect("it was written");
    assert_eq!((stored.version, stored.json.as_deref()), (20, Some("20")));
}

/// Shows that whoever is about to do something outside the store can wait for what it rests on.
pub async fn what_was_loaded_is_confirmed_once_it_is_in_the_store(store: Arc<dyn Store>) {
    let submitted = store.submit(Arc::new(write("k", "1")));
    let loaded = store.load(&id("k")).await.expect("the store works");
    let loaded = loaded.expect("it was submitted");

    assert!(
        store
            .confirm(&id("k"), &loaded)
            .await
            .expect("the store works")
    );

    let stored = store.read(&id("k")).await.expect("the store works");
    assert_eq!(stored.and_then(|stored| stored.json), loaded.json);
    submitted.await.expect("the store works");
    // And later, though its version is a number by now.
    assert!(
        store
            .confirm(&id("k"), &loaded)
            .await
            .expect("the store works")
    );
}

/// Shows that nothing is built on a change that did not come about.
pub async fn a_chain_falls_with_the_decision_it_rests_on(store: Arc<dyn Store>) {
    let once = Change {
        event: event("e"),
        ..Change::default()
    };
    done(&*store, once.clone()).await;
    // Given a change that the inbox refuses, and one that has seen it.
    let double = store.submit(Arc::new(Change {
        event: once.event,
        ..write("k", "\"never\"")
    }));
    let seen = store.load(&id("k")).await.expect("the store works");
    if let Some(seen) = &seen {
        assert!(
            !store
                .confirm(&id("k"), seen)
                .await
                .expect("the store works")
        );
    }
    let reads = BTreeMap::from([(id("k"), seen.map_or(0, |seen| seen.version))]);
    let rests = Change {
        reads: reads.clone(),
        ..write("k", "\"on it\"")
    };
    let rests = store
        .submit(Arc::new(rests))
        .await
        .expect("the store works");

    assert_eq!(double.await.expect("the store works"), Applied::Duplicate);
    match rests {
        // A store that had refused the first one already showed nothing of it.
        Applied::Done(_) => assert_eq!(reads[&id("k")], 0),
        Applied::Conflict(records) => {
            assert_eq!(records, [id("k")]);
            assert_eq!(version(&*store, "k").await, 0);
        }
        other => panic!("{other:?}"),
    }
}
