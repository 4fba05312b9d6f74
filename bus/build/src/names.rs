//! Rust names of protobuf things, as prost writes them.
//!
//! Prost keeps its rules to itself, so they stand here once more; the generated code would not
//! compile if they differed.

use heck::{ToSnakeCase, ToUpperCamelCase};
use prost_reflect::{EnumDescriptor, MessageDescriptor};

/// Where generated code finds prost.
pub(crate) const PROST: &str = "::quadrille::prost";

/// Where generated code finds Google's well-known types.
pub(crate) const PROST_TYPES: &str = "::quadrille::prost_types";

/// Keywords that may stand as raw identifiers.
const RAW: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static",
    "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// Keywords that may not.
const SUFFIXED: &[&str] = &["_", "super", "self", "Self", "extern", "crate"];

/// A field's or module's name.
pub(crate) fn snake(name: &str) -> String {
    identifier(name.to_snake_case())
}

/// A type's or variant's name.
pub(crate) fn upper_camel(name: &str) -> String {
    identifier(name.to_upper_camel_case())
}

/// The name of an enum's value, without the enum's name before it.
pub(crate) fn variant(of: &str, value: &str) -> String {
    let (of, whole) = (upper_camel(of), upper_camel(value));
    match whole.strip_prefix(&of) {
        Some(rest) if rest.starts_with(char::is_uppercase) => identifier(rest.to_owned()),
        _ => whole,
    }
}

fn identifier(name: String) -> String {
    if RAW.contains(&name.as_str()) {
        format!("r#{name}")
    } else if SUFFIXED.contains(&name.as_str()) {
        format!("{name}_")
    } else if name.starts_with(|first: char| first.is_numeric()) {
        format!("_{name}")
    } else {
        name
    }
}

/// How many modules lie between the root of the generated code and a package's types.
pub(crate) fn depth(package: &str) -> usize {
    package.split('.').filter(|part| !part.is_empty()).count()
}

/// Path of a message from the root of the generated code.
pub(crate) fn from_root(message: &MessageDescriptor) -> String {
    path(message.full_name())
}

/// Path of a message from the module of its package.
pub(crate) fn from_package(message: &MessageDescriptor) -> String {
    path(below_package(message.full_name(), message.package_name()))
}

/// Path of the module that holds a message's nested types, from the module of its package.
pub(crate) fn nested_module(message: &MessageDescriptor) -> String {
    let name = below_package(message.full_name(), message.package_name());
    name.split('.').map(snake).collect::<Vec<_>>().join("::")
}

fn below_package<'a>(full_name: &'a str, package: &str) -> &'a str {
    let below = full_name
        .strip_prefix(package)
        .expect("a full name begins with its package");
    below.strip_prefix('.').unwrap_or(below)
}

fn path(name: &str) -> String {
    let (modules, last) = name.rsplit_once('.').unwrap_or(("", name));
    let modules = modules
        .split('.')
        .filter(|part| !part.is_empty())
        .map(snake);
    modules
        .chain([upper_camel(last)])
        .collect::<Vec<_>>()
        .join("::")
}

/// Where types of other packages and crates are.
pub(crate) struct Names {
    externs: Vec<(String, String)>,
}

impl Names {
    /// The user's extern paths and that of Google's types.
    pub(crate) fn new(externs: &[(String, String)]) -> Self {
        let google = (".google.protobuf".to_owned(), PROST_TYPES.to_owned());
        let mut externs: Vec<_> = externs.iter().cloned().chain([google]).collect();
        // The longest first, since it says most.
        externs.sort_by_key(|(proto, _)| std::cmp::Reverse(proto.len()));
        Self { externs }
    }

    /// Path of an enum from the module of a package.
    pub(crate) fn enumeration(&self, of: &EnumDescriptor, package: &str) -> String {
        let name = format!(".{}", of.full_name());
        for (proto, rust) in &self.externs {
            match name.strip_prefix(proto.as_str()) {
                Some("") => return rust.clone(),
                Some(rest) if rest.starts_with('.') => {
                    return format!("{rust}::{}", path(&rest[1..]));
                }
                _ => {}
            }
        }
        format!(
            "{}{}",
            "super::".repeat(depth(package)),
            path(of.full_name())
        )
    }
}
