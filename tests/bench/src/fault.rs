//! Why a contender has no number.

use std::fmt;

/// A contender could not do its work, or has not done it right. Says what and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// Says what is wrong.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// A library's error, behind what was tried.
    pub(crate) fn of(tried: &str, error: &dyn std::error::Error) -> Self {
        let mut text = format!("cannot {tried}: {error}");
        let mut next = error.source();
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        Self(text)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
