//! A flow under change: what it takes, what it is found by, and how it is written.

use std::collections::BTreeSet;

use jiff::Timestamp;
use prost::bytes::Bytes;

use super::facts::{encode, trace_bytes};
use super::names::pack;
use super::{State, brief, number};
use crate::flow::Flow;
use crate::flow::status::{Word, status};
use crate::flow::view::summary;
use crate::seen::{At, Seen};

/// A flow under change.
pub(super) struct Entry {
    pub(super) row: i64,
    pub(super) flow: Flow,
    // How it was counted before.
    pub(super) before: Option<(Word, Option<String>)>,
    /// What it is to be found by from now on.
    pub(super) finds: Finds,
}

#[derive(Default)]
pub(super) struct Finds {
    pub(super) keys: BTreeSet<String>,
    pub(super) events: BTreeSet<Bytes>,
    pub(super) records: BTreeSet<At>,
    pub(super) traces: BTreeSet<Bytes>,
}

/// How much a batch added.
#[derive(Default)]
pub(super) struct Added {
    pub(super) events: u64,
    pub(super) receipts: u64,
}

impl Entry {
    pub(super) fn take(&mut self, seen: Seen, added: &mut Added) {
        match seen {
            Seen::Event(mut event) => {
                // It stays on its topic.
                event.payload = None;
                self.finds.events.insert(pack(event.envelope.id.as_str()));
                self.finds.records.insert(event.at.clone());
                self.finds.keys.extend(event.key.clone());
                let trace = event.trace_id().and_then(trace_bytes);
                self.finds.traces.extend(trace);
                added.events += u64::from(self.flow.add_event(event));
            }
            Seen::Receipt(receipt) => added.receipts += u64::from(self.flow.add_receipt(receipt)),
            Seen::Contract(_) | Seen::Presence(_) => {}
        }
    }
}

impl Finds {
    pub(super) fn all_of(flow: &Flow) -> Self {
        let mut finds = Self::default();
        for (name, node) in flow.nodes() {
            finds.events.insert(pack(name.id.as_str()));
            finds.records.extend(node.places.iter().cloned());
            if let Some(event) = &node.event {
                finds.keys.extend(event.key.clone());
                finds.traces.extend(event.trace_id().and_then(trace_bytes));
            }
        }
        finds
    }
}

/// A flow as it is written.
pub(super) struct Written {
    pub(super) id: i64,
    pub(super) flow_id: String,
    pub(super) change: i64,
    pub(super) word: u8,
    pub(super) kind: Option<u32>,
    pub(super) wait_service: Option<u32>,
    pub(super) last_ms: Option<i64>,
    pub(super) summary: Vec<u8>,
    pub(super) wait: Option<String>,
    pub(super) facts: Vec<u8>,
}

pub(super) fn written(entry: &Entry, state: &mut State) -> Written {
    let status = status(&entry.flow, &state.expected);
    state.change += 1;
    let (word, wait) = (status.word, status.wait.clone());
    if let Some((word, service)) = &entry.before {
        state.counts.discount(*word, service.as_deref());
    }
    state
        .counts
        .count(word, wait.as_ref().map(|wait| wait.service.as_str()));
    let summary = summary(&entry.flow, status);
    Written {
        id: entry.row,
        flow_id: summary.id.clone(),
        change: state.change as i64,
        word: number(word),
        kind: summary.kind.as_deref().map(|kind| state.names.number(kind)),
        wait_service: wait.as_ref().map(|wait| state.names.number(&wait.service)),
        last_ms: summary.last_at.map(Timestamp::as_millisecond),
        summary: brief::encode(&summary, &mut state.names),
        wait: wait.map(|wait| serde_json::to_string(&wait).expect("plain data is JSON")),
        facts: encode(&entry.flow, &mut state.names),
    }
}
