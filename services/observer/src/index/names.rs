//! Names that come again and again, as small numbers: types, topics, services, reactions.
//!
//! All of them are kept in memory: there are as many as contracts and instances give, not as many as
//! events.

use std::collections::HashMap;

use prost::bytes::Bytes;
use uuid::Uuid;

/// Names and their numbers. Never iterated, so that no order can show.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_text: HashMap<String, u32>,
    texts: Vec<String>,
    // Those from here on are not yet in the database.
    kept: usize,
}

impl Names {
    /// Those that the database holds, by their numbers from 0.
    pub(super) fn kept(texts: Vec<String>) -> Self {
        let numbered = texts.iter().cloned().zip(0..);
        Self {
            by_text: numbered.collect(),
            kept: texts.len(),
            texts,
        }
    }

    /// The number of a name, a new one where it has none.
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.by_text.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).expect("there are not that many names");
        self.texts.push(text.to_owned());
        self.by_text.insert(text.to_owned(), number);
        number
    }

    /// The number of a name, where it has one.
    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.by_text.get(text).copied()
    }

    /// The name of a number. Empty where there is none, which a damaged index may ask for.
    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", String::as_str)
    }

    /// Those that the database does not hold yet, with their numbers.
    pub(super) fn fresh(&self) -> impl Iterator<Item = (u32, &str)> {
        let fresh = self.texts.iter().enumerate().skip(self.kept);
        fresh.map(|(number, text)| (number as u32, text.as_str()))
    }

    /// Notes that the database holds all.
    pub(super) fn keep(&mut self) {
        self.kept = self.texts.len();
    }
}

/// An id in few bytes: a UUID as what it is, anything else as its text.
pub(super) fn pack(id: &str) -> Bytes {
    match Uuid::try_parse(id) {
        // Only the one way of writing it comes back as it was.
        Ok(uuid) if uuid.hyphenated().to_string() == id => {
            Bytes::from([&[UUID], &uuid.as_bytes()[..]].concat())
        }
        _ => Bytes::from([&[TEXT], id.as_bytes()].concat()),
    }
}

/// The id that was packed.
pub(super) fn unpack(bytes: &[u8]) -> String {
    match bytes.split_first() {
        Some((&UUID, uuid)) => Uuid::from_slice(uuid)
            .map(|uuid| uuid.hyphenated().to_string())
            .unwrap_or_default(),
        Some((_, text)) => String::from_utf8_lossy(text).into_owned(),
        None => String::new(),
    }
}

const UUID: u8 = 0;
const TEXT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were() {
        let uuid = "5f0c3a52-9a3f-5c0e-8a55-0d2f0a6f1c11";
        assert_eq!(pack(uuid).len(), 17);
        for id in [uuid, &uuid.to_uppercase(), "", "4711", "sixteen-letters!"] {
            assert_eq!(unpack(&pack(id)), id);
        }
    }

    #[test]
    fn a_name_keeps_its_number() {
        let mut names = Names::kept(vec!["orders".to_owned()]);
        assert_eq!(names.number("orders"), 0);
        assert_eq!(names.number("payments"), 1);
        assert_eq!(names.number("payments"), 1);
        assert_eq!(names.fresh().collect::<Vec<_>>(), [(1, "payments")]);
        names.keep();
        assert_eq!(names.fresh().count(), 0);
        assert_eq!((names.text(1), names.text(7)), ("payments", ""));
    }
}
