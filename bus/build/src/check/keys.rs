//! Every event has one key: a field that is always there, and a space that says whose id it is.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::place::Place;
use super::report::Report;
use crate::options::{EventOptions, FieldOptions};
use crate::sources::Sources;

/// The key of an event.
pub(super) struct Key {
    pub(super) field: FieldDescriptor,
    pub(super) space: String,
}

/// The first field that says it is the key.
pub(super) fn of(message: &MessageDescriptor) -> Option<Key> {
    all(message).into_iter().next()
}

fn all(message: &MessageDescriptor) -> Vec<Key> {
    let key = |field: FieldDescriptor| {
        let space = FieldOptions::of(&field).key?.of;
        Some(Key { field, space })
    };
    message.fields().filter_map(key).collect()
}

/// Checks the key of an event.
pub(super) fn check(message: &MessageDescriptor, report: &mut Report<'_>) -> Option<Key> {
    let mut keys = all(message).into_iter();
    let Some(key) = keys.next() else {
        let mend = "add [(quadrille.v1.field) = { key: { of: \"order\" } }] to the field that \
                    says what the event is about, with your own word for \"order\"";
        report.add(Place::message(message), "no field is its key", mend);
        return None;
    };
    for second in keys {
        let what = format!("a second key, after {}", key.field.name());
        let mend = "an event has one key: keep that of what the event is about";
        report.add(Place::field_option(&second.field, &[1]), what, mend);
    }
    check_field(&key, report);
    Some(key)
}

fn check_field(key: &Key, report: &mut Report<'_>) {
    let field = &key.field;
    if let Some((what, mend)) = wrong_kind(field) {
        report.add(Place::field(field), what, mend);
    }
    let place = |part: &[i32]| Place::field_option(field, part);
    let space = &key.space;
    if space.is_empty() {
        let mend = "say whose id it is: key: { of: \"order\" }";
        report.add(place(&[1]), "a key without a space", mend);
    } else if !space
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    {
        let mend = "use letters, digits, '.', '_' and '-' only";
        report.add(
            place(&[1, 1]),
            format!("key space \"{space}\" has a strange character"),
            mend,
        );
    }
    if FieldOptions::of(field).sensitive {
        let mend = "take another field as the key, or do not mark it sensitive";
        report.add(
            place(&[2]),
            "a sensitive key: everybody sees the keys on a topic",
            mend,
        );
    }
}

fn wrong_kind(field: &FieldDescriptor) -> Option<(String, &'static str)> {
    let single = "take a single field that every event has";
    if field.is_map() {
        Some(("a key that is a map".to_owned(), single))
    } else if field.is_list() {
        Some(("a key that is repeated".to_owned(), single))
    } else if field
        .containing_oneof()
        .is_some_and(|oneof| !oneof.is_synthetic())
    {
        Some(("a key inside a oneof".to_owned(), single))
    } else if !is_text_or_integer(&field.kind()) {
        let what = format!("a key of type {}", type_name(field));
        Some((what, "take a field of type string, or of an integer type"))
    } else if field.supports_presence() && !is_required(field) {
        Some((
            "a key that may be absent".to_owned(),
            "remove \"optional\" from it",
        ))
    } else {
        None
    }
}

fn is_required(field: &FieldDescriptor) -> bool {
    field.cardinality() == prost_reflect::Cardinality::Required
}

fn is_text_or_integer(kind: &Kind) -> bool {
    !matches!(
        kind,
        Kind::Double | Kind::Float | Kind::Bool | Kind::Bytes | Kind::Message(_) | Kind::Enum(_)
    )
}

/// The type of a field as its file has it.
pub(super) fn type_name(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(of) => of.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}

/// Checks that only events have keys: a message whose key means nothing was meant to be one.
pub(super) fn check_plain_messages(sources: &Sources, report: &mut Report<'_>) {
    for message in sources.pool.all_messages() {
        if EventOptions::of(&message).is_some() {
            continue;
        }
        for key in all(&message) {
            let mend = format!(
                "make {} an event by option (quadrille.v1.event), or remove the key",
                message.name()
            );
            report.add(
                Place::field_option(&key.field, &[1]),
                "a key in what is no event",
                mend,
            );
        }
    }
}
