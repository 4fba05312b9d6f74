//! Where values come from besides the defaults: a file, the environment, flags.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::layout::{PREFIX, RESERVED_PREFIX};

/// Names the configuration file.
pub(super) const FILE_VARIABLE: &str = "QUADRILLE_CONFIG";

/// Variables that are short for an option.
const SHORT_VARIABLES: [(&str, &str); 1] = [("QUADRILLE_LOG", "log.filter")];

/// Where values come from besides the defaults. Later ones win: file, environment, flags.
#[derive(Clone, Default)]
pub struct Sources {
    pub(super) file: Option<FileName>,
    pub(super) variables: Vec<Given>,
    pub(super) flags: Vec<Given>,
}

/// The file to read, and who says so.
#[derive(Clone)]
pub(super) struct FileName {
    pub(super) path: PathBuf,
    pub(super) named_by: Option<&'static str>,
}

/// A value as text, and where it stands.
#[derive(Clone)]
pub(super) struct Given {
    /// The flag with its path, or the variable.
    pub(super) origin: Origin,
    /// The option. `None`: the variable's name is to be looked up.
    pub(super) path: Option<String>,
    /// The text. `None`: it is not Unicode.
    pub(super) text: Option<String>,
}

impl Sources {
    /// Nothing but the defaults.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads this file.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(FileName {
            path: path.into(),
            named_by: None,
        });
        self
    }

    /// Sets one option as `--set PATH=VALUE` does.
    #[must_use]
    pub fn set(self, path: &str, value: &str) -> Self {
        self.flag(format!("--set {path}"), path, value)
    }

    /// Sets one option by a flag that is called `flag` in errors.
    #[must_use]
    pub(super) fn flag(mut self, flag: String, path: &str, value: &str) -> Self {
        self.flags.push(Given {
            origin: Origin::Flag(flag),
            path: Some(path.to_owned()),
            text: Some(value.to_owned()),
        });
        self
    }

    /// Takes the variables that begin with `QUADRILLE_`; `std::env::vars_os()` has all of them.
    /// `QUADRILLE_CONFIG` names the file unless one is named already.
    #[must_use]
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut variables: Vec<_> = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(PREFIX) && !name.starts_with(RESERVED_PREFIX))
            .collect();
        // The environment has no order, errors have.
        variables.sort();
        for (name, value) in variables {
            match name.as_str() {
                // What other programs of ours take: one shell may run them all.
                "QUADRILLE_CACHE" | "QUADRILLE_URL" | "QUADRILLE_LOG_FILTER" => {}
                FILE_VARIABLE if value.is_empty() || self.file.is_some() => {}
                FILE_VARIABLE => {
                    self.file = Some(FileName {
                        path: value.into(),
                        named_by: Some(FILE_VARIABLE),
                    });
                }
                _ => {
                    let short = SHORT_VARIABLES.iter().find(|(short, _)| *short == name);
                    self.variables.push(Given {
                        origin: Origin::Variable(name),
                        path: short.map(|(_, path)| (*path).to_owned()),
                        text: value.into_string().ok(),
                    });
                }
            }
        }
        self
    }
}

/// Where an option's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The configuration file.
    File {
        /// Its name as it was given.
        name: String,
        /// Line from 1.
        line: usize,
        /// Column from 1, in characters.
        column: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag, e.g. `--set limits.attempts_max`.
    Flag(String),
}

impl Origin {
    /// The variable's or flag's own name.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Variable(name) => name.clone(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}
