//! Writes `Debug` for the messages that hold a sensitive field, so that no log shows it.
//!
//! A message that contains such a message prints it through this `Debug`, and so masks it too.

use std::fmt::Write;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

use crate::names::{self, Names};
use crate::options::FieldOptions;
use crate::sources::Sources;

/// What stands in place of a sensitive value.
const MASKED: &str = "&::quadrille::event::mask::Masked";

/// All messages whose `Debug` we write, in files that are to be generated: those with a sensitive
/// field of their own, and those inside of them, since prost leaves out theirs as well.
pub(super) fn masked(sources: &Sources) -> Vec<MessageDescriptor> {
    let messages = sources.pool.all_messages();
    let generated = messages.filter(|message| sources.is_root(&message.parent_file()));
    generated
        .filter(|message| !message.is_map_entry() && is_masked(message))
        .collect()
}

fn is_masked(message: &MessageDescriptor) -> bool {
    let itself = message.fields().any(|field| is_sensitive(&field));
    itself
        || message
            .parent_message()
            .is_some_and(|outer| is_masked(&outer))
}

fn is_sensitive(field: &FieldDescriptor) -> bool {
    FieldOptions::of(field).sensitive
}

/// `Debug` of a message and of its oneofs, for the module of its package.
pub(super) fn debug(message: &MessageDescriptor, names: &Names) -> String {
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(|field| field.path().last().copied());
    let mut body = String::new();
    for field in fields.iter().filter(|field| real_oneof(field).is_none()) {
        let rust = names::snake(field.name());
        let shown = plain_name(&rust);
        let value = shown_value(field, &format!("self.{rust}"), names);
        writeln!(body, "        message.field({shown:?}, {value});").expect("a string takes all");
    }
    let mut out = String::new();
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let rust = names::snake(oneof.name());
        let shown = plain_name(&rust);
        writeln!(body, "        message.field({shown:?}, &self.{rust});")
            .expect("a string takes all");
        out.push_str(&oneof_debug(message, &oneof, names));
    }
    let path = names::from_package(message);
    let name = names::upper_camel(message.name());
    out.push_str(&implementation(
        &path,
        &format!("let mut message = f.debug_struct({name:?});\n{body}        message.finish()"),
    ));
    out
}

fn oneof_debug(message: &MessageDescriptor, oneof: &OneofDescriptor, names: &Names) -> String {
    let path = format!(
        "{}::{}",
        names::nested_module(message),
        oneof_type(message, oneof)
    );
    let mut arms = String::new();
    for field in oneof.fields() {
        let variant = names::upper_camel(field.name());
        let value = match field.kind() {
            Kind::Enum(_) => shown_value(&field, "*value", names),
            _ if is_sensitive(&field) => MASKED.to_owned(),
            _ => "value".to_owned(),
        };
        let binding = if is_sensitive(&field) { "_" } else { "value" };
        writeln!(
            arms,
            "            Self::{variant}({binding}) => \
             f.debug_tuple({variant:?}).field({value}).finish(),"
        )
        .expect("a string takes all");
    }
    implementation(&path, &format!("match self {{\n{arms}        }}"))
}

/// Prost's name for the enum of a oneof.
fn oneof_type(message: &MessageDescriptor, oneof: &OneofDescriptor) -> String {
    let name = names::upper_camel(oneof.name());
    let messages = message
        .child_messages()
        .map(|nested| names::upper_camel(nested.name()));
    let enums = message
        .child_enums()
        .map(|nested| names::upper_camel(nested.name()));
    if messages.chain(enums).any(|nested| nested == name) {
        format!("{name}OneOf")
    } else {
        name
    }
}

fn implementation(path: &str, body: &str) -> String {
    format!(
        "impl ::core::fmt::Debug for {path} {{
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{
        {body}
    }}
}}
"
    )
}

/// The expression that shows a field's value: masked, or an enum by its name, or as it is.
fn shown_value(field: &FieldDescriptor, value: &str, names: &Names) -> String {
    if is_sensitive(field) {
        return MASKED.to_owned();
    }
    let package = field.parent_message().package_name().to_owned();
    match field.kind() {
        Kind::Enum(of) if !field.is_map() => {
            let rust = names.enumeration(&of, &package);
            format!("&::quadrille::event::mask::Enumeration::<{rust}, _>::new(&{value})")
        }
        _ => format!("&{value}"),
    }
}

/// The oneof that the author wrote, not the one that `optional` stands for.
fn real_oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field
        .containing_oneof()
        .filter(|oneof| !oneof.is_synthetic())
}

fn plain_name(rust: &str) -> &str {
    rust.strip_prefix("r#").unwrap_or(rust)
}
