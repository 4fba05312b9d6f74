//! Topics, made and filled before anybody is measured.

use std::time::Duration;

use quadrille::broker::{Broker, NewTopic, TopicName};
use quadrille::config::Config;
use quadrille::event::Retention;
use quadrille::publish::Publisher;
use quadrille::{Event as _, world};

use super::broker;
use crate::bare::check;
use crate::bare::clients::LOOK_AGAIN;
use crate::events::bench::v1::{Published, Stored, Timed};
use crate::fault::Fault;
use crate::work::{Maker, PARTITIONS};

/// Where receipts go.
pub(crate) const RECEIPTS: &str = "quadrille.receipts";
/// Where those put their answers who have no receipts.
pub(crate) const ANSWERS: &str = "bench.answers";
/// How long the topics keep records, as the receipts' schema has it.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Topics of the benchmark that contenders write to.
pub(crate) fn written() -> impl Iterator<Item = &'static str> {
    [
        Published::SCHEMA.topic.name,
        Timed::SCHEMA.topic.name,
        ANSWERS,
    ]
    .into_iter()
}

/// Makes the topics that are missing, and empties all.
pub(crate) async fn prepare(kafka: &str, world: &world::Shared) -> Result<(), Fault> {
    let broker = broker(kafka, &Config::default())?;
    for name in written().chain([Stored::SCHEMA.topic.name]) {
        create(&*broker, name).await?;
        led(kafka, world, name).await?;
        check::trim(kafka, name).await?;
    }
    Ok(())
}

async fn create(broker: &dyn Broker, name: &str) -> Result<(), Fault> {
    let topic = NewTopic {
        name: TopicName::parse(name).map_err(Fault::new)?,
        partitions: PARTITIONS,
        replication: None,
        retention: Retention::For(KEPT),
    };
    let created = broker.create(&topic).await;
    created
        .map(drop)
        .map_err(|error| Fault::of(&format!("create topic {name}"), &error))
}

/// Waits until every partition of a new topic has a leader that knows of it.
async fn led(kafka: &str, world: &world::Shared, name: &str) -> Result<(), Fault> {
    let began = world.elapsed();
    while let Err(fault) = check::ends(kafka, name).await {
        if world.elapsed().saturating_sub(began) > check::PATIENCE {
            return Err(fault);
        }
        world.sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Stores events for those who read, in place of what was there.
pub(crate) async fn fill(kafka: &str, world: &world::Shared, events: u64) -> Result<(), Fault> {
    check::trim(kafka, Stored::SCHEMA.topic.name).await?;
    let config = Config::default();
    let broker = broker(kafka, &config)?;
    let limit = config.limits.event_bytes_max;
    let publisher = Publisher::new("bench", broker, world.clone(), limit);
    let mut maker = Maker::new();
    for number in (0..events).step_by(BATCH) {
        let batch = number..events.min(number + BATCH as u64);
        let batch: Vec<Stored> = batch.map(|number| maker.make(number, 0)).collect();
        for published in publisher.publish_all(batch).await {
            published.map_err(|error| Fault::of("fill a topic", &error))?;
        }
    }
    Ok(())
}

/// Events that are handed over at once.
const BATCH: usize = 10_000;
