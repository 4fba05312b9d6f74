//! Finds a flow by reading topics from their beginnings to their present ends.
//!
//! Only what belongs to the flow is kept. A flow that is known by its id, or by the key of a flow
//! that was begun under one, is found in one pass. For any other key the first pass finds the flows,
//! and a second one gathers them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use quadrille::Event as _;
use quadrille::broker::{Broker, Error, Incoming};
use quadrille::id::FlowId;
use quadrille::wire::{ContractPublished, Receipt};
use quadrille::world;

use crate::expect::Expected;
use crate::flow::{Flow, wanted};
use crate::follow;
use crate::seen::{Promised, Seen, seen};

/// Most flows of one business key that are kept beside its own: the newest.
const FLOWS_MAX: usize = 20;
/// Silence after which the rest of a partition counts as holding nothing: offsets that transactions
/// or compaction have taken are never delivered.
const SILENCE: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The flows, the one that was meant first.
    pub flows: Vec<Flow>,
    /// What services react to.
    pub expected: Expected,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

/// What a cluster is read with.
pub struct Scan<'a> {
    broker: &'a Arc<dyn Broker>,
    world: &'a world::Shared,
    cluster: String,
    /// Records read so far.
    progress: &'a (dyn Fn(u64, u64) + Sync),
    notes: Vec<String>,
}

impl<'a> Scan<'a> {
    /// Of a cluster. `progress` is told how many records were read, and of how many.
    pub async fn new(
        broker: &'a Arc<dyn Broker>,
        world: &'a world::Shared,
        progress: &'a (dyn Fn(u64, u64) + Sync),
    ) -> Result<Self, Error> {
        Ok(Self {
            broker,
            world,
            cluster: broker.cluster_id().await?,
            progress,
            notes: Vec::new(),
        })
    }

    /// Finds flows by flow id or business key.
    pub async fn find(mut self, wanted: &str) -> Result<Found, Error> {
        let expected = self.contracts().await?;
        let mut topics = expected.topics();
        topics.insert(Receipt::SCHEMA.topic.name.to_owned());
        let mut search = Search::new(wanted);
        self.each(&topics, |seen| search.take(seen, true)).await?;
        if search.must_read_again {
            search.forget_contents();
            self.each(&topics, |seen| search.take(seen, false)).await?;
        }
        let mut notes = self.notes;
        if search.dropped > 0 {
            let dropped = search.dropped;
            notes.push(format!("{dropped} older flows with this key are not shown"));
        }
        Ok(Found {
            flows: search.found(),
            expected,
            notes,
        })
    }

    /// What services react to.
    pub async fn contracts(&mut self) -> Result<Expected, Error> {
        let mut expected = Expected::default();
        for contract in self.published().await? {
            expected.note(&contract);
        }
        Ok(expected)
    }

    /// All contracts, in the order of their topic.
    pub async fn published(&mut self) -> Result<Vec<Promised>, Error> {
        let mut contracts = Vec::new();
        let topic = ContractPublished::SCHEMA.topic.name.to_owned();
        self.each(&BTreeSet::from([topic]), |seen| {
            if let Seen::Contract(contract) = seen {
                contracts.push(contract);
            }
        })
        .await?;
        Ok(contracts)
    }

    /// Reads all that is there now.
    async fn each(
        &mut self,
        topics: &BTreeSet<String>,
        mut take: impl FnMut(Seen),
    ) -> Result<(), Error> {
        let (mut from, mut ends) = (BTreeMap::new(), BTreeMap::new());
        let mut total = 0;
        for partition in follow::partitions(&**self.broker, topics).await? {
            let (low, high) = self.broker.watermarks(&partition).await?;
            if low < high {
                total += high.abs_diff(low);
                from.insert(partition.clone(), low);
                ends.insert(partition, high);
            }
        }
        if from.is_empty() {
            return Ok(());
        }
        let mut reader = self.broker.read(from).await?;
        let mut count = 0;
        while !ends.is_empty() {
            let next = world::timeout(self.world, SILENCE, reader.next()).await;
            let Some(records) = next.transpose()? else {
                self.note_silence(&ends);
                break;
            };
            count += records.len() as u64;
            (self.progress)(count.min(total), total);
            for record in records {
                self.one(&record, &mut ends, &mut take);
            }
        }
        Ok(())
    }

    fn one(
        &self,
        record: &Incoming,
        ends: &mut BTreeMap<quadrille::broker::TopicPartition, i64>,
        take: &mut impl FnMut(Seen),
    ) {
        let Some(end) = ends.get(&record.partition).copied() else {
            return;
        };
        if record.offset + 1 >= end {
            ends.remove(&record.partition);
        }
        // Came while we were reading: left for the next time, so that reading ends.
        if record.offset >= end {
            return;
        }
        // What is no event for us is no part of a flow either.
        if let Ok(seen) = seen(record, &self.cluster) {
            take(seen);
        }
    }

    fn note_silence(&mut self, ends: &BTreeMap<quadrille::broker::TopicPartition, i64>) {
        let names: Vec<_> = ends.keys().map(ToString::to_string).collect();
        let note = format!(
            "nothing came from {} for {} s: taken as read to the end",
            names.join(", "),
            SILENCE.as_secs()
        );
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Gathers the flows that were asked for.
struct Search<'a> {
    wanted: &'a str,
    flows: BTreeMap<FlowId, Flow>,
    must_read_again: bool,
    dropped: u64,
}

impl<'a> Search<'a> {
    fn new(wanted: &'a str) -> Self {
        let mut ids = vec![FlowId::new(wanted)];
        ids.extend(wanted::flows_of_key(wanted));
        let flows = ids.into_iter().map(|id| (id.clone(), Flow::new(id)));
        Self {
            wanted,
            flows: flows.collect(),
            must_read_again: false,
            dropped: 0,
        }
    }

    fn take(&mut self, seen: Seen, finding: bool) {
        match seen {
            Seen::Event(event) => {
                let id = &event.envelope.flow;
                if finding && !self.flows.contains_key(id) && self.has_key(&event) {
                    self.flows.insert(id.clone(), Flow::new(id.clone()));
                    // Its other events may stand before this one, and have other keys.
                    self.must_read_again = true;
                    self.drop_oldest();
                }
                if let Some(flow) = self.flows.get_mut(&event.envelope.flow) {
                    flow.add_event(event);
                }
            }
            Seen::Receipt(receipt) => {
                if let Some(flow) = self.flows.get_mut(&receipt.flow) {
                    flow.add_receipt(receipt);
                }
            }
            Seen::Contract(_) | Seen::Presence(_) => {}
        }
    }

    fn has_key(&self, event: &crate::seen::Event) -> bool {
        event.key.as_deref() == Some(self.wanted)
    }

    fn drop_oldest(&mut self) {
        let begun = self.flows.values().filter(|flow| flow.span().is_some());
        let begun = begun.filter(|flow| !wanted::is_own(&flow.id, self.wanted));
        if begun.clone().count() <= FLOWS_MAX {
            return;
        }
        let oldest = begun
            .min_by_key(|flow| flow.span())
            .map(|flow| flow.id.clone());
        if let Some(oldest) = oldest {
            self.flows.remove(&oldest);
            self.dropped += 1;
        }
    }

    fn forget_contents(&mut self) {
        for (id, flow) in &mut self.flows {
            *flow = Flow::new(id.clone());
        }
    }

    fn found(self) -> Vec<Flow> {
        let flows = self.flows.into_values();
        let mut flows: Vec<_> = flows.filter(|flow| !flow.nodes().is_empty()).collect();
        flows.sort_by_key(|flow| wanted::place(flow, self.wanted));
        flows
    }
}
