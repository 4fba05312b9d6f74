//! What every store must do with its outbox.

use std::sync::Arc;

use quadrille::state::{Change, Store};

use super::{done, record};

/// Shows that a row holds its records until the broker has them, and what a sweep reads.
pub async fn outbox_rows_come_in_commit_order_until_flushed(store: Arc<dyn Store>) {
    let mut rows = Vec::new();
    for key in ["a", "b", "c"] {
        let outbox = vec![record("out", key), record("receipts", "f")];
        let committed = done(
            &*store,
            Change {
                outbox,
                ..Change::default()
            },
        )
        .await;
        rows.push(committed.row.expect("there was something to publish"));
    }
    assert!(rows.is_sorted());
    assert_eq!(done(&*store, Change::default()).await.row, None);

    store.flushed(&rows[1..2]).await.expect("the store works");

    let left = store.unflushed(0, 10).await.expect("the store works");
    assert_eq!(
        left.iter().map(|row| row.id).collect::<Vec<_>>(),
        [rows[0], rows[2]]
    );
    assert_eq!(
        left[0].records,
        [record("out", "a"), record("receipts", "f")]
    );
    let page = store.unflushed(rows[0], 1).await.expect("the store works");
    assert_eq!(page.iter().map(|row| row.id).collect::<Vec<_>>(), [rows[2]]);
    store
        .flushed(&rows)
        .await
        .expect("flushing twice does no harm");
}

/// Shows how order per topic and key is kept among rows.
pub async fn a_row_waits_for_the_last_one_of_its_topic_and_key(store: Arc<dyn Store>) {
    let mut rows = Vec::new();
    for keys in [&["a"][..], &["a", "b"], &["c"], &["b", "c"]] {
        let outbox = keys.iter().map(|key| record("out", key)).collect();
        rows.push(
            done(
                &*store,
                Change {
                    outbox,
                    ..Change::default()
                },
            )
            .await,
        );
    }
    let row = |n: usize| rows[n].row.expect("there was something to publish");
    assert!(rows[0].after.is_empty());
    assert_eq!(rows[1].after, [row(0)]);
    assert!(rows[2].after.is_empty());
    assert_eq!(rows[3].after, [row(1), row(2)]);

    store.flushed(&[row(3)]).await.expect("the store works");
    let outbox = vec![record("out", "c"), record("elsewhere", "a")];
    let next = done(
        &*store,
        Change {
            outbox,
            ..Change::default()
        },
    )
    .await;
    assert_eq!(next.after, [row(2)]);
}

/// Shows what a row that waits for an earlier one asks.
pub async fn a_flushed_row_is_known_to_be(store: Arc<dyn Store>) {
    let outbox = vec![record("out", "a")];
    let change = Change {
        outbox,
        ..Change::default()
    };
    let row = done(&*store, change)
        .await
        .row
        .expect("there was something to publish");
    assert!(!store.is_flushed(row).await.expect("the store works"));

    store.flushed(&[row]).await.expect("the store works");

    assert!(store.is_flushed(row).await.expect("the store works"));
    assert!(
        store
            .unflushed(0, 10)
            .await
            .expect("the store works")
            .is_empty()
    );
}
