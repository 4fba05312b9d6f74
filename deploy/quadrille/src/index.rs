//! The newest flows, kept in memory as their events come: what `up` answers from.
//!
//! It is disposable: whatever it holds is read from topics again after a restart. It is bounded by a
//! number of flows and by bytes; the flow that has been silent for the longest goes first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quadrille::broker::Broker;
use quadrille::id::FlowId;
use quadrille::stop::Stop;
use quadrille::world;
use tokio::sync::watch;

use crate::expect::Expected;
use crate::flow::Flow;
use crate::flow::status::{Word, status};
use crate::flow::view::{Summary, View, summary, view};
use crate::flow::wanted;
use crate::follow::{self, Follow};
use crate::seen::{Seen, seen};

/// Flows that made room and are remembered by their ids, for each flow that is kept.
const FORGOTTEN_PER_FLOW: usize = 4;

/// Limits of an index.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most flows that are kept.
    pub flows_max: usize,
    /// Most bytes that they take together, roughly.
    pub bytes_max: usize,
}

impl Default for Limits {
    /// 10,000 flows, 256 MiB.
    fn default() -> Self {
        Self {
            flows_max: 10_000,
            bytes_max: 256 * 1024 * 1024,
        }
    }
}

/// The newest flows.
pub struct Index {
    limits: Limits,
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    flows: BTreeMap<FlowId, Entry>,
    /// By the time of the last change, counted in changes: the oldest first.
    order: BTreeMap<u64, FlowId>,
    keys: BTreeMap<String, BTreeSet<FlowId>>,
    expected: Expected,
    changes: u64,
    bytes: usize,
    dropped: u64,
    forgotten: Forgotten,
    trouble: Option<String>,
}

/// The flows that made room last.
#[derive(Default)]
struct Forgotten {
    ids: BTreeSet<FlowId>,
    order: VecDeque<FlowId>,
}

impl Forgotten {
    fn has(&self, id: &FlowId) -> bool {
        self.ids.contains(id)
    }

    fn note(&mut self, id: FlowId, max: usize) {
        if self.ids.insert(id.clone()) {
            self.order.push_back(id);
        }
        while self.order.len() > max {
            if let Some(oldest) = self.order.pop_front() {
                self.ids.remove(&oldest);
            }
        }
    }
}

struct Entry {
    flow: Flow,
    change: u64,
    /// How it stands, until it changes.
    word: Option<Word>,
}

/// Flows in a list, and how the list itself stands.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct List {
    /// The flows, those first that changed last.
    pub flows: Vec<Summary>,
    /// Number of flows that are kept, by status.
    pub counts: BTreeMap<String, usize>,
    /// Flows that made room for newer ones.
    pub dropped: u64,
    /// Why the list may be behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Stands for the state of the list: what changed after it can be asked for.
    pub change: u64,
}

impl Index {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            inner: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    /// Takes what was seen.
    pub fn take(&self, seen: Seen) {
        let mut inner = self.inner();
        match seen {
            Seen::Event(event) => {
                let id = event.envelope.flow.clone();
                let key = event.key.clone();
                let mut is_new = false;
                inner.change(&id, |flow| is_new = flow.add_event(event));
                // Only what the flow itself remembers, so that both forget the same.
                if let Some(key) = key.filter(|_| is_new) {
                    inner.keys.entry(key).or_default().insert(id);
                }
            }
            // What is said late of a flow that made room would bring back a part of it.
            Seen::Receipt(receipt) if inner.forgotten.has(&receipt.flow) => {}
            Seen::Receipt(receipt) => {
                let id = receipt.flow.clone();
                inner.change(&id, |flow| {
                    flow.add_receipt(receipt);
                });
            }
            Seen::Contract(contract) => {
                inner.expected.note(&contract);
                for entry in inner.flows.values_mut() {
                    entry.word = None;
                }
            }
        }
        inner.make_room(&self.limits);
        let changes = inner.changes;
        drop(inner);
        self.changed.send_replace(changes);
    }

    /// Flows of a status, or of all, those first that changed last.
    pub fn list(&self, limit: usize, wanted: Option<Word>) -> List {
        self.list_after(0, limit, wanted)
    }

    /// Flows that changed after a state of the list.
    pub fn list_after(&self, change: u64, limit: usize, wanted: Option<Word>) -> List {
        let mut inner = self.inner();
        let inner = &mut *inner;
        inner.judge();
        let mut counts: BTreeMap<String, usize> = Word::ALL
            .iter()
            .map(|word| (word.as_str().to_owned(), 0))
            .collect();
        for word in inner.flows.values().filter_map(|entry| entry.word) {
            *counts.entry(word.as_str().to_owned()).or_default() += 1;
        }
        let newest = inner.order.range(change + 1..).rev();
        let entries = newest.map(|(_, id)| &inner.flows[id]);
        let entries = entries.filter(|entry| wanted.is_none() || entry.word == wanted);
        let flows = entries
            .take(limit)
            .map(|entry| summary(&entry.flow, &inner.expected))
            .collect();
        List {
            flows,
            counts,
            dropped: inner.dropped,
            trouble: inner.trouble.clone(),
            change: inner.changes,
        }
    }

    /// A flow by its id or by a business key, and the ids of the others of that key.
    pub fn find(&self, wanted: &str) -> Option<View> {
        let inner = self.inner();
        let mut ids = BTreeSet::from([FlowId::new(wanted)]);
        ids.extend(wanted::flows_of_key(wanted));
        ids.extend(inner.keys.get(wanted).cloned().unwrap_or_default());
        let entries = ids.iter().filter_map(|id| inner.flows.get(id));
        let mut flows: Vec<_> = entries.map(|entry| &entry.flow).collect();
        flows.sort_by_key(|flow| wanted::place(flow, wanted));
        let (meant, others) = flows.split_first()?;
        let mut view = view(meant, &inner.expected);
        view.notes.extend(wanted::note(others, wanted));
        Some(view)
    }

    /// Topics on which events of flows stand, as far as contracts are known.
    pub fn topics(&self) -> BTreeSet<String> {
        self.inner().expected.topics()
    }

    /// Tells of changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        self.inner().trouble = trouble;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn change(&mut self, id: &FlowId, change: impl FnOnce(&mut Flow)) {
        self.changes += 1;
        let entry = self.flows.entry(id.clone()).or_insert_with(|| Entry {
            flow: Flow::new(id.clone()),
            change: 0,
            word: None,
        });
        let before = entry.flow.bytes();
        change(&mut entry.flow);
        self.bytes += entry.flow.bytes() - before;
        self.order.remove(&entry.change);
        entry.change = self.changes;
        entry.word = None;
        self.order.insert(self.changes, id.clone());
    }

    fn make_room(&mut self, limits: &Limits) {
        let full = |inner: &Self| {
            inner.flows.len() > limits.flows_max
                || (inner.bytes > limits.bytes_max && inner.flows.len() > 1)
        };
        while full(self) {
            let Some((_, id)) = self.order.pop_first() else {
                return;
            };
            let entry = self.flows.remove(&id).expect("both hold the same flows");
            self.bytes -= entry.flow.bytes();
            self.dropped += 1;
            self.forgotten
                .note(id.clone(), limits.flows_max * FORGOTTEN_PER_FLOW);
            for (_, key) in entry.flow.keys() {
                if let Some(flows) = self.keys.get_mut(&key) {
                    flows.remove(&id);
                    if flows.is_empty() {
                        self.keys.remove(&key);
                    }
                }
            }
        }
    }

    /// Sees to it that every flow has its word.
    fn judge(&mut self) {
        for entry in self.flows.values_mut().filter(|entry| entry.word.is_none()) {
            entry.word = Some(status(&entry.flow, &self.expected).word);
        }
    }
}

/// Keeps an index up to date until asked to stop. Trouble with the broker is told in the list, and
/// ends by itself.
pub async fn keep(index: Arc<Index>, broker: Arc<dyn Broker>, world: world::Shared, stop: Stop) {
    let mut cluster = None;
    let mut follow = Follow::new(
        Arc::clone(&broker),
        Arc::clone(&world),
        follow::From::Beginning,
    );
    follow.add(follow::internal_topics().map(str::to_owned));
    while !stop.is_requested() {
        follow.add(index.topics());
        let work = step(&index, &*broker, &mut cluster, &mut follow);
        let (work, stopped) = (std::pin::pin!(work), std::pin::pin!(stop.requested()));
        let futures::future::Either::Left((done, _)) = futures::future::select(work, stopped).await
        else {
            return;
        };
        index.set_trouble(done.as_ref().err().map(ToString::to_string));
        if done.is_err() {
            world.sleep(std::time::Duration::from_millis(500)).await;
        }
    }
}

async fn step(
    index: &Index,
    broker: &dyn Broker,
    cluster: &mut Option<String>,
    follow: &mut Follow,
) -> Result<(), quadrille::broker::Error> {
    let id = match cluster {
        Some(id) => id,
        None => cluster.insert(broker.cluster_id().await?),
    };
    for record in follow.next().await? {
        // What is no event for us is no part of a flow either; services that read it write a
        // receipt.
        if let Ok(seen) = seen(&record, id) {
            index.take(seen);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
