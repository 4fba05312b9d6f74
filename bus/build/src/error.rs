//! What is wrong with the schemas: every problem found, each with its place and its mend.
//!
//! A problem reads as one block, so that a build log stays legible however many there are.

use std::fmt;
use std::path::Path;

/// Everything that was found wrong in one run. Holds at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    problems: Vec<Problem>,
}

impl Error {
    /// Puts the problems in the order of their places and drops repetitions.
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        assert!(!problems.is_empty(), "an error without a problem");
        problems.sort();
        problems.dedup();
        Self { problems }
    }

    /// What was found wrong, in the order of the places.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::new(vec![problem])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, problem) in self.problems.iter().enumerate() {
            if nth > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// One thing that is wrong, where, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file or folder as the build script would open it.
    pub file: String,
    /// Line and column, both from 1. `None`: the whole file is meant.
    pub position: Option<(usize, usize)>,
    /// Full name of the message or field, where the problem lies in one.
    pub subject: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub mend: Option<String>,
}

impl Problem {
    /// A problem of a whole file or folder.
    pub(crate) fn of_file(file: &Path, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            file: file.display().to_string(),
            position: None,
            subject: None,
            what: what.into(),
            mend: Some(mend.into()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(subject) = &self.subject {
            write!(f, ": {subject}")?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(mend) = &self.mend {
            write!(f, "\n  mend: {mend}")?;
        }
        Ok(())
    }
}
