//! The nested modules that packages become.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::names;

/// Generated code is judged where it is made: a user's lints need not know of it.
const ALLOWED: &str = "#[allow(missing_docs, unreachable_pub, dead_code, deprecated, \
    rust_2018_idioms, rustdoc::all, clippy::all, clippy::pedantic, clippy::nursery)]\n";

/// A package's code, and the packages below it.
#[derive(Default)]
pub(super) struct Tree {
    code: String,
    below: BTreeMap<String, Tree>,
}

impl Tree {
    /// Puts a package's code where its name says.
    pub(super) fn insert(&mut self, package: &str, code: String) {
        let parts = package.split('.').filter(|part| !part.is_empty());
        let place = parts.fold(self, |tree, part| {
            tree.below.entry(part.to_owned()).or_default()
        });
        place.code.push_str(&code);
    }

    /// All modules as Rust.
    pub(super) fn render(&self) -> String {
        let mut out = self.code.clone();
        for (part, tree) in &self.below {
            out.push_str(ALLOWED);
            tree.render_into(part, part, &mut out);
        }
        out
    }

    fn render_into(&self, package: &str, part: &str, out: &mut String) {
        let module = names::snake(part);
        writeln!(
            out,
            "/// Protobuf package `{package}`.\npub mod {module} {{"
        )
        .expect("a string takes all text");
        out.push_str(&self.code);
        for (part, tree) in &self.below {
            tree.render_into(&format!("{package}.{part}"), part, out);
        }
        out.push_str("}\n");
    }
}
