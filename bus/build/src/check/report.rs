//! Collects problems, each with its place.

use prost_reflect::FileDescriptor;

use super::place::Place;
use crate::error::Problem;
use crate::sources::Sources;

/// The problems found so far.
pub(super) struct Report<'a> {
    sources: &'a Sources,
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    /// A report without problems.
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            problems: Vec::new(),
        }
    }

    /// Adds a problem, unless it is one of a file that is only imported.
    pub(super) fn add(&mut self, place: Place, what: impl Into<String>, mend: impl Into<String>) {
        if !self.is_imported(&place.file) {
            self.problems.push(Problem {
                file: self.sources.folders().shown(place.file.name()),
                position: place.position(self.sources.folders()),
                subject: place.subject,
                what: what.into(),
                mend: Some(mend.into()),
            });
        }
    }

    /// Whether the file's own problems are left to another crate.
    pub(super) fn is_imported(&self, file: &FileDescriptor) -> bool {
        !self.sources.is_root(file)
    }

    /// The place as a person reads it: `proto/orders/v1/orders.proto:12:3`.
    pub(super) fn shown(&self, place: &Place) -> String {
        let file = self.sources.folders().shown(place.file.name());
        match place.position(self.sources.folders()) {
            Some((line, column)) => format!("{file}:{line}:{column}"),
            None => file,
        }
    }

    /// The value, if nothing is wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(self.problems)
        }
    }
}
