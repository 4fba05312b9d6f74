//! How a flow stands, in one word, and why, in one sentence.
//!
//! The word follows from receipts and from the kinds of the events. Whatever a person has to mend
//! comes first: a parked event, then one that is being retried; then the outcome, then what is still
//! to come.

use std::collections::BTreeSet;

use jiff::Timestamp;
use quadrille::event::Kind;
use serde::{Deserialize, Serialize};

use super::{Flow, Name, Node, Standing};
use crate::expect::Expected;
use crate::seen::At;
use crate::types;

/// Outcomes that are told.
const OUTCOMES_MAX: usize = 10;

/// How a flow stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// An event could not be handled, and waits for somebody to look at it.
    Parked,
    /// Nobody is there who would react.
    Blocked,
    /// A reaction failed, and will be tried again.
    Retrying,
    /// Some reaction is still to come.
    Running,
    /// Topics are not read to their ends: nobody can say.
    Unknown,
    /// It has come to an outcome.
    Completed,
    /// It has come to an outcome, and an effect on the way there was undone.
    Compensated,
    /// Every reaction is done, and there was no outcome.
    Settled,
}

/// How a flow stands, and why: as far as topics tell, which do not say who is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// In one word.
    pub word: Word,
    /// In one sentence.
    pub why: String,
    /// Types of the first outcomes that it has come to. More than one is a mistake somewhere.
    pub outcomes: Vec<String>,
    /// The reaction on which all depends, where one is not done.
    pub wait: Option<Wait>,
}

/// A reaction that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The service. Empty: nobody reacts to such events.
    pub service: String,
    /// Type of the event.
    pub kind: String,
    /// Where the event stands.
    pub at: At,
    /// When the event came to be.
    pub since: Option<Timestamp>,
    /// Attempts that failed.
    pub attempts: u32,
    /// Why the last of them failed, as a short code. Empty where none has.
    pub code: String,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
}

impl Word {
    /// All words, in the order in which they win.
    pub const ALL: [Self; 8] = [
        Self::Parked,
        Self::Blocked,
        Self::Retrying,
        Self::Running,
        Self::Unknown,
        Self::Completed,
        Self::Compensated,
        Self::Settled,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Blocked => "blocked",
            Self::Retrying => "retrying",
            Self::Running => "running",
            Self::Unknown => "unknown",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::Settled => "settled",
        }
    }

    /// Whether nothing more is expected without somebody doing something.
    pub fn is_at_rest(self) -> bool {
        match self {
            Self::Blocked | Self::Retrying | Self::Running | Self::Unknown => false,
            Self::Parked | Self::Completed | Self::Compensated | Self::Settled => true,
        }
    }
}

/// Says how a flow stands.
pub fn status(flow: &Flow, expected: &Expected) -> Status {
    let outcomes = outcomes(flow);
    let pending = pending(flow, expected);
    let first = |standing| pending.iter().find(|pending| pending.standing == standing);
    let by = |word, first: &Pending<'_>| {
        let mut why = first.why();
        let parked = pending.iter();
        let parked = parked
            .filter(|other| other.standing == Standing::Parked)
            .count();
        if word == Word::Parked
            && let others @ 1.. = parked - 1
        {
            let are = if others == 1 {
                "reaction is"
            } else {
                "reactions are"
            };
            why.push_str(&format!("; {others} more {are} parked"));
        }
        (word, why, Some(first.wait()))
    };
    let (word, why, wait) = if let Some(parked) = first(Standing::Parked) {
        by(Word::Parked, parked)
    } else if let Some(retrying) = first(Standing::Retrying) {
        by(Word::Retrying, retrying)
    } else if !outcomes.is_empty() {
        let word = match is_compensated(flow) {
            true => Word::Compensated,
            false => Word::Completed,
        };
        (word, ended(flow, &outcomes, &pending), None)
    } else if let Some(waiting) = first(Standing::Waiting) {
        match waiting.service.is_empty() && expected.is_known() {
            true => {
                let event = types::last(&waiting.node.kind);
                let late: Vec<_> = expected.reactors(&waiting.node.kind).collect();
                let why = match &late[..] {
                    [] => format!("nobody reacts to {event}: no contract names it"),
                    late => {
                        let late = late.join(", ");
                        format!("nobody reacts to {event}: {late} began to read only after it")
                    }
                };
                (Word::Blocked, why, Some(waiting.wait()))
            }
            false => by(Word::Running, waiting),
        }
    } else if let Some(unread) = unread(flow) {
        (Word::Running, unread, None)
    } else {
        (Word::Settled, settled(flow), None)
    };
    Status {
        word,
        why,
        outcomes,
        wait,
    }
}

/// A reaction that is not done.
pub(super) struct Pending<'a> {
    node: &'a Node,
    /// The service. Empty: nobody knows who reacts.
    pub(super) service: &'a str,
    standing: Standing,
}

/// The services that react to an event and have not told of it.
pub(super) fn waiting_for<'a>(node: &'a Node, expected: &'a Expected) -> Vec<&'a str> {
    let told = |service: &&str| !node.reactions.contains_key(*service);
    let reactors = expected.reactors_at(&node.kind, node.time());
    reactors.filter(told).collect()
}

fn pending<'a>(flow: &'a Flow, expected: &'a Expected) -> Vec<Pending<'a>> {
    let mut all = Vec::new();
    for node in flow.nodes().values() {
        for (service, reaction) in &node.reactions {
            let standing = reaction.standing();
            if standing != Standing::Done {
                all.push(Pending {
                    node,
                    service,
                    standing,
                });
            }
        }
        let mut waits = waiting_for(node, expected);
        let kind = types::find(&node.kind).map(|schema| schema.kind);
        let needs_one = !matches!(kind, None | Some(Kind::Outcome | Kind::Notice));
        // Who has told of it reacts, whatever contracts say by now.
        if needs_one && waits.is_empty() && node.reactions.is_empty() {
            waits.push("");
        }
        all.extend(waits.into_iter().map(|service| Pending {
            node,
            service,
            standing: Standing::Waiting,
        }));
    }
    // What has waited longest is told; where nobody will ever react, only if nothing else is.
    all.sort_by_key(|pending| (pending.service.is_empty(), pending.node.time()));
    all
}

impl Pending<'_> {
    fn why(&self) -> String {
        let event = types::last(&self.node.kind);
        let service = self.service;
        let reaction = self.node.reactions.get(service);
        let telling = reaction.and_then(super::Reaction::telling);
        match (self.standing, telling) {
            (Standing::Parked, Some(receipt)) => {
                let (attempts, code) = (receipt.attempt, &receipt.error_code);
                format!("{service} parked {event} after attempt {attempts} ({code})")
            }
            (Standing::Retrying, Some(receipt)) => {
                let next = receipt.next_attempt_at.map_or_else(String::new, next);
                let (attempt, code) = (receipt.attempt, &receipt.error_code);
                format!("{service} failed at {event}, attempt {attempt} ({code}){next}")
            }
            _ if service.is_empty() => format!("nobody has reacted to {event} yet"),
            _ => format!("waits for {service} to react to {event}"),
        }
    }
}

impl Pending<'_> {
    fn wait(&self) -> Wait {
        let reaction = self.node.reactions.get(self.service);
        let telling = reaction.and_then(super::Reaction::telling);
        Wait {
            service: self.service.to_owned(),
            kind: self.node.kind.clone(),
            at: self.node.at.clone(),
            since: self.node.time(),
            attempts: telling.map_or(0, |receipt| receipt.attempt),
            code: telling.map_or_else(String::new, |receipt| receipt.error_code.clone()),
            next_attempt_at: telling.and_then(|receipt| receipt.next_attempt_at),
        }
    }
}

fn next(at: Timestamp) -> String {
    format!(", next attempt at {at:.3}")
}

fn ended(flow: &Flow, outcomes: &[String], pending: &[Pending<'_>]) -> String {
    let names: Vec<_> = outcomes
        .iter()
        .map(|outcome| types::last(outcome))
        .collect();
    let mut why = match &names[..] {
        [one] => format!("ended with {one}"),
        many => format!("ended more than once: {}", many.join(", ")),
    };
    let undone: BTreeSet<_> = undone(flow).map(types::last).collect();
    if !undone.is_empty() {
        let undone: Vec<_> = undone.into_iter().collect();
        let were = if undone.len() == 1 { "was" } else { "were" };
        why.push_str(&format!(" after {} {were} undone", undone.join(" and ")));
    }
    let late: BTreeSet<_> = pending.iter().map(|pending| pending.service).collect();
    let late: Vec<_> = late.into_iter().filter(|name| !name.is_empty()).collect();
    if !late.is_empty() {
        why.push_str(&format!("; {} still to react", late.join(", ")));
    }
    why
}

fn is_compensated(flow: &Flow) -> bool {
    undone(flow).next().is_some()
}

/// Types of the events whose effect another event of the flow has undone.
fn undone(flow: &Flow) -> impl Iterator<Item = &str> {
    let has = |kind: &str| flow.nodes().values().any(|node| node.kind == kind);
    flow.nodes().values().filter_map(move |node| {
        let undoes = types::find(&node.kind)?.compensated_by?;
        has(undoes).then_some(node.kind.as_str())
    })
}

fn settled(flow: &Flow) -> String {
    let why = match flow.nodes().is_empty() {
        true => "nothing is known of it",
        false => "every reaction is done, and there was no outcome",
    };
    why.to_owned()
}

/// Types of the first outcomes, in the order of time, each distinct event once.
fn outcomes(flow: &Flow) -> Vec<String> {
    let is_outcome =
        |node: &&Node| types::find(&node.kind).is_some_and(|schema| schema.kind == Kind::Outcome);
    let mut ends: Vec<_> = flow.nodes().values().filter(is_outcome).collect();
    ends.sort_by_key(|node| node.time());
    let first = ends.into_iter().take(OUTCOMES_MAX);
    first.map(|node| node.kind.clone()).collect()
}

/// An event that a receipt announces and that has not been read.
fn unread(flow: &Flow) -> Option<String> {
    let read: BTreeSet<_> = flow
        .nodes()
        .keys()
        .map(|name: &Name| name.id.as_str())
        .collect();
    let mut receipts = flow
        .nodes()
        .values()
        .flat_map(|node| node.reactions.values())
        .flat_map(|reaction| &reaction.attempts);
    receipts.find_map(|receipt| {
        let mut own = receipt
            .emitted
            .iter()
            .filter(|event| event.new_flow_id.is_empty());
        let missing = own.find(|event| !read.contains(event.id.as_str()))?;
        let event = types::last(&missing.r#type);
        let service = &receipt.service;
        Some(format!(
            "{service} emitted {event}, which has not been read yet"
        ))
    })
}
