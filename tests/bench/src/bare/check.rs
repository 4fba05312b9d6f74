//! What the cluster has at the end: asked of rdkafka, whoever did the work.

use std::collections::BTreeMap;
use std::time::Duration;

use quadrille::broker::{TopicName, TopicPartition};
use rdkafka::Message as _;
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::clients;
use crate::contend::Stage;
use crate::fault::Fault;
use crate::work::{Ledger, Measured};

/// Longest wait for an answer or a record.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Longest wait for where a partition begins and ends, and how often that is asked.
const ASK: Duration = Duration::from_secs(2);
const ASKS: u32 = 5;

/// The offset that the next record of each partition will get.
pub(crate) async fn ends(kafka: &str, topic: &str) -> Result<BTreeMap<TopicPartition, i64>, Fault> {
    let consumer = clients::asking(kafka, "bench-asking")?;
    let marks = watermarks(&consumer, topic)?.into_iter();
    Ok(marks.map(|(at, (_, end))| (at, end)).collect())
}

/// Whether the group has committed all of a topic.
pub(crate) async fn committed(kafka: &str, topic: &str, group: &str) -> Result<(), Fault> {
    let consumer = clients::asking(kafka, group)?;
    let marks = watermarks(&consumer, topic)?;
    let mut asked = TopicPartitionList::new();
    for at in marks.keys() {
        asked.add_partition(topic, at.partition);
    }
    let committed = consumer.committed_offsets(asked, PATIENCE);
    let committed = committed.map_err(|error| Fault::of("ask for commits", &error))?;
    for (at, (first, end)) in marks {
        let found = committed.find_partition(topic, at.partition);
        let found = found.map(|found| found.offset());
        let is_all = found == Some(Offset::Offset(end)) || first == end;
        if !is_all {
            return Err(Fault::new(format!(
                "group {group} has committed {found:?} of {at}, which ends at {end}"
            )));
        }
    }
    Ok(())
}

/// Whether the events of a run are in their topic, behind `before`: all, once, and in order.
pub(crate) async fn stored<E: Measured>(
    stage: &Stage,
    before: &BTreeMap<TopicPartition, i64>,
    events: u64,
) -> Result<(), Fault> {
    let topic = E::SCHEMA.topic.name;
    let consumer = clients::asking(&stage.order.kafka, "bench-checking")?;
    let mut left: i64 = 0;
    let mut from = TopicPartitionList::new();
    for (at, (_, end)) in watermarks(&consumer, topic)? {
        let begin = before.get(&at).copied().unwrap_or(0);
        left += end - begin;
        from.add_partition_offset(topic, at.partition, Offset::Offset(begin))
            .map_err(|error| Fault::of("read from an offset", &error))?;
    }
    consumer
        .assign(&from)
        .map_err(|error| Fault::of("read from an offset", &error))?;
    let ledger = Ledger::of(events);
    while left > 0 {
        let message = clients::next(&consumer, &stage.world)?;
        left -= 1;
        let event = E::decode(message.payload().unwrap_or_default())
            .map_err(|error| Fault::of("decode what was published", &error))?;
        ledger.begin(&event.facts());
        ledger.end(&event.facts());
    }
    ledger.check().map_err(Fault::new)
}

/// Deletes all records of a topic that are there, so that disks do not fill.
pub(crate) async fn trim(kafka: &str, topic: &str) -> Result<(), Fault> {
    let mut to = TopicPartitionList::new();
    for (at, end) in ends(kafka, topic).await? {
        to.add_partition_offset(topic, at.partition, Offset::Offset(end))
            .map_err(|error| Fault::of("delete records", &error))?;
    }
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let deleted = clients::admin(kafka)?.delete_records(&to, &options).await;
    let deleted = deleted.map_err(|error| Fault::of("delete records", &error))?;
    for partition in deleted.elements() {
        let error = partition.error();
        error.map_err(|error| Fault::of("delete records", &error))?;
    }
    Ok(())
}

fn watermarks(
    consumer: &BaseConsumer,
    topic: &str,
) -> Result<BTreeMap<TopicPartition, (i64, i64)>, Fault> {
    let tried = format!("ask about topic {topic}");
    let failed = |error| Fault::of(&tried, &error);
    let metadata = consumer
        .fetch_metadata(Some(topic), PATIENCE)
        .map_err(failed)?;
    let name = TopicName::parse(topic).map_err(Fault::new)?;
    let mut marks = BTreeMap::new();
    let topics = metadata.topics().iter();
    for partition in topics.flat_map(|topic| topic.partitions()) {
        let mut found = consumer.fetch_watermarks(topic, partition.id(), ASK);
        for _ in 1..ASKS {
            if found.is_ok() {
                break;
            }
            // A partition that is new has no leader yet, and one call does not look for another.
            found = consumer.fetch_watermarks(topic, partition.id(), ASK);
        }
        let found = found.map_err(failed)?;
        marks.insert(TopicPartition::new(name.clone(), partition.id()), found);
    }
    if marks.is_empty() {
        return Err(Fault::new(format!("topic {topic} is not there")));
    }
    Ok(marks)
}
