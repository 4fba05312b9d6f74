//! What SQLite's errors mean for whoever runs a service.

use std::path::Path;

use crate::state::{Error, ErrorKind};

// Primary result codes, as https://www.sqlite.org/rescode.html lists them.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const NOTADB: u32 = 26;

/// Makes a store's errors of SQLite's.
pub(super) struct Trouble;

impl Trouble {
    /// What it means that a database could not do something.
    pub(super) fn of(path: &Path, doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |error| told(path, doing, &error)
    }
}

/// Whether the same would happen to every change: then there is no use in trying them one by one.
pub(super) fn is_everybodys(error: &sqlx::Error) -> bool {
    match code(error) {
        Some(code) => matches!(
            code,
            BUSY | LOCKED | READONLY | IOERR | CORRUPT | FULL | CANTOPEN | NOTADB
        ),
        None => !matches!(error, sqlx::Error::Database(_)),
    }
}

fn told(path: &Path, doing: &str, error: &sqlx::Error) -> Error {
    let (kind, why) = match code(error) {
        Some(BUSY | LOCKED) => (
            ErrorKind::Unavailable,
            "another program has it locked: end that, or wait until it is done".to_owned(),
        ),
        Some(READONLY) => (
            ErrorKind::Unavailable,
            "it cannot be written: look at the rights of the file and of its folder".to_owned(),
        ),
        Some(FULL) => (
            ErrorKind::Unavailable,
            "the disk is full: make room, and it goes on by itself".to_owned(),
        ),
        Some(IOERR) => (
            ErrorKind::Unavailable,
            format!("the disk failed, or is full ({error}): look at the system's log"),
        ),
        Some(CANTOPEN) => (
            ErrorKind::Unavailable,
            "it cannot be opened: does the folder exist, and may it be written?".to_owned(),
        ),
        Some(NOTADB) => (
            ErrorKind::Other,
            "it is no SQLite database: name another folder, or move the file away".to_owned(),
        ),
        Some(CORRUPT) => (
            ErrorKind::Other,
            format!("it is damaged ({error}): restore it from a backup"),
        ),
        _ if matches!(error, sqlx::Error::PoolClosed) => (
            ErrorKind::Unavailable,
            "it is closed: its service has ended".to_owned(),
        ),
        _ if matches!(error, sqlx::Error::PoolTimedOut) => (
            ErrorKind::Unavailable,
            "it did not answer in time: is its disk overloaded?".to_owned(),
        ),
        _ => (ErrorKind::Other, error.to_string()),
    };
    Error::new(kind, format!("cannot {doing} in {}: {why}", path.display()))
}

fn code(error: &sqlx::Error) -> Option<u32> {
    let sqlx::Error::Database(error) = error else {
        return None;
    };
    // The low byte of an extended code is the primary one.
    let code: u32 = error.code()?.parse().ok()?;
    Some(code & 0xff)
}
