//! Where a problem is: a file, and a part of what its descriptor says.

use prost_reflect::{FieldDescriptor, FileDescriptor, MessageDescriptor};
use prost_types::source_code_info::Location;

use crate::options::EXTENSION;
use crate::sources::Folders;
use crate::text;

/// Number of `options` in the descriptor of a message.
const MESSAGE_OPTIONS: i32 = 7;

/// Number of `options` in the descriptors of a field and of a file.
const OPTIONS: i32 = 8;

/// A part of a file.
pub(super) struct Place {
    pub(super) file: FileDescriptor,
    pub(super) subject: Option<String>,
    path: Vec<i32>,
    option: Option<InOption>,
}

/// A part of an option's value.
struct InOption {
    /// Name of the option's type.
    name: &'static str,
    /// Numbers of fields, each repeated one's followed by which of its values is meant.
    part: Vec<i32>,
}

impl Place {
    /// A part of a file that has no name of its own.
    pub(super) fn in_file(file: &FileDescriptor, path: &[i32]) -> Self {
        Self {
            file: file.clone(),
            subject: None,
            path: path.to_vec(),
            option: None,
        }
    }

    /// A part of the file's option.
    pub(super) fn file_option(file: &FileDescriptor, part: &[i32]) -> Self {
        Self::in_file(file, &[]).option("quadrille.v1.FileOptions", OPTIONS, part)
    }

    /// A whole message.
    pub(super) fn message(message: &MessageDescriptor) -> Self {
        Self {
            subject: Some(message.full_name().to_owned()),
            ..Self::in_file(&message.parent_file(), message.path())
        }
    }

    /// A part of the option that makes a message an event.
    pub(super) fn event_option(message: &MessageDescriptor, part: &[i32]) -> Self {
        Self::message(message).option("quadrille.v1.EventOptions", MESSAGE_OPTIONS, part)
    }

    /// A whole field.
    pub(super) fn field(field: &FieldDescriptor) -> Self {
        Self {
            subject: Some(field.full_name().to_owned()),
            ..Self::in_file(&field.parent_file(), field.path())
        }
    }

    /// A part of the option of a field.
    pub(super) fn field_option(field: &FieldDescriptor, part: &[i32]) -> Self {
        Self::field(field).option("quadrille.v1.FieldOptions", OPTIONS, part)
    }

    fn option(mut self, name: &'static str, options: i32, part: &[i32]) -> Self {
        self.path.extend([options, EXTENSION]);
        let part = part.to_vec();
        self.option = Some(InOption { name, part });
        self
    }

    /// Line and column, from 1, of the smallest part of the file that holds the place.
    pub(super) fn position(&self, folders: &Folders) -> Option<(usize, usize)> {
        let part = self.option.iter().flat_map(|option| &option.part);
        let whole: Vec<i32> = self.path.iter().chain(part).copied().collect();
        let location = self.location(&whole)?;
        let number = |nth: usize| usize::try_from(*location.span.get(nth)?).ok();
        let (line, column) = (number(0)?, number(1)?);
        let Some(source) = folders.text(self.file.name()) else {
            return Some((line + 1, column + 1));
        };
        let start = text::offset(&source, line, column);
        let inside = text::find(&source[start..], &self.steps(location.path.len()));
        Some(text::position(&source, start + inside.unwrap_or_default()))
    }

    /// The location of the smallest part that the compiler located.
    fn location(&self, whole: &[i32]) -> Option<&Location> {
        let info = self
            .file
            .file_descriptor_proto()
            .source_code_info
            .as_ref()?;
        let around = info
            .location
            .iter()
            .filter(|location| whole.starts_with(&location.path));
        around.max_by_key(|location| location.path.len())
    }

    /// The way to the place from what was located by this many numbers of its path.
    fn steps(&self, located: usize) -> Vec<(String, usize)> {
        let Some(option) = self.option.as_ref().filter(|_| located >= self.path.len()) else {
            return Vec::new(); // Not even the option was located.
        };
        let mut message = self.file.parent_pool().get_message_by_name(option.name);
        let mut passed = self.path.len();
        let mut numbers = option.part.iter();
        let mut steps = Vec::new();
        while let Some((number, inside)) = numbers.next().zip(message) {
            let number = u32::try_from(*number).expect("fields have positive numbers");
            let field = inside
                .get_field(number)
                .expect("our options have this field");
            let nth = if field.is_list() {
                numbers.next()
            } else {
                None
            };
            if passed >= located {
                let nth = nth
                    .and_then(|nth| usize::try_from(*nth).ok())
                    .unwrap_or_default();
                steps.push((field.name().to_owned(), nth));
            }
            passed += if field.is_list() { 2 } else { 1 };
            message = field.kind().as_message().cloned();
        }
        steps
    }
}
