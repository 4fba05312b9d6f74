//! Which options there are: read from the TOML files that are carried in the binary.
//!
//! The bus brings one file, each service one of its own. A file gives for each option a sentence, a
//! default, and behind it unit and range; so there is no second place to say any of it. A service's
//! file may also give another default to an option of the bus, such as its own health port. A
//! layout that breaks these rules is a defect of the program and stops it, in its first test.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::spec::Spec;
use super::text::Text;
use super::value::{self, Value};

/// Begins the name of every environment variable that sets an option.
pub(super) const PREFIX: &str = "QUADRILLE_";

/// Variables with the prefix that set no option of their own name.
pub(super) const RESERVED: [&str; 3] = ["QUADRILLE_CONFIG", "QUADRILLE_LOG", "QUADRILLE_CACHE"];

/// Begins the names of variables that only tests read.
pub(super) const RESERVED_PREFIX: &str = "QUADRILLE_TEST_";

/// The options that a program knows.
#[derive(Debug, Clone)]
pub struct Layout {
    pub(super) options: Vec<Known>,
    pub(super) tables: Vec<KnownTable>,
}

/// One option.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Table and name, e.g. `limits.attempts_max`.
    pub(super) path: String,
    /// What it is for, line by line.
    pub(super) comment: Vec<String>,
    /// What it may be.
    pub(super) spec: Spec,
    /// What it is where nobody says anything.
    pub(super) default: Value,
    /// Whether it is the bus's and not the service's.
    pub(super) of_bus: bool,
}

/// One table of options.
#[derive(Debug, Clone)]
pub(super) struct KnownTable {
    /// Its name, e.g. `limits`.
    pub(super) name: String,
    /// What is in it, line by line.
    pub(super) comment: Vec<String>,
    of_bus: bool,
}

impl Layout {
    /// The options of the bus.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the file is the bus's own, and a test reads it"
    )]
    pub fn bus() -> Self {
        let mut layout = Self {
            options: Vec::new(),
            tables: Vec::new(),
        };
        layout
            .read(include_str!("../../config.toml"), true)
            .expect("the bus's own options are well formed, as a test shows");
        layout
    }

    /// Adds the options of a service: `.with(include_str!("../config.toml"))`.
    ///
    /// # Panics
    ///
    /// Where the file breaks the rules, saying which line and how. It is part of the program.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, file: &str) -> Self {
        if let Err(error) = self.read(file, false) {
            panic!("the options that the program brings are not well formed: {error}");
        }
        self
    }

    /// Number of the option with this path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.options.iter().position(|option| option.path == path)
    }

    /// Whether options stand below this path.
    pub(super) fn is_table(&self, path: &str) -> bool {
        self.options
            .iter()
            .any(|option| is_below(&option.path, path))
    }

    /// All options' paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.options.iter().map(|option| option.path.as_str())
    }

    fn read(&mut self, file: &str, of_bus: bool) -> Result<(), String> {
        let text = Text::new(file);
        let root = DeTable::parse(file).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            format!("line {}: {}", text.place(at).0, error.message())
        })?;
        self.read_table(&text, root.get_ref(), "", of_bus)?;
        self.check_variables()
    }

    fn read_table(
        &mut self,
        text: &Text<'_>,
        table: &DeTable<'_>,
        above: &str,
        of_bus: bool,
    ) -> Result<(), String> {
        for (key, value) in table {
            let path = join(above, key.get_ref());
            let line = text.place(key.span().start).0;
            let wrong = |why: String| format!("line {line}: `{path}`: {why}");
            check_name(key.get_ref()).map_err(wrong)?;
            let comment = text.comment_above(key.span().start);
            if let DeValue::Table(inner) = value.get_ref() {
                if !self.tables.iter().any(|known| known.name == path) {
                    self.tables.push(KnownTable {
                        name: path.clone(),
                        comment,
                        of_bus,
                    });
                }
                self.read_table(text, inner, &path, of_bus)?;
            } else {
                let behind = text.comment_behind(value.span().end);
                self.read_option(&path, comment, value, behind, of_bus)
                    .map_err(wrong)?;
            }
        }
        Ok(())
    }

    fn read_option(
        &mut self,
        path: &str,
        comment: Vec<String>,
        value: &Spanned<DeValue<'_>>,
        behind: Option<&str>,
        of_bus: bool,
    ) -> Result<(), String> {
        let default = Value::from_toml(value.get_ref()).map_err(|given| {
            format!(
                "the default is {given}, but an option is a text, a number or a switch: write a \
                 list as a text with commas"
            )
        })?;
        if let Some(known) = self.find(path) {
            let known = &mut self.options[known];
            if !known.of_bus {
                return Err("another of the program's files has this option already".to_owned());
            }
            return known.take_default(default, comment, behind);
        }
        let Some((table, _)) = path.rsplit_once('.') else {
            return Err("an option stands in a table".to_owned());
        };
        let of_the_bus = |known: &KnownTable| known.of_bus && is_below(path, &known.name);
        if !of_bus && self.tables.iter().any(of_the_bus) {
            return Err(format!("`{table}` is the bus's: use a table of your own"));
        }
        if comment.is_empty() {
            return Err("a comment above must say what the option is for".to_owned());
        }
        self.options.push(Known {
            path: path.to_owned(),
            comment,
            spec: Spec::parse(&default, behind)?,
            default,
            of_bus,
        });
        Ok(())
    }

    /// No two options may be set by the same variable, and none by a reserved one.
    fn check_variables(&self) -> Result<(), String> {
        let mut seen = BTreeMap::new();
        for option in &self.options {
            let variable = option.variable();
            if RESERVED.contains(&variable.as_str()) || variable.starts_with(RESERVED_PREFIX) {
                return Err(format!(
                    "`{}` would be set by {variable}, which has another meaning",
                    option.path
                ));
            }
            if let Some(other) = seen.insert(variable.clone(), &option.path) {
                return Err(format!(
                    "`{other}` and `{}` would both be set by {variable}",
                    option.path
                ));
            }
        }
        Ok(())
    }
}

impl Known {
    /// The option's name without its table.
    pub(super) fn name(&self) -> &str {
        self.path
            .rsplit_once('.')
            .map_or(&self.path, |(_, name)| name)
    }

    /// The option's table.
    pub(super) fn table(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// The environment variable that sets it.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "_").to_uppercase())
    }

    /// Whether its value is never shown.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self.default, Value::Text(_)) && value::is_secret_name(self.name())
    }

    /// A value of it for a person's eyes.
    pub(super) fn shown(&self, value: &Value) -> String {
        if self.is_secret() && !value.is_unset() {
            "a value that is not shown".to_owned()
        } else {
            value.shown()
        }
    }

    fn take_default(
        &mut self,
        default: Value,
        comment: Vec<String>,
        behind: Option<&str>,
    ) -> Result<(), String> {
        if behind.is_some() {
            return Err(
                "another default takes no comment behind it: unit and range stay".to_owned(),
            );
        }
        let shown = default.shown();
        self.default = self
            .spec
            .fit(default)
            .ok_or_else(|| format!("the default is {shown}, but must be {}", self.spec.wanted()))?;
        if !comment.is_empty() {
            self.comment = comment;
        }
        Ok(())
    }
}

/// Joins a table's path and a name in it.
pub(super) fn join(above: &str, name: &str) -> String {
    if above.is_empty() {
        name.to_owned()
    } else {
        format!("{above}.{name}")
    }
}

/// Whether an option's path stands below a table's.
pub(super) fn is_below(path: &str, table: &str) -> bool {
    path.strip_prefix(table)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn check_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(legal) {
        Ok(())
    } else {
        Err("a name begins with a small letter and has small letters, digits and `_`".to_owned())
    }
}

#[cfg(test)]
mod tests;
