//! The topics of [`events`](crate::events), for tests in which no service owns them.

use std::sync::Arc;

use quadrille::broker::{Broker, NewTopic, TopicName};
use quadrille::event::Retention;

/// Makes them, with six partitions each.
///
/// # Panics
///
/// Where the broker refuses.
pub async fn create(broker: &Arc<dyn Broker>) {
    for name in ["ticks", "tocks"] {
        let topic = NewTopic {
            name: TopicName::parse(name).expect("a legal name"),
            partitions: 6,
            replication: None,
            retention: Retention::Forever,
        };
        broker.create(&topic).await.expect("the broker answers");
    }
}
