//! A witness: reads topics from outside, without a group, and says what stands there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quadrille::broker::{Broker, Incoming, TopicName, TopicPartition};
use quadrille::envelope::Envelope;
use quadrille::envelope::read::{Place, read};
use quadrille::event::Event;
use quadrille::wire::{Outcome, Receipt};

/// An event that stands on a topic.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Where it stands.
    pub record: Incoming,
    /// Its envelope.
    pub envelope: Envelope,
}

impl Seen {
    /// The event, where it is of this type.
    pub fn event<E: Event>(&self) -> Option<E> {
        let of_type = *self.envelope.kind == *E::SCHEMA.wire_type();
        of_type
            .then(|| E::decode(&**self.record.value.as_ref().expect("an event has a value")))?
            .ok()
    }
}

/// Reads every event that stands on a topic now.
pub async fn all(broker: &Arc<dyn Broker>, topic: &str) -> Vec<Seen> {
    let seen = |record: Incoming| {
        let place = Place {
            cluster: "",
            single_type: None,
        };
        let envelope = read(&record, place)
            .expect("our records can be read")
            .envelope;
        Seen { record, envelope }
    };
    raw(broker, topic).await.into_iter().map(seen).collect()
}

/// Reads every record that stands on a topic now.
pub async fn raw(broker: &Arc<dyn Broker>, topic: &str) -> Vec<Incoming> {
    let topic = TopicName::parse(topic).expect("a legal name");
    let described = broker.describe(&topic).await.expect("the broker answers");
    let Some(described) = described else {
        return Vec::new();
    };
    let mut ends = BTreeMap::new();
    let mut starts = BTreeMap::new();
    for partition in 0..described.partitions {
        let partition = TopicPartition::new(topic.clone(), partition);
        let (low, high) = broker
            .watermarks(&partition)
            .await
            .expect("the broker answers");
        if low < high {
            starts.insert(partition.clone(), low);
            ends.insert(partition, high);
        }
    }
    let mut seen = Vec::new();
    if ends.is_empty() {
        return seen;
    }
    let mut reader = broker.read(starts).await.expect("the partitions are there");
    while !ends.is_empty() {
        for record in reader.next().await.expect("the broker answers") {
            let Some(end) = ends.get(&record.partition) else {
                continue;
            };
            if record.offset + 1 >= *end {
                ends.remove(&record.partition);
            }
            seen.push(record);
        }
    }
    seen
}

/// All receipts that stand on their topic now, each once.
pub async fn receipts(broker: &Arc<dyn Broker>) -> Vec<Receipt> {
    let mut known = BTreeSet::new();
    let seen = all(broker, Receipt::SCHEMA.topic.name).await.into_iter();
    let distinct = seen.filter(|seen| known.insert(seen.envelope.id.clone()));
    distinct
        .filter_map(|seen| seen.event::<Receipt>())
        .collect()
}

/// How often each (service, outcome) occurs among receipts.
pub fn tally(receipts: &[Receipt]) -> BTreeMap<(String, Outcome), usize> {
    let mut tally = BTreeMap::new();
    for receipt in receipts {
        *tally
            .entry((receipt.service.clone(), receipt.outcome()))
            .or_insert(0) += 1;
    }
    tally
}
