//! Writes the Rust code: prost's types, and what makes some of them events.
//!
//! One module per part of a package's name, as prost lays them out, so that its relative paths
//! hold. All of prost comes through `quadrille`, so that a schema crate needs no other dependency.

mod comments;
mod event;
mod mask;
mod tree;

use std::collections::BTreeMap;
use std::io;

use prost::Message;
use prost_build::Module;
use prost_reflect::{DynamicMessage, FileDescriptor, MessageDescriptor, ReflectMessage, Value};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::facts::Facts;
use crate::names::{self, Names, PROST, PROST_TYPES};
use crate::sources::Sources;
use tree::Tree;

/// Module that takes the code of imported files, which is thrown away.
const IMPORTED: &str = "imported";

/// The code of all files that are to be generated.
///
/// Fails where an extern path is malformed or given twice.
pub(crate) fn code(
    sources: &Sources,
    facts: &Facts,
    externs: &[(String, String)],
) -> io::Result<String> {
    let names = Names::new(externs);
    let mut packages: BTreeMap<String, String> = types(sources, externs)?;
    for event in &facts.events {
        let code = packages
            .entry(event.message.package_name().to_owned())
            .or_default();
        code.push_str(&event::implementation(event));
    }
    for message in mask::masked(sources) {
        let code = packages
            .entry(message.package_name().to_owned())
            .or_default();
        code.push_str(&mask::debug(&message, &names));
    }
    let mut tree = Tree::default();
    for (package, code) in packages {
        tree.insert(&package, code);
    }
    let paths = facts
        .events
        .iter()
        .map(|event| names::from_root(&event.message));
    Ok(format!("{}{}", event::root(paths), tree.render()))
}

/// Prost's code for the messages and enums, by package.
fn types(sources: &Sources, externs: &[(String, String)]) -> io::Result<BTreeMap<String, String>> {
    let mut prost = prost_build::Config::new();
    prost.prost_path(PROST).prost_types_path(PROST_TYPES);
    for (proto, rust) in externs {
        prost.extern_path(proto, rust);
    }
    let masked = mask::masked(sources);
    prost.skip_debug(
        masked
            .iter()
            .map(|message| format!(".{}", message.full_name())),
    );
    for of in masked.iter().flat_map(MessageDescriptor::child_enums) {
        // Prost leaves out the `Debug` of enums inside such a message, too.
        prost.enum_attribute(format!(".{}", of.full_name()), "#[derive(Debug)]");
    }
    let mut packages = BTreeMap::new();
    let mut requests = Vec::new();
    for file in sources.pool.files() {
        // Prost wants to see imported files too, since it derives `Copy` and `Eq` through them.
        let module = if sources.is_root(&file) {
            packages.insert(file.package_name().to_owned(), String::new());
            Module::from_parts([file.package_name()])
        } else {
            Module::from_parts([IMPORTED, file.name()])
        };
        requests.push((
            module,
            comments::plain(file.file_descriptor_proto().clone()),
        ));
    }
    let mut generated = prost.generate(requests)?;
    for (package, code) in &mut packages {
        let module = Module::from_parts([package.as_str()]);
        *code = generated.remove(&module).unwrap_or_default();
    }
    Ok(packages)
}

/// The encoded `FileDescriptorSet` of all files, with our options in it. The comments of imported
/// files are left out.
pub(crate) fn descriptors(sources: &Sources) -> Vec<u8> {
    let files = sources
        .pool
        .files()
        .map(|file| Value::Message(described(sources, &file)));
    let mut set = FileDescriptorSet::default().transcode_to_dynamic();
    set.set_field_by_name("file", Value::List(files.collect()));
    set.encode_to_vec()
}

fn described(sources: &Sources, file: &FileDescriptor) -> DynamicMessage {
    let descriptor = FileDescriptorProto::default().descriptor();
    // Through bytes, because prost's own type drops the options that it does not know.
    let bytes = file.encode_to_vec();
    let mut described = DynamicMessage::decode(descriptor, bytes.as_slice())
        .expect("a resolved file decodes as what it is");
    if !sources.is_root(file) {
        described.clear_field_by_name("source_code_info");
    }
    described
}
