//! Topics: creating, describing, listing.

use std::time::Duration;

use quadrille::broker::{ErrorKind, NewTopic};
use quadrille::event::Retention;

use crate::Fixture;

/// A created topic has the partitions that were asked for, and one copy at least.
pub async fn creates_and_describes_a_topic(fixture: &Fixture) {
    let name = fixture.topic(7).await;

    let topic = fixture
        .broker
        .describe(&name)
        .await
        .expect("the cluster answers");

    let topic = topic.expect("the topic is there");
    assert_eq!(topic.partitions, 7);
    assert_eq!(topic.replication, 1);
}

/// Creating a topic that is there says so and changes nothing.
pub async fn creating_a_topic_again_leaves_it_as_it_was(fixture: &Fixture) {
    let name = fixture.topic(3).await;
    let again = NewTopic {
        name: name.clone(),
        partitions: 5,
        replication: None,
        retention: Retention::Compacted,
    };

    let created = fixture
        .broker
        .create(&again)
        .await
        .expect("that is no error");

    assert!(!created, "the topic was there");
    let topic = fixture
        .broker
        .describe(&name)
        .await
        .expect("the cluster answers");
    let topic = topic.expect("the topic is there");
    assert_eq!(topic.partitions, 3);
    assert_eq!(topic.retention, Some(Retention::Forever));
}

/// All topics are listed, sorted, and none of the cluster's own.
pub async fn lists_topics_in_order(fixture: &Fixture) {
    let first = fixture.topic(1).await;
    let second = fixture.topic(1).await;

    let names = fixture
        .eventually("both topics are listed", async || {
            let names = fixture.broker.topics().await.expect("the cluster answers");
            (names.contains(&first) && names.contains(&second)).then_some(names)
        })
        .await;

    assert!(names.is_sorted(), "names are sorted: {names:?}");
    assert!(
        names.iter().all(|name| !name.as_str().starts_with("__")),
        "none is the cluster's own: {names:?}"
    );
}

/// A topic that is not there is no error, and asking does not create it.
pub async fn a_topic_that_is_not_there_is_not_described(fixture: &Fixture) {
    let name = fixture.topic_name("nowhere");

    for _ in 0..2 {
        let topic = fixture
            .broker
            .describe(&name)
            .await
            .expect("the cluster answers");
        assert_eq!(topic, None);
    }
}

/// What a topic was created with for retention is what it says later.
pub async fn describes_every_retention(fixture: &Fixture) {
    let retentions = [
        Retention::For(Duration::from_hours(1)),
        Retention::Forever,
        Retention::Compacted,
    ];
    for retention in retentions {
        let name = fixture.topic_with(1, retention).await;
        let topic = fixture
            .broker
            .describe(&name)
            .await
            .expect("the cluster answers");
        let topic = topic.expect("the topic is there");
        assert_eq!(topic.retention, Some(retention));
    }
}

/// A topic has at least one partition.
pub async fn a_topic_without_partitions_is_refused(fixture: &Fixture) {
    let topic = NewTopic {
        name: fixture.topic_name("empty"),
        partitions: 0,
        replication: Some(1),
        retention: Retention::Forever,
    };

    let error = fixture
        .broker
        .create(&topic)
        .await
        .expect_err("nothing can be kept there");

    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

/// The cluster's id tells it from others, so it does not change and is not empty.
pub async fn the_cluster_id_stays_the_same(fixture: &Fixture) {
    let id = fixture
        .broker
        .cluster_id()
        .await
        .expect("the cluster answers");
    let again = fixture
        .broker
        .cluster_id()
        .await
        .expect("the cluster answers");

    assert!(!id.is_empty(), "the cluster has an id");
    assert_eq!(id, again);
}
