//! Mends for what the protobuf compiler complains of.
//!
//! It says what is wrong in words only, so that its words are matched here; a message that is not
//! known has no mend of ours. Tests pin each, and so tell when the words change.

use prost_reflect::{DescriptorPool, ExtensionDescriptor, Kind, MessageDescriptor};

use super::syntax::quoted;
use crate::nearest::nearest;
use crate::options::{OPTIONS_NAME, OPTIONS_PROTO};

/// Name of our package, with which all our options begin.
const PACKAGE: &str = "quadrille.v1.";

/// What to do about it, where that is known.
pub(super) fn mend(what: &str) -> Option<String> {
    let (name, other) = (quoted(what)?, what.split('\'').nth(3));
    if what.contains(" not found for message ") {
        unknown_field(&name, &options().get_message_by_name(other?)?)
    } else if what.starts_with("option field ") && what.ends_with("is not defined") {
        unknown_path(&name)
    } else if what.contains(" was not found for enum ") {
        let values = options().get_enum_by_name(other?)?;
        let names: Vec<_> = values
            .values()
            .map(|value| value.name().to_owned())
            .collect();
        Some(one_of(&name, &names))
    } else if what.starts_with("name ") && what.ends_with("is not defined") {
        Some(unknown_name(&name))
    } else if what.starts_with("import ") && what.ends_with("not found") {
        Some(
            "write its path from the folder of schemas, or name its folder in the build script \
              with .include(\"…\")"
                .to_owned(),
        )
    } else if what.contains("is already defined in file") || what.ends_with("is defined twice") {
        Some("rename one of the two, or remove it".to_owned())
    } else if what.starts_with("expected an extension to type ") {
        Some(
            "(quadrille.v1.file) belongs to a file, (quadrille.v1.event) into a message, \
              (quadrille.v1.field) to a field"
                .to_owned(),
        )
    } else if what.ends_with("is already set") || what.ends_with("has already been set") {
        Some("say it once".to_owned())
    } else if what.contains("(quadrille.v1.") {
        Some(format!("write the value as {OPTIONS_NAME} declares it"))
    } else {
        None
    }
}

/// Our options, to know what there is.
fn options() -> DescriptorPool {
    let mut pool = DescriptorPool::global();
    let file = protox::file::File::from_source(OPTIONS_NAME, OPTIONS_PROTO)
        .expect("our own options are right");
    pool.add_file_descriptor_proto(file.file_descriptor_proto().clone())
        .expect("our own options resolve");
    pool
}

fn unknown_field(name: &str, message: &MessageDescriptor) -> Option<String> {
    let names: Vec<_> = message
        .fields()
        .map(|field| field.name().to_owned())
        .collect();
    (!names.is_empty()).then(|| one_of(name, &names))
}

/// A field named as in `(quadrille.v1.event).deadline.aftr`.
fn unknown_path(path: &str) -> Option<String> {
    let (option, fields) = path.strip_prefix('(')?.split_once(").")?;
    let mut message = options()
        .get_extension_by_name(option)?
        .kind()
        .as_message()?
        .clone();
    for name in fields.split('.') {
        match message.get_field_by_name(name).map(|field| field.kind()) {
            Some(Kind::Message(inner)) => message = inner,
            Some(_) => return None,
            None => return unknown_field(name, &message),
        }
    }
    None
}

fn unknown_name(name: &str) -> String {
    let Some(short) = name.strip_prefix(PACKAGE) else {
        return "correct the name, or import the file that declares it".to_owned();
    };
    let options = options();
    if options.get_extension_by_name(name).is_some() {
        return format!("add import \"{OPTIONS_NAME}\";");
    }
    let ours: Vec<_> = options
        .all_extensions()
        .map(|option| our_name(&option))
        .collect();
    match nearest(short, ours.iter().map(String::as_str)) {
        Some(near) => format!("did you mean ({PACKAGE}{near})?"),
        None => format!(
            "import the file that declares it, or take one of {}",
            ours.join(", ")
        ),
    }
}

fn our_name(option: &ExtensionDescriptor) -> String {
    option.full_name().trim_start_matches(PACKAGE).to_owned()
}

fn one_of(name: &str, names: &[String]) -> String {
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("there are {}", names.join(", ")),
    }
}
