//! Finds the sensitive fields of an event, in the messages that it holds too.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::place::Place;
use super::report::Report;
use crate::options::FieldOptions;

/// The sensitive fields as dotted paths, such as `payer.card_number`. Repeated fields and the
/// values of maps are not counted: `payers.card_number` means that of every payer.
pub(super) fn paths(message: &MessageDescriptor, report: &mut Report<'_>) -> Vec<String> {
    let mut paths = Vec::new();
    walk(message, "", &mut Vec::new(), &mut paths, report);
    paths
}

fn walk(
    message: &MessageDescriptor,
    prefix: &str,
    inside: &mut Vec<String>,
    paths: &mut Vec<String>,
    report: &mut Report<'_>,
) {
    inside.push(message.full_name().to_owned());
    for field in message.fields() {
        let path = format!("{prefix}{}", field.name());
        if FieldOptions::of(&field).sensitive {
            paths.push(path);
        } else if let Some(below) = message_in(&field) {
            if !inside.iter().any(|name| name == below.full_name()) {
                walk(&below, &format!("{path}."), inside, paths, report);
            } else if let Some(sensitive) = sensitive_below(&below) {
                // Its paths would have no end, so that something would stay unmasked.
                let what = "a sensitive field in a message that holds messages of its own type";
                let mend = "mark the field that holds the outermost of them as sensitive instead";
                report.add(Place::field_option(&sensitive, &[2]), what, mend);
            }
        }
    }
    inside.pop();
}

/// The message that a field holds, also as an element or as a map's value.
fn message_in(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => message_in(&entry.map_entry_value_field()),
        Kind::Message(message) => Some(message),
        _ => None,
    }
}

fn sensitive_below(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    let mut seen: Vec<String> = Vec::new();
    let mut open = vec![message.clone()];
    while let Some(message) = open.pop() {
        if seen.iter().any(|name| name == message.full_name()) {
            continue;
        }
        seen.push(message.full_name().to_owned());
        for field in message.fields() {
            if FieldOptions::of(&field).sensitive {
                return Some(field);
            }
            open.extend(message_in(&field));
        }
    }
    None
}
