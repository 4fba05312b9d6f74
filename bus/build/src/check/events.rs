//! Reads the messages that are events.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, MessageDescriptor};

use super::place::Place;
use super::report::Report;
use super::{deadline, keys, links, reads, sensitive};
use crate::facts::{Event, Topic};
use crate::nearest::nearest;
use crate::options::{EventOptions, Kind};
use crate::sources::Sources;

/// A message that says it is an event.
pub(super) struct Declared {
    pub(super) message: MessageDescriptor,
    pub(super) options: EventOptions,
}

impl Declared {
    /// The event of another owner of which this one reads a part.
    pub(super) fn reads(&self) -> Option<&str> {
        Some(self.options.reads.as_str()).filter(|reads| !reads.is_empty())
    }
}

/// All that one event's options may name.
pub(super) struct Known<'a> {
    pub(super) pool: &'a DescriptorPool,
    pub(super) topics: &'a BTreeMap<String, Topic>,
    pub(super) events: &'a BTreeMap<String, Declared>,
}

/// All events by full name, imported ones too.
pub(super) fn declared(sources: &Sources, report: &mut Report<'_>) -> BTreeMap<String, Declared> {
    let mut events = BTreeMap::new();
    for message in sources.pool.all_messages() {
        let Some(options) = EventOptions::of(&message) else {
            continue;
        };
        if let Some(parent) = message.parent_message() {
            let what = format!("an event inside message {}", parent.name());
            let mend = format!("move message {} out of it", message.name());
            report.add(Place::message(&message), what, mend);
        }
        events.insert(
            message.full_name().to_owned(),
            Declared { message, options },
        );
    }
    events
}

/// The events that are to be generated, in the order of their names.
pub(super) fn read(
    sources: &Sources,
    events: &BTreeMap<String, Declared>,
    topics: &BTreeMap<String, Topic>,
    report: &mut Report<'_>,
) -> Vec<Event> {
    let known = Known {
        pool: &sources.pool,
        topics,
        events,
    };
    let generated = events
        .values()
        .filter(|event| sources.is_root(&event.message.parent_file()));
    generated
        .filter_map(|event| read_event(event, &known, report))
        .collect()
}

fn read_event(event: &Declared, known: &Known<'_>, report: &mut Report<'_>) -> Option<Event> {
    let message = &event.message;
    let key = keys::check(message, report);
    let sensitive = sensitive::paths(message, report);
    // What the owner says of an event holds for those who read a part of it.
    let owner = match event.reads() {
        Some(reads) => reads::check(event, reads, known, report)?,
        None => event,
    };
    let said_here = event.reads().is_none();
    let options = &owner.options;
    if said_here {
        check_topic(event, known, report);
        links::check_compensator(event, known, report);
        deadline::check(event, known, report);
    }
    let key = key?;
    Some(Event {
        message: message.clone(),
        topic: known.topics.get(&options.topic)?.clone(),
        kind: Kind::try_from(options.kind).unwrap_or(Kind::Fact),
        key: key.field,
        key_space: key.space,
        compensated_by: Some(options.compensated_by.clone()).filter(|name| !name.is_empty()),
        deadline: deadline::read(options),
        reads: event.reads().map(str::to_owned),
        sensitive,
    })
}

fn check_topic(event: &Declared, known: &Known<'_>, report: &mut Report<'_>) {
    let topic = &event.options.topic;
    let topics = || known.topics.keys().map(String::as_str);
    let place = Place::event_option(&event.message, &[1]);
    if topic.is_empty() {
        let names: Vec<_> = topics().map(|name| format!("\"{name}\"")).collect();
        let mend = if names.is_empty() {
            "add topic: \"…\" to its option (quadrille.v1.event), and declare the topic by option \
             (quadrille.v1.file)"
                .to_owned()
        } else {
            format!(
                "add topic: \"…\" to its option (quadrille.v1.event); declared are {}",
                names.join(", ")
            )
        };
        report.add(place, "it has no topic", mend);
    } else if !known.topics.contains_key(topic) {
        let what = format!("no file declares its topic \"{topic}\"");
        let declare = format!(
            "declare it: option (quadrille.v1.file) = {{ topic: [{{ name: \"{topic}\" owner: \
             \"…\" }}] }};"
        );
        let mend = match nearest(topic, topics()) {
            Some(near) => format!("did you mean \"{near}\"? Else {declare}"),
            None => declare,
        };
        report.add(place, what, mend);
    }
}
