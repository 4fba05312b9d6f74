//! A flow as it is told to people and programs: the one form behind the HTTP API, `--json` and the
//! drawing on a terminal.
//!
//! Events stand in one list, in the order of the tree from top to bottom, each with its depth and its
//! parent: a tree of lists within lists could be deeper than JSON readers follow.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::Timestamp;
use quadrille::event::Kind;
use quadrille::wire::Outcome;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::status::{Status, Word, status, waiting_for};
use super::tree::{Place, tree};
use super::{Flow, Name, Reaction, Standing};
use crate::expect::Expected;
use crate::seen::{self, Receipt};
use crate::types;

/// Business keys of a flow that a list tells.
const KEYS_MAX: usize = 10;
/// Attempts of a reaction that are told: the newest.
const ATTEMPTS_MAX: usize = 50;
/// Ids that are told of what a reaction emitted.
const EMITTED_MAX: usize = 100;
/// Events that are told to stand more than once.
const COPIED_MAX: usize = 10;

/// A flow.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// The flow id.
    pub id: String,
    /// Type of its first event.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How it stands.
    pub status: Word,
    /// Why, in a sentence.
    pub why: String,
    /// Types of the outcomes that it has come to.
    pub outcomes: Vec<String>,
    /// Business keys of its events, at most ten.
    pub keys: Vec<Key>,
    /// When its first event came to be.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When the last thing that is known of it happened.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_at: Option<Timestamp>,
    /// Milliseconds between these two.
    pub took_ms: f64,
    /// Number of its events.
    pub event_count: usize,
    /// Number of attempts that failed.
    #[serde(default)]
    pub failed_count: usize,
    /// Type of its newest event.
    pub last_event: Option<String>,
    /// Services that have reacted to one of its events.
    #[serde(default)]
    pub services: Vec<String>,
    /// Position of the index at which it changed last; 0 where it comes from no index.
    #[serde(default)]
    pub change: u64,
}

/// A business key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// The key space. Empty where the type is not known.
    pub space: String,
    /// The key.
    pub key: String,
}

/// One event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Who published it.
    pub source: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it means to its flow: `fact`, `failure`, `outcome`, `notice`, or `unknown`.
    #[serde(rename = "kind", default)]
    pub meaning: String,
    /// Its key.
    pub key: Option<String>,
    /// The event that it names as its cause.
    pub cause: Option<String>,
    /// When it came to be.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub time: Option<Timestamp>,
    /// Milliseconds since the flow began.
    pub after_ms: f64,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Place in the list of all events of the flow.
    #[serde(default)]
    pub place: usize,
    /// Steps down from the top of the tree.
    pub depth: usize,
    /// Place in this list of the event that caused it.
    pub parent: Option<usize>,
    /// The service whose reaction to that event emitted it, as far as receipts tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emitted_by: Option<String>,
    /// Whether its cause is not in the list.
    pub cause_missing: bool,
    /// Whether it was read. Otherwise only receipts tell of it.
    pub read: bool,
    /// How many records carry it; more than one after a crash.
    pub copies: usize,
    /// The distributed trace that it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Its payload, with sensitive fields masked. Left out where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    /// Why its payload is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_error: Option<String>,
    /// What became of it, by service.
    pub reactions: Vec<ReactionView>,
}

/// What became of an event at one service.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReactionView {
    /// The service.
    pub service: String,
    /// Name of the reaction.
    pub reaction: String,
    /// `done`, `retrying`, `parked` or `waiting`.
    pub status: String,
    /// Why it is not done, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Times that the service met the event again after it was done.
    pub duplicates: usize,
    /// The newest attempts, at most 50.
    pub attempts: Vec<AttemptView>,
    /// How many attempts there were.
    #[serde(default)]
    pub attempt_count: usize,
    /// How long all of them took together.
    #[serde(default)]
    pub ran_ms: f64,
    /// Ids of the events that it emitted, at most 100.
    pub emitted: Vec<String>,
    /// How many events it emitted.
    #[serde(default)]
    pub emitted_count: usize,
    /// Types that it may emit, where it is not done.
    #[serde(default)]
    pub may_emit: Vec<String>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Its number, from 1.
    pub attempt: u32,
    /// What became of it.
    pub outcome: String,
    /// Why it failed, as a short code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error_code: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: f64,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// Instance of the service.
    pub instance: String,
    /// Version of its code.
    pub code_version: String,
}

/// What is told of a flow in a list.
pub fn summary(flow: &Flow, status: Status) -> Summary {
    let span = flow.span();
    let read = flow.nodes().values().filter(|node| node.event.is_some());
    let newest = read
        .clone()
        .max_by_key(|node| (node.time(), node.at.offset));
    // One that was not caused by another of the flow, where there are several of the same time.
    let oldest = read.min_by_key(|node| {
        let cause = node.event.as_ref().map(|event| &event.envelope.cause);
        (cause.is_some_and(Option::is_some), node.time())
    });
    let keys = flow.keys().into_iter().take(KEYS_MAX);
    let receipts = || {
        let reactions = flow.nodes().values().flat_map(|node| &node.reactions);
        reactions.flat_map(|(_, reaction)| &reaction.attempts)
    };
    let services: BTreeSet<_> = receipts().map(|receipt| receipt.service.clone()).collect();
    let has_failed =
        |receipt: &&Receipt| matches!(receipt.outcome, Outcome::Retry | Outcome::Parked);
    Summary {
        id: flow.id.to_string(),
        kind: oldest.map(|node| node.kind.clone()),
        status: status.word,
        why: status.why,
        outcomes: status.outcomes,
        keys: keys.map(|(space, key)| Key { space, key }).collect(),
        started_at: span.map(|(first, _)| first),
        last_at: span.map(|(_, last)| last),
        took_ms: span.map_or(0.0, |(first, last)| seen::ms(last.duration_since(first))),
        event_count: flow.nodes().len(),
        failed_count: receipts().filter(has_failed).count(),
        last_event: newest.map(|node| node.kind.clone()),
        services: services.into_iter().collect(),
        change: 0,
    }
}

/// All that is told of a flow.
pub fn view(flow: &Flow, expected: &Expected) -> View {
    let summary = summary(flow, status(flow, expected));
    page(flow, expected, summary, 0..usize::MAX)
}

/// What is told of a flow, with those of its events that stand at these places in the tree.
pub fn page(flow: &Flow, expected: &Expected, summary: Summary, wanted: Range<usize>) -> View {
    let places = tree(flow);
    let began = flow.span().map(|(first, _)| first);
    let index: BTreeMap<_, _> = places
        .iter()
        .enumerate()
        .map(|(at, place)| (place.name, at))
        .collect();
    let emitters = emitters(flow);
    let events = places.iter().enumerate();
    let events = events.skip(wanted.start).take(wanted.len());
    let events = events.map(|(at, place)| {
        let parent = place.parent.map(|parent| index[parent]);
        let emitter = emitters.get(place.name.id.as_str());
        let emitter = emitter.filter(|(cause, _)| place.parent == Some(*cause));
        Event {
            place: at,
            parent,
            emitted_by: emitter.map(|(_, service)| (*service).to_owned()),
            ..event(place, began, expected)
        }
    });
    View {
        summary,
        events: events.collect(),
        notes: notes(flow, &places),
    }
}

/// By the id of an event: the event whose reaction emitted it, and the service.
fn emitters(flow: &Flow) -> BTreeMap<&str, (&Name, &str)> {
    let mut emitters = BTreeMap::new();
    for (name, node) in flow.nodes() {
        for (service, reaction) in &node.reactions {
            for emitted in reaction.attempts.iter().flat_map(|told| &told.emitted) {
                emitters.insert(emitted.id.as_str(), (name, service.as_str()));
            }
        }
    }
    emitters
}

fn event(place: &Place<'_>, began: Option<Timestamp>, expected: &Expected) -> Event {
    let node = place.node;
    let read = node.event.as_ref();
    let payload = read.filter(|event| event.payload.is_some());
    let data = payload.map(seen::Event::data);
    let time = node.time();
    let after = time
        .zip(began)
        .map(|(time, began)| time.duration_since(began));
    let told = node.reactions.iter();
    let may_emit = |service: &str| expected.may_emit(service, &node.kind);
    let told = told.map(|(service, reaction)| self::reaction(service, reaction, &may_emit));
    let waits = waiting_for(node, expected).into_iter();
    let waits = waits.map(|service| waiting(service, may_emit(service)));
    Event {
        id: place.name.id.to_string(),
        source: place.name.source.to_string(),
        kind: node.kind.clone(),
        meaning: meaning(&node.kind).to_owned(),
        key: read.and_then(|event| event.key.clone()),
        cause: read.and_then(|event| Some(event.envelope.cause.as_ref()?.to_string())),
        time,
        after_ms: after.map_or(0.0, seen::ms),
        topic: node.at.topic.clone(),
        partition: node.at.partition,
        offset: node.at.offset,
        place: 0,
        depth: place.depth,
        parent: None,
        emitted_by: None,
        cause_missing: place.cause_missing,
        read: read.is_some(),
        copies: node.places.len(),
        trace_id: read.and_then(|event| Some(event.trace_id()?.to_owned())),
        data_error: data.as_ref().and_then(|data| data.clone().err()),
        data: data.and_then(Result::ok),
        reactions: told.chain(waits).collect(),
    }
}

/// What a type's events mean to their flows.
fn meaning(kind: &str) -> &'static str {
    match types::find(kind).map(|schema| schema.kind) {
        Some(Kind::Fact) => "fact",
        Some(Kind::Failure) => "failure",
        Some(Kind::Outcome) => "outcome",
        Some(Kind::Notice) => "notice",
        None => "unknown",
    }
}

/// What became of an event at a service that has told of it.
pub fn reaction(
    service: &str,
    reaction: &Reaction,
    may_emit: &dyn Fn(&str) -> Vec<String>,
) -> ReactionView {
    let status = match reaction.standing() {
        Standing::Done => "done",
        Standing::Retrying => "retrying",
        Standing::Parked => "parked",
        Standing::Waiting => "waiting",
    };
    let telling = reaction.telling();
    let (attempts, duplicates) = (&reaction.attempts, reaction.attempts.iter());
    let newest = attempts.len().saturating_sub(ATTEMPTS_MAX)..;
    let emitted = telling.map_or(&[][..], |receipt| &receipt.emitted);
    ReactionView {
        service: service.to_owned(),
        reaction: telling.map_or_else(String::new, |receipt| receipt.reaction.clone()),
        status: status.to_owned(),
        why: None,
        duplicates: duplicates
            .filter(|attempt| attempt.outcome == Outcome::Duplicate)
            .count(),
        attempts: attempts[newest].iter().map(attempt).collect(),
        attempt_count: attempts.len(),
        ran_ms: attempts.iter().map(|attempt| attempt.duration_ms).sum(),
        emitted: emitted
            .iter()
            .take(EMITTED_MAX)
            .map(|event| event.id.clone())
            .collect(),
        emitted_count: emitted.len(),
        may_emit: match reaction.standing() {
            Standing::Done => Vec::new(),
            _ => may_emit(service),
        },
    }
}

fn waiting(service: &str, may_emit: Vec<String>) -> ReactionView {
    ReactionView {
        service: service.to_owned(),
        reaction: String::new(),
        status: "waiting".to_owned(),
        why: None,
        duplicates: 0,
        attempts: Vec::new(),
        attempt_count: 0,
        ran_ms: 0.0,
        emitted: Vec::new(),
        emitted_count: 0,
        may_emit,
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
    let copied = places.iter().filter(|place| place.node.places.len() > 1);
    for place in copied.clone().take(COPIED_MAX) {
        let (event, copies) = (types::last(&place.node.kind), place.node.places.len());
        let id = &place.name.id;
        notes.push(format!(
            "{event} {id} stands {copies} times in its topic; it is counted once"
        ));
    }
    if let more @ 1.. = copied.count().saturating_sub(COPIED_MAX) {
        notes.push(format!(
            "{more} more events stand more than once; each is counted once"
        ));
    }
    let missing = places.iter().filter(|place| place.cause_missing).count();
    if missing > 0 {
        notes.push(format!(
            "{missing} event(s) name a cause that is not in this flow, or past retention"
        ));
    }
    if flow.has_made_room() {
        notes.push("it made room for newer flows once: what came before is not shown".to_owned());
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
