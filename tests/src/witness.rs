//! A witness: reads topics from outside, without a group, and says what stands there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quadrille::broker::{Broker, Error, Incoming, TopicName, TopicPartition};
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

/// Reads every record that stands on a topic now. Asks again where a topic is so new that the cluster
/// has not made up its mind.
///
/// # Panics
///
/// Where the broker fails for good.
pub async fn raw(broker: &Arc<dyn Broker>, topic: &str) -> Vec<Incoming> {
    loop {
        match try_raw(broker, topic).await {
            Ok(records) => return records,
            Err(error) => assert!(error.is_transient(), "the broker answers: {error}"),
        }
        tokio::task::yield_now().await;
    }
}

async fn try_raw(broker: &Arc<dyn Broker>, topic: &str) -> Result<Vec<Incoming>, Error> {
    let topic = TopicName::parse(topic).expect("a legal name");
    let Some(described) = broker.describe(&topic).await? else {
        return Ok(Vec::new());
    };
    let mut ends = BTreeMap::new();
    let mut starts = BTreeMap::new();
    for partition in 0..described.partitions {
        let partition = TopicPartition::new(topic.clone(), partition);
        let (low, high) = broker.watermarks(&partition).await?;
        if low < high {
            starts.insert(partition.clone(), low);
            ends.insert(partition, high);
        }
    }
    let mut seen = Vec::new();
    if ends.is_empty() {
        return Ok(seen);
    }
    let mut reader = broker.read(starts).await?;
    while !ends.is_empty() {
        for record in reader.next().await? {
            let Some(end) = ends.get(&record.partition) else {
                continue;
            };
            if record.offset + 1 >= *end {
                ends.remove(&record.partition);
            }
            seen.push(record);
        }
    }
    Ok(seen)
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
