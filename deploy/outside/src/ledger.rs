//! The ledger on disk: JSON Lines, only ever appended to, one entry a line.
//!
//! A line counts once it was written with its line feed and the disk has said that it holds it. What
//! stands behind the last line feed was never answered to anyone, so it is cut off. Anything else
//! that is not as it was written is an error that a person must look at; nothing is repaired that
//! could have been money.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use crate::books::{Books, Entry, Impossible};
use crate::observe;

/// The open file. Nobody else has it open as a ledger at the same time.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
    path: PathBuf,
    /// Up to here the disk holds whole entries.
    good_bytes: u64,
    /// Whether something may stand behind `good_bytes`, since a write failed.
    untidy: bool,
}

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the ledger {} is in use by another {name}", path.display())]
    InUse { path: PathBuf, name: &'static str },
    #[error("cannot {what} the ledger {}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the ledger {} is broken at line {line}", path.display())]
    Line {
        path: PathBuf,
        line: u64,
        source: Wrong,
    },
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("it is not an entry")]
    NotAnEntry(#[source] serde_json::Error),
    #[error("it cannot follow the lines before it")]
    Impossible(#[source] Impossible),
}

impl Ledger {
    /// Opens the file, or makes a new one, and reads what it holds.
    pub(crate) fn open<B: Books>(path: &Path) -> Result<(Self, B), Error> {
        let failed = |what| {
            let path = path.to_owned();
            move |source| Error::File { what, path, source }
        };
        let file = create(path).map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let (path, name) = (path.to_owned(), B::NAME);
                return Err(Error::InUse { path, name });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock")(error)),
        }
        let mut ledger = Self {
            file,
            path: path.to_owned(),
            good_bytes: 0,
            untidy: true,
        };
        let books = ledger.read()?;
        ledger.tidy().map_err(failed("cut the torn end off"))?;
        Ok((ledger, books))
    }

    fn read<B: Books>(&mut self) -> Result<B, Error> {
        let mut books = B::default();
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = reader
                .read_until(b'\n', &mut line)
                .map_err(|source| Error::File {
                    what: "read",
                    path: self.path.clone(),
                    source,
                })?;
            if line.last() != Some(&b'\n') {
                if read > 0 {
                    observe::torn(&self.path, number, read);
                }
                break;
            }
            count(&line, &mut books).map_err(|source| Error::Line {
                path: self.path.clone(),
                line: number,
                source,
            })?;
            self.good_bytes += u64::try_from(read).expect("a usize fits in an u64");
        }
        Ok(books)
    }

    /// Writes the entries and returns when the disk holds them. If it fails, none is in the ledger,
    /// and the next call tries anew.
    pub(crate) fn append(&mut self, entries: &[impl Entry]) -> io::Result<()> {
        self.tidy()?;
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        self.untidy = true;
        self.file.write_all(&lines)?;
        self.file.sync_data()?;
        self.untidy = false;
        self.good_bytes += u64::try_from(lines.len()).expect("a usize fits in an u64");
        Ok(())
    }

    /// Cuts off what a failed write may have left behind.
    pub(crate) fn tidy(&mut self) -> io::Result<()> {
        if self.untidy {
            self.file.set_len(self.good_bytes)?;
            self.file.sync_data()?;
            self.untidy = false;
        }
        Ok(())
    }
}

fn count<B: Books>(line: &[u8], books: &mut B) -> Result<(), Wrong> {
    let entry: B::Entry = serde_json::from_slice(line).map_err(Wrong::NotAnEntry)?;
    books.apply(entry).map_err(Wrong::Impossible)
}

fn create(path: &Path) -> io::Result<File> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    // The file's name must survive a power cut as well.
    File::open(folder)?.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
