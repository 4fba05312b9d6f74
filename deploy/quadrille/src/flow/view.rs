//! A flow as it is told to people and programs: the one form behind the HTTP API, `--json` and the
//! drawing on a terminal.
//!
//! Events stand in one list, in the order of the tree from top to bottom, each with its depth and its
//! parent: a tree of lists within lists could be deeper than JSON readers follow.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::status::{Word, status, waiting_for};
use super::tree::{Place, tree};
use super::{Flow, Reaction, Standing};
use crate::expect::Expected;
use crate::seen::{self, Receipt};
use crate::types;

/// A flow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct View {
    /// What is told of it in a list.
    #[serde(flatten)]
    pub summary: Summary,
    /// Its events, causes before effects.
    pub events: Vec<Event>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

/// A flow in a list of flows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The flow id.
    pub id: String,
    /// How it stands.
    pub status: Word,
    /// Why, in a sentence.
    pub why: String,
    /// Types of the outcomes that it has come to.
    pub outcomes: Vec<String>,
    /// Business keys of its events.
    pub keys: Vec<Key>,
    /// When its first event came to be.
    pub started_at: Option<Timestamp>,
    /// When the last thing that is known of it happened.
    pub last_at: Option<Timestamp>,
    /// Milliseconds between these two.
    pub took_ms: f64,
    /// Number of its events.
    pub event_count: usize,
    /// Type of its newest event.
    pub last_event: Option<String>,
}

/// A business key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// The key space. Empty where the type is not known.
    pub space: String,
    /// The key.
    pub key: String,
}

/// One event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Who published it.
    pub source: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its key.
    pub key: Option<String>,
    /// The event that it names as its cause.
    pub cause: Option<String>,
    /// When it came to be.
    pub time: Option<Timestamp>,
    /// Milliseconds since the flow began.
    pub after_ms: f64,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Steps down from the top of the tree.
    pub depth: usize,
    /// Place in this list of the event that caused it.
    pub parent: Option<usize>,
    /// Whether its cause is not in the list.
    pub cause_missing: bool,
    /// Whether it was read. Otherwise only receipts tell of it.
    pub read: bool,
    /// How many records carry it; more than one after a crash.
    pub copies: usize,
    /// Its payload, with sensitive fields masked.
    pub data: Option<serde_json::Value>,
    /// Why its payload is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_error: Option<String>,
    /// What became of it, by service.
    pub reactions: Vec<ReactionView>,
}

/// What became of an event at one service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReactionView {
    /// The service.
    pub service: String,
    /// Name of the reaction.
    pub reaction: String,
    /// `done`, `retrying`, `parked` or `waiting`.
    pub status: String,
    /// Times that the service met the event again after it was done.
    pub duplicates: usize,
    /// The attempts.
    pub attempts: Vec<AttemptView>,
    /// Ids of the events that it emitted.
    pub emitted: Vec<String>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptView {
    /// Its number, from 1.
    pub attempt: u32,
    /// What became of it.
    pub outcome: String,
    /// Why it failed, as a short code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error_code: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: f64,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Instance of the service.
    pub instance: String,
    /// Version of its code.
    pub code_version: String,
}

/// What is told of a flow in a list.
pub fn summary(flow: &Flow, expected: &Expected) -> Summary {
    let status = status(flow, expected);
    let span = flow.span();
    let newest = flow.nodes().values().filter(|node| node.event.is_some());
    let newest = newest.max_by_key(|node| (node.time(), node.at.offset));
    let keys = flow.keys().into_iter();
    Summary {
        id: flow.id.to_string(),
        status: status.word,
        why: status.why,
        outcomes: status.outcomes,
        keys: keys.map(|(space, key)| Key { space, key }).collect(),
        started_at: span.map(|(first, _)| first),
        last_at: span.map(|(_, last)| last),
        took_ms: span.map_or(0.0, |(first, last)| seen::ms(last.duration_since(first))),
        event_count: flow.nodes().len(),
        last_event: newest.map(|node| node.kind.clone()),
    }
}

/// All that is told of a flow.
pub fn view(flow: &Flow, expected: &Expected) -> View {
    let places = tree(flow);
    let began = flow.span().map(|(first, _)| first);
    let index: std::collections::BTreeMap<_, _> = places
        .iter()
        .enumerate()
        .map(|(at, place)| (place.name, at))
        .collect();
    let events = places.iter().map(|place| {
        let parent = place.parent.map(|parent| index[parent]);
        event(place, parent, began, expected)
    });
    View {
        summary: summary(flow, expected),
        events: events.collect(),
        notes: notes(flow, &places),
    }
}

fn event(
    place: &Place<'_>,
    parent: Option<usize>,
    began: Option<Timestamp>,
    expected: &Expected,
) -> Event {
    let node = place.node;
    let read = node.event.as_ref();
    let data = read.map(seen::Event::data);
    let time = node.time();
    let after = time
        .zip(began)
        .map(|(time, began)| time.duration_since(began));
    let told = node.reactions.iter();
    let told = told.map(|(service, reaction)| self::reaction(service, reaction));
    let waits = waiting_for(node, expected).into_iter().map(waiting);
    Event {
        id: place.name.id.to_string(),
        source: place.name.source.to_string(),
        kind: node.kind.clone(),
        key: read.and_then(|event| event.key.clone()),
        cause: read.and_then(|event| Some(event.envelope.cause.as_ref()?.to_string())),
        time,
        after_ms: after.map_or(0.0, seen::ms),
        topic: node.at.topic.clone(),
        partition: node.at.partition,
        offset: node.at.offset,
        depth: place.depth,
        parent,
        cause_missing: place.cause_missing,
        read: read.is_some(),
        copies: node.places.len(),
        data_error: data.as_ref().and_then(|data| data.clone().err()),
        data: data.and_then(Result::ok),
        reactions: told.chain(waits).collect(),
    }
}

fn reaction(service: &str, reaction: &Reaction) -> ReactionView {
    use quadrille::wire::Outcome;
    let status = match reaction.standing() {
        Standing::Done => "done",
        Standing::Retrying => "retrying",
        Standing::Parked => "parked",
        Standing::Waiting => "waiting",
    };
    let telling = reaction.telling();
    let duplicates = reaction.attempts.iter();
    ReactionView {
        service: service.to_owned(),
        reaction: telling.map_or_else(String::new, |receipt| receipt.reaction.clone()),
        status: status.to_owned(),
        duplicates: duplicates
            .filter(|attempt| attempt.outcome == Outcome::Duplicate)
            .count(),
        attempts: reaction.attempts.iter().map(attempt).collect(),
        emitted: telling.map_or_else(Vec::new, |receipt| {
            receipt
                .emitted
                .iter()
                .map(|event| event.id.clone())
                .collect()
        }),
    }
}

fn waiting(service: &str) -> ReactionView {
    ReactionView {
        service: service.to_owned(),
        reaction: String::new(),
        status: "waiting".to_owned(),
        duplicates: 0,
        attempts: Vec::new(),
        emitted: Vec::new(),
    }
}

fn attempt(receipt: &Receipt) -> AttemptView {
    let outcome = receipt.outcome.as_str_name();
    AttemptView {
        attempt: receipt.attempt,
        outcome: outcome.trim_start_matches("OUTCOME_").to_ascii_lowercase(),
        error_code: receipt.error_code.clone(),
        started_at: receipt.started_at,
        duration_ms: receipt.duration_ms,
        next_attempt_at: receipt.next_attempt_at,
        instance: receipt.instance.clone(),
        code_version: receipt.code_version.clone(),
    }
}

fn notes(flow: &Flow, places: &[Place<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    for place in places {
        let (event, copies) = (types::last(&place.node.kind), place.node.places.len());
        if copies > 1 {
            let id = &place.name.id;
            notes.push(format!(
                "{event} {id} stands {copies} times in its topic; it is counted once"
            ));
        }
    }
    let missing = places.iter().filter(|place| place.cause_missing).count();
    if missing > 0 {
        notes.push(format!(
            "{missing} event(s) name a cause that is not in this flow, or past retention"
        ));
    }
    if flow.left_out() > 0 {
        let left_out = flow.left_out();
        notes.push(format!(
            "{left_out} more events and receipts are not shown: a flow is shown up to {} events",
            super::EVENTS_MAX
        ));
    }
    notes
}
