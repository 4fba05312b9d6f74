//! Every type that a generated message uses has a place in Rust, and every enum value a name.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, FileDescriptor, Kind};

use super::place::Place;
use super::report::Report;
use crate::names;
use crate::options::OPTIONS_NAME;
use crate::sources::Sources;

/// Checks that types of imported files are known to the build script.
pub(super) fn check(sources: &Sources, externs: &[(String, String)], report: &mut Report<'_>) {
    let messages = sources.pool.all_messages();
    for message in messages.filter(|message| sources.is_root(&message.parent_file())) {
        for field in message.fields() {
            let Some((file, name)) = used(&field) else {
                continue;
            };
            if sources.is_root(&file) || is_known(&format!(".{name}"), externs) {
                continue;
            }
            let what = format!("its type {name} is imported and has no Rust path");
            let mend = if file.name() == OPTIONS_NAME {
                "use a type of your own: this one is for options only".to_owned()
            } else {
                let package = file.package_name();
                format!(
                    "tell the build script with .extern_path(\".{package}\", \"::crate::module\")"
                )
            };
            report.add(Place::field(&field), what, mend);
        }
    }
}

/// Checks that the values of an enum have different names in Rust, where they lose the enum's name
/// as their prefix.
pub(super) fn check_enums(sources: &Sources, report: &mut Report<'_>) {
    for of in sources
        .pool
        .all_enums()
        .filter(|of| sources.is_root(&of.parent_file()))
    {
        let mut names: BTreeMap<String, (i32, String)> = BTreeMap::new();
        for value in of.values() {
            let rust = names::variant(of.name(), value.name());
            match names.get(&rust) {
                Some((number, first)) if *number != value.number() => {
                    let what = format!("{} is {rust} in Rust, as {first} is", value.full_name());
                    let mend = "rename one of them";
                    report.add(Place::in_file(&of.parent_file(), value.path()), what, mend);
                }
                _ => {
                    names.insert(rust, (value.number(), value.name().to_owned()));
                }
            }
        }
    }
}

fn used(field: &FieldDescriptor) -> Option<(FileDescriptor, String)> {
    match field.kind() {
        Kind::Message(message) => Some((message.parent_file(), message.full_name().to_owned())),
        Kind::Enum(of) => Some((of.parent_file(), of.full_name().to_owned())),
        _ => None,
    }
}

fn is_known(name: &str, externs: &[(String, String)]) -> bool {
    let covers = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    covers(".google.protobuf") || externs.iter().any(|(proto, _)| covers(proto))
}
