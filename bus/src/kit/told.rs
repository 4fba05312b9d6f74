//! What a service told: the events that it emitted, in order.

use std::fmt;

use bytes::Bytes;

use crate::broker::Outgoing;
use crate::envelope::header;
use crate::event::Event;
use crate::react::Emitted;

/// The events that a service emitted, in order.
#[derive(Default)]
pub struct Told {
    events: Vec<One>,
}

struct One {
    name: String,
    key: String,
    payload: Bytes,
}

impl Told {
    pub(super) fn from_reaction(emitted: Emitted) -> Self {
        let events = emitted.into_events().into_iter();
        let events = events.map(|born| One {
            name: born.schema.name.to_owned(),
            key: born.key,
            payload: born.payload,
        });
        Self {
            events: events.collect(),
        }
    }

    pub(super) fn from_records(records: impl Iterator<Item = Outgoing>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let events = records.map(|record| One {
            name: record
                .headers
                .get(header::TYPE)
                .map_or_else(String::new, text),
            key: record.key.as_deref().map_or_else(String::new, text),
            payload: record.value.unwrap_or_default(),
        });
        Self {
            events: events.collect(),
        }
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Full names of the events' types, in order.
    pub fn types(&self) -> Vec<&str> {
        self.events.iter().map(|one| one.name.as_str()).collect()
    }

    /// The events of one type, in order.
    pub fn all<E: Event>(&self) -> Vec<E> {
        let of_type = self.events.iter().filter(|one| one.name == E::SCHEMA.name);
        let decoded = of_type.map(|one| E::decode(one.payload.clone()));
        decoded
            .map(|event| event.expect("it was encoded from this type"))
            .collect()
    }

    /// The one event that was told.
    ///
    /// # Panics
    ///
    /// Where none was told, more than one, or one of another type.
    #[track_caller]
    pub fn only<E: Event>(&self) -> E {
        let one: Option<E> = self.all().pop();
        match (one, self.events.len()) {
            (Some(event), 1) => event,
            _ => panic!(
                "{} was to be told and nothing else, but {self:?} was",
                E::SCHEMA.name
            ),
        }
    }
}

/// Types and keys: contents may be sensitive.
impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.events.iter();
        f.debug_list()
            .entries(names.map(|one| format!("{} of {}", one.name, one.key)))
            .finish()
    }
}
