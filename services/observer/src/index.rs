//! What topics tell, kept on disk: flows, and what they are found by.
//!
//! It is disposable: where it is missing, damaged, of another cluster or of another version, topics
//! are read again from their beginnings and lead to the same answers. So nothing here waits for the
//! disk, and losing the last moments to a crash costs only reading them again. Payloads are not kept.
//!
//! It is bounded by a number of flows; the flow that has been silent for the longest goes first.
//! How a flow stands is kept as far as topics tell; who is alive is [`crate::live`]'s to say.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quadrille::broker::TopicPartition;
use quadrille::id::FlowId;
use quadrille::wire::ContractPublished;
use sqlx::SqlitePool;
use tokio::sync::watch;

mod brief;
mod entry;
mod facts;
mod gone;
mod names;
mod open;
mod read;
mod write;

use crate::expect::Expected;
use crate::flow::status::{Wait, Word};
use crate::flow::view::Summary;
use crate::seen::{Promised, Seen};
use names::Names;

pub use read::{Found, Wanted, place};

/// Limits of an index.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most flows that are kept.
    pub flows_max: u64,
}

impl Default for Limits {
    /// 1,000,000 flows.
    fn default() -> Self {
        Self {
            flows_max: 1_000_000,
        }
    }
}

/// What is kept.
pub struct Index {
    path: PathBuf,
    // Only the writer's task uses it.
    writing: SqlitePool,
    reading: SqlitePool,
    limits: Limits,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    // Kept locked for as long as the index is open.
    _lock: File,
}

/// What is in memory as well.
#[derive(Default)]
struct State {
    names: Names,
    expected: Expected,
    contracts: BTreeMap<String, Promised>,
    positions: BTreeMap<TopicPartition, i64>,
    counts: Counts,
    /// Number of the newest change.
    change: u64,
    /// Number of the newest flow.
    flow: i64,
}

/// How much is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Flows.
    pub flows: u64,
    /// Events.
    pub events: u64,
    /// Receipts.
    pub receipts: u64,
    /// Flows that made room for newer ones.
    pub dropped: u64,
    // By word, and by the service that is waited for.
    words: BTreeMap<(u8, Option<String>), u64>,
}

/// A batch of what was read, and how far that goes.
#[derive(Default)]
pub struct Batch {
    /// What belongs to flows.
    pub flows: BTreeMap<FlowId, Vec<Seen>>,
    /// Contracts, in the order of their topic.
    pub contracts: Vec<Promised>,
    /// By partition, the next offset to be read.
    pub positions: BTreeMap<TopicPartition, i64>,
}

/// A flow as it is kept for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What a list tells, as far as topics do.
    pub summary: Summary,
    /// The reaction on which all depends, where one is not done.
    pub wait: Option<Wait>,
}

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its folder or its lock cannot be made.
    #[error("cannot make the index {}", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// Another observer has it.
    #[error(
        "the index {} is in use by another observer: give each its own by `index.folder`",
        .0.display()
    )]
    InUse(PathBuf),
    /// The database refuses.
    #[error("cannot {doing} the index {}", path.display())]
    Database {
        /// What was to be done.
        doing: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        #[source]
        source: sqlx::Error,
    },
}

impl Index {
    /// How much is kept.
    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// Number of the newest change.
    pub fn change(&self) -> u64 {
        *self.changed.borrow()
    }

    /// Tells of changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// How far each partition was read.
    pub fn positions(&self) -> BTreeMap<TopicPartition, i64> {
        self.state().positions.clone()
    }

    /// What services react to.
    pub fn expected(&self) -> Expected {
        self.state().expected.clone()
    }

    /// The newest contract of each service.
    pub fn contracts(&self) -> Vec<ContractPublished> {
        let state = self.state();
        let newest = state.contracts.values();
        newest.map(|promised| promised.contract.clone()).collect()
    }

    /// Bytes that it takes on disk.
    pub fn bytes(&self) -> u64 {
        let files = ["", "-wal"].map(|suffix| with_suffix(&self.path, suffix));
        let sizes = files.iter().filter_map(|file| file.metadata().ok());
        sizes.map(|metadata| metadata.len()).sum()
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        let path = self.path.clone();
        move |source| Error::Database {
            doing,
            path,
            source,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Flows by word and by the service that they wait for.
    pub fn by_word(&self) -> impl Iterator<Item = (Word, Option<&str>, u64)> {
        self.words.iter().map(|((word, service), count)| {
            (Word::ALL[usize::from(*word)], service.as_deref(), *count)
        })
    }

    pub(crate) fn count(&mut self, word: Word, service: Option<&str>) {
        *self
            .words
            .entry((number(word), service.map(str::to_owned)))
            .or_default() += 1;
    }

    fn discount(&mut self, word: Word, service: Option<&str>) {
        let key = (number(word), service.map(str::to_owned));
        if let Some(count) = self.words.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.words.remove(&key);
            }
        }
    }
}

/// A word as it stands in the database.
fn number(word: Word) -> u8 {
    let place = Word::ALL.iter().position(|one| *one == word);
    u8::try_from(place.expect("all are there")).expect("there are few")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Takes the lock of an index, for as long as the file is held.
fn lock(path: &Path) -> Result<File, Error> {
    let name = with_suffix(path, "-lock");
    let failed = |error| Error::Folder(path.to_owned(), error);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name);
    let file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests;
