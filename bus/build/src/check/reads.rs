//! Checks a message that reads a part of another owner's event: each of its fields is one of that
//! event, so that it decodes what the owner wrote.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::events::{Declared, Known};
use super::keys;
use super::links;
use super::place::Place;
use super::report::Report;
use crate::options::{EventOptions, FieldOptions};

/// Messages inside messages are compared this deep; below, they must be the same.
const DEPTH_MAX: usize = 16;

/// The event that is read, where it exists and the reader fits it.
pub(super) fn check<'a>(
    reader: &Declared,
    reads: &str,
    known: &'a Known<'_>,
    report: &mut Report<'_>,
) -> Option<&'a Declared> {
    check_options(reader, reads, report);
    let place = Place::event_option(&reader.message, &[5]);
    let owner = links::target("reads", reads, place, known, report)?;
    check_fields(&reader.message, &owner.message, 0, report);
    check_key(&reader.message, &owner.message, report);
    check_topic(reader, owner, known, report);
    Some(owner)
}

fn check_options(reader: &Declared, reads: &str, report: &mut Report<'_>) {
    let options = &reader.options;
    let alone = EventOptions {
        reads: options.reads.clone(),
        ..EventOptions::default()
    };
    let said = [
        (1, "a topic", options.topic != alone.topic),
        (2, "a kind", options.kind != alone.kind),
        (
            3,
            "a compensation",
            options.compensated_by != alone.compensated_by,
        ),
        (4, "a deadline", options.deadline != alone.deadline),
    ];
    for (number, what, _) in said.into_iter().filter(|(_, _, said)| *said) {
        let place = Place::event_option(&reader.message, &[number]);
        let what = format!("{what} of its own, though it reads {reads}");
        report.add(
            place,
            what,
            "keep only reads: the owner of the event says the rest",
        );
    }
}

/// The topic of an imported event may be declared in a file that nobody imports.
fn check_topic(reader: &Declared, owner: &Declared, known: &Known<'_>, report: &mut Report<'_>) {
    let (name, topic) = (owner.message.full_name(), &owner.options.topic);
    if !known.topics.contains_key(topic) && report.is_imported(&owner.message.parent_file()) {
        let place = Place::event_option(&reader.message, &[5]);
        let what = format!("no file declares topic \"{topic}\" of {name}, which it reads");
        report.add(place, what, "import the file that declares the topic");
    }
}

fn check_key(reader: &MessageDescriptor, owner: &MessageDescriptor, report: &mut Report<'_>) {
    let (Some(key), Some(owners)) = (keys::of(reader), keys::of(owner)) else {
        return; // That one of them has no key is said elsewhere.
    };
    if key.field.number() != owners.field.number() || key.space != owners.space {
        let what = format!("not the key of {}", owner.full_name());
        let mend = format!(
            "take {} as the key, of \"{}\"",
            owners.field.name(),
            owners.space
        );
        report.add(Place::field_option(&key.field, &[1]), what, mend);
    }
}

fn check_fields(
    reader: &MessageDescriptor,
    owner: &MessageDescriptor,
    depth: usize,
    report: &mut Report<'_>,
) {
    for field in reader.fields() {
        match owner.get_field(field.number()) {
            Some(owners) => check_field(&field, &owners, depth, report),
            None => report.add(
                Place::field(&field),
                format!("{} has no field {}", owner.full_name(), field.number()),
                match owner.get_field_by_name(field.name()) {
                    Some(owners) => format!("declare it as there: {}", declaration(&owners)),
                    None => "remove it: nobody writes it".to_owned(),
                },
            ),
        }
    }
}

fn check_field(
    field: &FieldDescriptor,
    owners: &FieldDescriptor,
    depth: usize,
    report: &mut Report<'_>,
) {
    let same_shape = field.name() == owners.name()
        && field.cardinality() == owners.cardinality()
        && field.is_map() == owners.is_map()
        && field.supports_presence() == owners.supports_presence();
    let fits = same_shape && check_kind(field, owners, depth, report);
    let whole = owners.parent_message();
    if !fits {
        let what = format!("not as in {}", whole.full_name());
        report.add(
            Place::field(field),
            what,
            format!("declare it as {}", declaration(owners)),
        );
    } else if FieldOptions::of(owners).sensitive && !FieldOptions::of(field).sensitive {
        let what = format!("sensitive in {}, and not here", whole.full_name());
        let mend = "add [(quadrille.v1.field) = { sensitive: true }] to it";
        report.add(Place::field(field), what, mend);
    }
}

/// Whether the types fit. Problems inside a smaller message are reported there.
fn check_kind(
    field: &FieldDescriptor,
    owners: &FieldDescriptor,
    depth: usize,
    report: &mut Report<'_>,
) -> bool {
    match (field.kind(), owners.kind()) {
        (Kind::Message(part), Kind::Message(whole)) if field.is_map() && owners.is_map() => {
            let (key, value) = (part.map_entry_key_field(), part.map_entry_value_field());
            key.kind() == whole.map_entry_key_field().kind()
                && check_kind(&value, &whole.map_entry_value_field(), depth, report)
        }
        (Kind::Message(part), Kind::Message(whole)) if part != whole => {
            let below = depth < DEPTH_MAX && is_readers_own(&part, field);
            if below {
                check_fields(&part, &whole, depth + 1, report);
            }
            below
        }
        (Kind::Enum(part), Kind::Enum(whole)) => part == whole || is_part(&part, &whole),
        (kind, owners) => kind == owners,
    }
}

/// A smaller message has to be one of the reader's, else the types are simply different.
fn is_readers_own(part: &MessageDescriptor, field: &FieldDescriptor) -> bool {
    part.package_name() == field.parent_message().package_name()
}

/// Whether all values of an enum are values of the other.
fn is_part(part: &EnumDescriptor, whole: &EnumDescriptor) -> bool {
    let same = |number, name: &str| whole.get_value(number).is_some_and(|of| of.name() == name);
    part.values()
        .all(|value| same(value.number(), value.name()))
}

/// A field as its file declares it.
fn declaration(field: &FieldDescriptor) -> String {
    let label = if field.is_map() {
        let Kind::Message(entry) = field.kind() else {
            unreachable!("a map's entry is a message")
        };
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        let types = format!(
            "map<{}, {}>",
            keys::type_name(&key),
            keys::type_name(&value)
        );
        return format!("\"{types} {} = {};\"", field.name(), field.number());
    } else if field.is_list() {
        "repeated "
    } else if field
        .containing_oneof()
        .is_some_and(|oneof| oneof.is_synthetic())
    {
        "optional "
    } else {
        ""
    };
    let (name, number) = (field.name(), field.number());
    format!("\"{label}{} {name} = {number};\"", keys::type_name(field))
}
