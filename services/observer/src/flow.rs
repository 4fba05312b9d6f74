//! A flow: what happened under one correlation id, gathered from events and receipts.
//!
//! Events and receipts stand on different topics and come in any order; the same ones may come
//! twice, after a crash or because a topic is read again. A [`Flow`] takes them as they come, counts
//! each (source, id) once, and is asked at any time how it stands ([`status`]) and what led to what
//! ([`tree`]). It is for looking at only: no service asks it anything.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use quadrille::id::{EventId, FlowId, Source};
use quadrille::wire::Outcome;

pub mod status;
pub mod tree;
pub mod view;
pub mod wanted;

use crate::seen::{At, Event, Receipt};

/// Most events of one flow that are kept. Later ones are counted.
pub const EVENTS_MAX: usize = 10_000;
/// Most receipts of one flow that are kept. Later ones are counted.
pub const RECEIPTS_MAX: usize = 40_000;
/// Most places of one event that are told.
pub const COPIES_MAX: usize = 100;

/// What happened under one correlation id.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The correlation id.
    pub id: FlowId,
    nodes: BTreeMap<Name, Node>,
    receipts: BTreeSet<EventId>,
    left_out: u64,
    made_room: bool,
}

/// What makes an event one and the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Who published it.
    pub source: Source,
    /// Its id, unique within the source.
    pub id: EventId,
}

/// One event and what became of it.
#[derive(Debug, Clone)]
pub struct Node {
    /// The event. `None`: only receipts tell of it, because it could not be read, was not read yet,
    /// or is past its topic's retention.
    pub event: Option<Event>,
    /// Where the records stand that carry it: more than one after a crash. At most
    /// [`COPIES_MAX`] are told.
    pub places: BTreeSet<At>,
    /// Its type.
    pub kind: String,
    /// Where it stands.
    pub at: At,
    /// What became of it, by service.
    pub reactions: BTreeMap<String, Reaction>,
}

/// What became of an event at one service: its attempts, in the order of their beginnings.
#[derive(Debug, Clone, Default)]
pub struct Reaction {
    /// The receipts.
    pub attempts: Vec<Receipt>,
}

/// How a reaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is done, and what it emitted is on its topics.
    Done,
    /// It failed and will be tried again.
    Retrying,
    /// It failed for good, and the event is parked.
    Parked,
    /// The service reacts to such events and has not told of this one.
    Waiting,
}

impl Flow {
    /// A flow of which nothing is known yet.
    pub fn new(id: FlowId) -> Self {
        Self {
            id,
            nodes: BTreeMap::new(),
            receipts: BTreeSet::new(),
            left_out: 0,
            made_room: false,
        }
    }

    /// Takes an event of the flow. `false`: it was there already, or there is no more room.
    pub fn add_event(&mut self, event: Event) -> bool {
        let name = Name {
            source: event.envelope.source.clone(),
            id: event.envelope.id.clone(),
        };
        if !self.nodes.contains_key(&name) && self.nodes.len() >= EVENTS_MAX {
            self.left_out += 1;
            return false;
        }
        let node = self.nodes.entry(name).or_insert_with(|| Node {
            event: None,
            places: BTreeSet::new(),
            kind: event.envelope.kind.to_string(),
            at: event.at.clone(),
            reactions: BTreeMap::new(),
        });
        if node.places.len() < COPIES_MAX {
            node.places.insert(event.at.clone());
        }
        if node.event.is_some() {
            return false;
        }
        node.at = event.at.clone();
        node.event = Some(event);
        true
    }

    /// Takes a receipt of the flow. `false`: it was there already, or there is no more room.
    pub fn add_receipt(&mut self, receipt: Receipt) -> bool {
        let name = Name {
            source: receipt.source.clone(),
            id: receipt.event.clone(),
        };
        let no_room = self.receipts.len() >= RECEIPTS_MAX
            || (!self.nodes.contains_key(&name) && self.nodes.len() >= EVENTS_MAX);
        if no_room {
            self.left_out += 1;
            return false;
        }
        if !self.receipts.insert(receipt.id.clone()) {
            return false;
        }
        let node = self.nodes.entry(name).or_insert_with(|| Node {
            event: None,
            places: BTreeSet::new(),
            kind: receipt.kind.clone(),
            at: receipt.at.clone(),
            reactions: BTreeMap::new(),
        });
        let reaction = node.reactions.entry(receipt.service.clone()).or_default();
        reaction.attempts.push(receipt);
        reaction
            .attempts
            .sort_by_key(|attempt| (attempt.started_at, attempt.attempt));
        true
    }

    /// All events, in no order that means anything.
    pub fn nodes(&self) -> &BTreeMap<Name, Node> {
        &self.nodes
    }

    /// The business keys of its events, each with its key space where that is known.
    pub fn keys(&self) -> BTreeSet<(String, String)> {
        let keys = self.nodes.values().filter_map(|node| {
            let event = node.event.as_ref()?;
            let space = event.schema().map_or("", |schema| schema.key_space);
            Some((space.to_owned(), event.key.clone()?))
        });
        keys.collect()
    }

    /// Events and receipts for which there was no room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether it made room for others, so that what came of it before is not known any more.
    pub fn has_made_room(&self) -> bool {
        self.made_room
    }

    pub(crate) fn set_made_room(&mut self, made_room: bool) {
        self.made_room = made_room;
    }

    pub(crate) fn set_left_out(&mut self, left_out: u64) {
        self.left_out = left_out;
    }

    /// When its first event came to be, and when the last thing that is known of it happened.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.nodes.values().filter_map(Node::time).min()?;
        let last = self.nodes.values().filter_map(Node::last_time).max()?;
        Some((first, last.max(first)))
    }
}

impl Node {
    /// When it came to be; where only receipts tell of it, when the first reaction began.
    pub fn time(&self) -> Option<Timestamp> {
        self.event
            .as_ref()
            .map(|event| event.envelope.time)
            .or_else(|| self.attempts().map(|attempt| attempt.started_at).min())
    }

    fn last_time(&self) -> Option<Timestamp> {
        let attempts = self.attempts().map(|attempt| attempt.started_at);
        attempts.chain(self.time()).max()
    }

    fn attempts(&self) -> impl Iterator<Item = &Receipt> {
        self.reactions
            .values()
            .flat_map(|reaction| &reaction.attempts)
    }
}

impl Reaction {
    /// How it stands. Done once is done: a repetition of the event changes nothing.
    pub fn standing(&self) -> Standing {
        let any = |outcome| {
            self.attempts
                .iter()
                .any(|attempt| attempt.outcome == outcome)
        };
        if any(Outcome::Done) {
            return Standing::Done;
        }
        let newest = self
            .attempts
            .iter()
            .rev()
            .find(|attempt| attempt.outcome != Outcome::Duplicate);
        match newest.map(|attempt| attempt.outcome) {
            Some(Outcome::Parked) => Standing::Parked,
            Some(Outcome::Retry) => Standing::Retrying,
            // Only repetitions are told of: the receipt of the first is past its retention.
            _ if any(Outcome::Duplicate) => Standing::Done,
            _ => Standing::Waiting,
        }
    }

    /// The attempt that tells how the reaction stands.
    pub fn telling(&self) -> Option<&Receipt> {
        let by = |outcome| {
            let mut newest_first = self.attempts.iter().rev();
            newest_first.find(move |attempt| attempt.outcome == outcome)
        };
        match self.standing() {
            Standing::Done => by(Outcome::Done).or_else(|| by(Outcome::Duplicate)),
            Standing::Parked => by(Outcome::Parked),
            Standing::Retrying => by(Outcome::Retry),
            Standing::Waiting => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod planted;
#[cfg(test)]
mod tests;
