//! Fields of a request as they came, so that all that are wrong can be named at once.
//!
//! Nothing here repeats a value that came in: there are card numbers among them.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

use super::answer::FieldError;

/// Wrong fields that are named, at most.
const ERRORS_MAX: usize = 100;

/// A field as it came. Reading one never fails, or the first wrong field would hide the others.
#[derive(Default)]
pub(super) enum Field<T> {
    /// It did not, or it was null.
    #[default]
    Missing,
    /// It is not of its type.
    Wrong,
    /// It is of its type.
    Right(T),
}

/// A type that a field can have, by its name for people.
pub(super) trait Shape: DeserializeOwned {
    /// E.g. `a text`.
    const IS: &'static str;
}

impl Shape for String {
    const IS: &'static str = "a text";
}

impl Shape for u32 {
    const IS: &'static str = "a whole number from 0 to 4294967295";
}

impl Shape for i64 {
    const IS: &'static str = "a whole number of at most 64 bits";
}

impl Shape for i32 {
    const IS: &'static str = "a whole number of at most 32 bits";
}

impl<T: DeserializeOwned> Shape for Vec<T> {
    const IS: &'static str = "a list";
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        if value.is_null() {
            return Ok(Self::Missing);
        }
        Ok(T::deserialize(value).map_or(Self::Wrong, Self::Right))
    }
}

/// What is wrong with a request, field by field.
#[derive(Default)]
pub(super) struct Errors {
    found: Vec<FieldError>,
}

impl Errors {
    /// Adds what is wrong at a path.
    pub(super) fn add(&mut self, path: impl Into<String>, error: impl Into<String>) {
        if self.found.len() < ERRORS_MAX {
            self.found.push(FieldError {
                path: path.into(),
                error: error.into(),
            });
        }
    }

    /// Takes a field that must be there.
    pub(super) fn need<T: Shape>(&mut self, field: Field<T>, path: &str) -> Option<T> {
        if matches!(field, Field::Missing) {
            self.add(path, format!("is missing: it must be {}", T::IS));
        }
        self.take(field, path)
    }

    /// Takes a field that may be missing.
    pub(super) fn take<T: Shape>(&mut self, field: Field<T>, path: &str) -> Option<T> {
        match field {
            Field::Right(value) => return Some(value),
            Field::Wrong => self.add(path, format!("must be {}", T::IS)),
            Field::Missing => {}
        }
        None
    }

    /// Takes a text that must be there and have so many characters, none of them a control.
    pub(super) fn text(&mut self, field: Field<String>, path: &str, chars_max: usize) -> String {
        let Some(text) = self.need(field, path) else {
            return String::new();
        };
        self.check_text(&text, path, 1, chars_max);
        text
    }

    /// Checks the length of a text, and that nothing in it would upset a terminal or a log.
    pub(super) fn check_text(&mut self, text: &str, path: &str, min: usize, max: usize) {
        let chars = text.chars().count();
        if chars < min || chars > max {
            self.add(path, format!("must have {min} to {max} characters"));
        } else if text.chars().any(char::is_control) {
            self.add(path, "must have no control characters");
        }
    }

    /// Names fields that nobody knows: one of them may be a known one, mistyped.
    pub(super) fn unknown<'a>(&mut self, names: impl Iterator<Item = &'a String>, at: &str) {
        for name in names {
            let name: String = name.chars().take(64).collect();
            self.add(format!("{at}.{name}"), "is not a field that is known here");
        }
    }

    /// All errors, or none.
    pub(super) fn none_of(self) -> Result<(), Vec<FieldError>> {
        if self.found.is_empty() {
            Ok(())
        } else {
            Err(self.found)
        }
    }
}
