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
use crate::types;

/// How a flow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// An event could not be handled, and waits for somebody to look at it.
    Parked,
    /// A reaction failed, and will be tried again.
    Retrying,
    /// Some reaction is still to come.
    Running,
    /// It has come to an outcome.
    Completed,
    /// Every reaction is done, and there was no outcome.
    Settled,
}

/// How a flow stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// In one word.
    pub word: Word,
    /// In one sentence.
    pub why: String,
    /// Types of the outcomes that it has come to. More than one is a mistake somewhere.
    pub outcomes: Vec<String>,
}

impl Word {
    /// All words, in the order in which they win.
    pub const ALL: [Self; 5] = [
        Self::Parked,
        Self::Retrying,
        Self::Running,
        Self::Completed,
        Self::Settled,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Retrying => "retrying",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Settled => "settled",
        }
    }

    /// Whether nothing more is expected without somebody doing something.
    pub fn is_at_rest(self) -> bool {
        !matches!(self, Self::Running | Self::Retrying)
    }
}

/// Says how a flow stands.
pub fn status(flow: &Flow, expected: &Expected) -> Status {
    let outcomes = outcomes(flow);
    let pending = pending(flow, expected);
    let first = |standing| pending.iter().find(|pending| pending.standing == standing);
    let (word, why) = if let Some(parked) = first(Standing::Parked) {
        (Word::Parked, parked.why())
    } else if let Some(retrying) = first(Standing::Retrying) {
        (Word::Retrying, retrying.why())
    } else if !outcomes.is_empty() {
        (Word::Completed, completed(&outcomes, &pending))
    } else if let Some(waiting) = first(Standing::Waiting) {
        (Word::Running, waiting.why())
    } else if let Some(unread) = unread(flow) {
        (Word::Running, unread)
    } else {
        (Word::Settled, settled(flow, expected))
    };
    Status {
        word,
        why,
        outcomes,
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
    expected.reactors(&node.kind).filter(told).collect()
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
        if !expected.is_known() && node.reactions.is_empty() && needs_one {
            waits.push("");
        }
        all.extend(waits.into_iter().map(|service| Pending {
            node,
            service,
            standing: Standing::Waiting,
        }));
    }
    // What has waited longest is told.
    all.sort_by_key(|pending| pending.node.time());
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

fn next(at: Timestamp) -> String {
    format!(", next attempt at {at:.3}")
}

fn completed(outcomes: &[String], pending: &[Pending<'_>]) -> String {
    let names: Vec<_> = outcomes
        .iter()
        .map(|outcome| types::last(outcome))
        .collect();
    let mut why = match &names[..] {
        [one] => format!("ended with {one}"),
        many => format!("ended more than once: {}", many.join(", ")),
    };
    let late: BTreeSet<_> = pending.iter().map(|pending| pending.service).collect();
    let late: Vec<_> = late.into_iter().filter(|name| !name.is_empty()).collect();
    if !late.is_empty() {
        why.push_str(&format!("; {} still to react", late.join(", ")));
    }
    why
}

fn settled(flow: &Flow, expected: &Expected) -> String {
    if flow.nodes().is_empty() {
        return "nothing is known of it".to_owned();
    }
    let nobody = flow
        .nodes()
        .values()
        .find(|node| expected.is_known() && expected.reactors(&node.kind).next().is_none());
    match nobody {
        Some(node) if flow.nodes().len() == 1 => {
            format!("nobody reacts to {}", types::last(&node.kind))
        }
        _ => "every reaction is done, and there was no outcome".to_owned(),
    }
}

/// Types of the outcomes, in the order of time, each distinct event once.
fn outcomes(flow: &Flow) -> Vec<String> {
    let is_outcome =
        |node: &&Node| types::find(&node.kind).is_some_and(|schema| schema.kind == Kind::Outcome);
    let mut ends: Vec<_> = flow.nodes().values().filter(is_outcome).collect();
    ends.sort_by_key(|node| node.time());
    ends.into_iter().map(|node| node.kind.clone()).collect()
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
