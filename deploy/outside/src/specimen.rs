//! A party for the tests here: it keeps notes under keys, and takes them back.

use std::collections::HashMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::books::{Books, Decision, Entry, Impossible, Refused};

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    by_key: HashMap<String, Line>,
    count: u64,
}

/// Notes something, or takes what stands under another key back.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Note { key: String },
    TakeBack { key: String, of: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) key: String,
    /// What was taken back. Empty: it is a note.
    pub(crate) of: String,
    /// Whether that was there.
    pub(crate) was_there: bool,
}

impl Entry for Line {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn key(&self) -> &str {
        &self.key
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this key was used before, with other content")]
pub(crate) struct Conflict;

impl Refused for Conflict {
    fn status(&self) -> StatusCode {
        StatusCode::CONFLICT
    }
}

impl Ask {
    pub(crate) fn note(key: &str) -> Self {
        let key = key.to_owned();
        Self::Note { key }
    }

    pub(crate) fn take_back(key: &str, of: &str) -> Self {
        let (key, of) = (key.to_owned(), of.to_owned());
        Self::TakeBack { key, of }
    }

    fn parts(&self) -> (&str, &str) {
        match self {
            Self::Note { key } => (key, ""),
            Self::TakeBack { key, of } => (key, of),
        }
    }
}

impl Books for Notes {
    const NAME: &'static str = "notary";
    const ENVIRONMENT: &'static str = "NOTARY_";
    const LISTEN: &'static str = "127.0.0.1:0";
    const LEDGER: &'static str = "notes.jsonl";
    const ROUTES: &'static [(&'static str, crate::books::Read<Ask>)] = &[];

    type Ask = Ask;
    type Entry = Line;
    type Answer = bool;
    type Refused = Conflict;
    type Totals = u64;

    fn next_seq(&self) -> u64 {
        self.count + 1
    }

    fn totals(&self) -> &u64 {
        &self.count
    }

    fn depends_on<'a>(&'a self, ask: &'a Ask) -> [&'a str; 2] {
        match ask.parts() {
            (key, "") => [key, key],
            (key, of) => [key, of],
        }
    }

    fn decide(&self, ask: &Ask, seq: u64, at: Timestamp) -> Decision<Self> {
        let (key, of) = ask.parts();
        match self.by_key.get(key) {
            Some(line) if line.of == of => Decision::Known(Self::answer(line)),
            Some(_) => Decision::Refuse(Conflict),
            None => Decision::Book(Box::new(Line {
                seq,
                at,
                key: key.to_owned(),
                of: of.to_owned(),
                was_there: self.by_key.contains_key(of),
            })),
        }
    }

    fn apply(&mut self, line: Line) -> Result<(), Impossible> {
        if line.seq != self.next_seq() {
            return Err(Impossible(format!("its seq is {}", line.seq)));
        }
        self.count += 1;
        self.by_key.insert(line.key.clone(), line);
        Ok(())
    }

    fn answer(line: &Line) -> bool {
        line.was_there
    }

    fn status(_: &bool) -> StatusCode {
        StatusCode::OK
    }
}
