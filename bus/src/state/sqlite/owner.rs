//! Which process flushes which rows of the outbox, and whether it is still there.
//!
//! Each process that has the database open holds the lock of a small file of its own beside it. The
//! system lets go of it when the process ends, however it ends. So a sweep can tell at any moment a
//! row that is about to be flushed from one that nobody will flush, with no clock and no polling.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Names tried for a file of one's own.
const TRIES: u32 = 100;

/// This process as an owner of rows.
#[derive(Debug)]
pub(super) struct Owner {
    name: String,
    database: PathBuf,
    // The lock is held for as long as this is open.
    file: Held,
    released: AtomicBool,
}

/// A locked file.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    _lock: File,
}

/// A process that has ended. While this is held, nobody else can find that.
#[derive(Debug)]
pub(super) struct Dead(Held);

impl Owner {
    /// A new owner of rows in this database.
    pub(super) fn new(database: &Path) -> io::Result<Self> {
        let process = std::process::id();
        for nth in 0..TRIES {
            let name = format!("{process}-{nth}");
            let path = file_of(database, &name);
            // One that is there is somebody's, or that of a process with this number which has ended
            // and may have rows left.
            let file = match File::create_new(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            };
            // Somebody who cleans up may have it just now.
            if file.try_lock().is_ok() {
                let database = database.to_owned();
                let file = Held { path, _lock: file };
                return Ok(Self {
                    name,
                    database,
                    file,
                    released: AtomicBool::new(false),
                });
            }
        }
        let message = format!("{TRIES} names beside {} are taken", database.display());
        Err(io::Error::other(message))
    }

    /// What it is called in the rows.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The process with this name, if it has ended.
    pub(super) fn if_dead(&self, name: &str) -> Option<Dead> {
        if name == self.name {
            return None;
        }
        let path = file_of(&self.database, name);
        // Made where it is missing: somebody has deleted it by hand.
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.ok()?;
        match file.try_lock() {
            Ok(()) => Some(Dead(Held { path, _lock: file })),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        }
    }

    /// Names of processes that have ended, whose files still lie there.
    pub(super) fn left_behind(&self) -> Vec<String> {
        let prefix = file_of(&self.database, "");
        let (Some(folder), Some(prefix)) = (prefix.parent(), prefix.file_name()) else {
            return Vec::new();
        };
        let entries = folder.read_dir().into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(name.strip_prefix(prefix.to_str()?)?.to_owned())
        });
        names.filter(|name| self.if_dead(name).is_some()).collect()
    }
}

impl Dead {
    /// Removes its file, once it has no rows left.
    pub(super) fn bury(self) {
        // One that stays is found again by the next that looks.
        let _ = std::fs::remove_file(&self.0.path);
    }
}

impl Owner {
    /// Ends it: from now on its rows are those of a process that has ended.
    pub(super) fn release(&self) {
        // Once: the next with this name may have made its file by then.
        if !self.released.swap(true, Ordering::Relaxed) {
            // Locked to the end: whoever finds it before it is gone finds it locked. Rows that are
            // still to be flushed are then those of a name without a file, which counts as dead.
            let _ = std::fs::remove_file(&self.file.path);
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.release();
    }
}

/// The file beside the database.
fn file_of(database: &Path, name: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-owner-");
    path.push(name);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_owner_is_never_taken_for_dead() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("s.sqlite");
        let one = Owner::new(&database).unwrap();
        let other = Owner::new(&database).unwrap();
        assert_ne!(one.name(), other.name());
        assert!(other.if_dead(one.name()).is_none());
        assert!(other.left_behind().is_empty());

        // Then it ends.
        let name = one.name().to_owned();
        drop(one);
        let dead = other.if_dead(&name).expect("it has ended");
        assert!(
            Owner::new(&database).unwrap().if_dead(&name).is_none(),
            "only one finds it dead at a time"
        );
        dead.bury();
    }

    #[test]
    fn what_a_killed_process_leaves_is_found_and_buried() {
        // Given the file of a process that was killed: it is there, and nobody holds its lock.
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("s.sqlite");
        File::create(file_of(&database, "1-0")).unwrap();

        let owner = Owner::new(&database).unwrap();

        assert_eq!(owner.left_behind(), ["1-0"]);
        owner.if_dead("1-0").expect("it has ended").bury();
        assert!(owner.left_behind().is_empty());
    }
}
