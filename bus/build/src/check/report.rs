//! Collects problems and finds where in its file each one is.

use prost_reflect::{FieldDescriptor, FileDescriptor, MessageDescriptor};

use crate::error::Problem;
use crate::options::EXTENSION;
use crate::sources::Sources;

/// Number of `options` in the descriptor of a message.
const MESSAGE_OPTIONS: i32 = 7;

/// Number of `options` in the descriptors of a field and of a file.
const OPTIONS: i32 = 8;

/// The problems found so far.
pub(super) struct Report<'a> {
    sources: &'a Sources,
    problems: Vec<Problem>,
}

/// Where a problem is: a file, and a path into its descriptor.
pub(super) struct Place {
    file: FileDescriptor,
    path: Vec<i32>,
    subject: Option<String>,
}

impl Place {
    /// A part of a file that has no name of its own.
    pub(super) fn in_file(file: &FileDescriptor, path: &[i32]) -> Self {
        Self {
            file: file.clone(),
            path: path.to_vec(),
            subject: None,
        }
    }

    /// A part of the file's option.
    pub(super) fn file_option(file: &FileDescriptor, part: &[i32]) -> Self {
        Self::in_file(file, &[&[OPTIONS, EXTENSION], part].concat())
    }

    /// A whole message.
    pub(super) fn message(message: &MessageDescriptor) -> Self {
        Self {
            file: message.parent_file(),
            path: message.path().to_vec(),
            subject: Some(message.full_name().to_owned()),
        }
    }

    /// A part of the option that makes a message an event.
    pub(super) fn event_option(message: &MessageDescriptor, part: &[i32]) -> Self {
        let mut place = Self::message(message);
        place.path.extend([MESSAGE_OPTIONS, EXTENSION]);
        place.path.extend(part);
        place
    }

    /// A whole field.
    pub(super) fn field(field: &FieldDescriptor) -> Self {
        Self {
            file: field.parent_file(),
            path: field.path().to_vec(),
            subject: Some(field.full_name().to_owned()),
        }
    }

    /// The option of a field.
    pub(super) fn field_option(field: &FieldDescriptor) -> Self {
        let mut place = Self::field(field);
        place.path.extend([OPTIONS, EXTENSION]);
        place
    }

    /// Line and column, from 1, of the smallest part of the file that holds the place.
    pub(super) fn position(&self) -> Option<(usize, usize)> {
        let info = self
            .file
            .file_descriptor_proto()
            .source_code_info
            .as_ref()?;
        let around = info
            .location
            .iter()
            .filter(|location| self.path.starts_with(&location.path));
        // A path may stand more than once, as `extend` blocks do: the first one is meant.
        let deepest = around.rev().max_by_key(|location| location.path.len())?;
        let from_one = |number: Option<&i32>| usize::try_from(*number?).ok().map(|n| n + 1);
        Some((
            from_one(deepest.span.first())?,
            from_one(deepest.span.get(1))?,
        ))
    }
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
        if self.sources.is_root(&place.file) {
            self.problems.push(Problem {
                file: self.sources.shown(place.file.name()),
                position: place.position(),
                subject: place.subject,
                what: what.into(),
                mend: Some(mend.into()),
            });
        }
    }

    /// The place as a person reads it: `proto/orders/v1/orders.proto:12:3`.
    pub(super) fn shown(&self, place: &Place) -> String {
        let file = self.sources.shown(place.file.name());
        match place.position() {
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
