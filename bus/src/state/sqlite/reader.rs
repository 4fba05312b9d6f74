//! Reads records and the inbox in batches: whatever was asked while a batch was being read goes into
//! the next one.
//!
//! A question alone is answered at once. Under load, hundreds share two queries, and a reaction's
//! loads cost next to nothing.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::SqlitePool;
use tokio::sync::{Notify, oneshot};

use super::queue::{answered, closed};
use super::tables;
use super::trouble::Trouble;
use crate::state::{Error, EventKey, RecordId, Stored};

/// Questions of one kind in one batch.
const BATCH_MAX: usize = 1_000;

/// What waits to be read.
#[derive(Default)]
pub(super) struct Reader {
    asked: Mutex<Asked>,
    arrived: Notify,
}

#[derive(Default)]
struct Asked {
    records: Vec<(RecordId, Answer<Option<Stored>>)>,
    events: Vec<(EventKey, Answer<bool>)>,
    closed: bool,
}

type Answer<T> = oneshot::Sender<Result<T, Error>>;

impl Reader {
    /// The record as it is in the database.
    pub(super) async fn load(&self, record: RecordId) -> Result<Option<Stored>, Error> {
        let (answer, told) = oneshot::channel();
        self.ask(|asked| asked.records.push((record, answer)))?;
        answered(told).await
    }

    /// Whether the inbox has the event.
    pub(super) async fn seen(&self, event: EventKey) -> Result<bool, Error> {
        let (answer, told) = oneshot::channel();
        self.ask(|asked| asked.events.push((event, answer)))?;
        answered(told).await
    }

    /// Nobody would answer once it is closed: then that is said at once.
    fn ask(&self, question: impl FnOnce(&mut Asked)) -> Result<(), Error> {
        let mut asked = self.asked();
        if asked.closed {
            return Err(closed());
        }
        question(&mut asked);
        drop(asked);
        self.arrived.notify_one();
        Ok(())
    }

    /// Ends the reading.
    pub(super) fn close(&self) {
        self.asked().closed = true;
        self.arrived.notify_one();
    }

    /// Answers until closed.
    pub(super) async fn run(self: Arc<Self>, pool: SqlitePool, path: Arc<Path>) {
        while let Some((records, events)) = self.next().await {
            if !records.is_empty() {
                let (ids, answers): (Vec<_>, Vec<_>) = records.into_iter().unzip();
                let read = async { tables::records(&mut *pool.acquire().await?, &ids).await };
                give(
                    answers,
                    read.await.map_err(Trouble::of(&path, "read records")),
                );
            }
            if !events.is_empty() {
                let (keys, answers): (Vec<_>, Vec<_>) = events.into_iter().unzip();
                let read = async { tables::seen(&mut *pool.acquire().await?, &keys).await };
                give(
                    answers,
                    read.await.map_err(Trouble::of(&path, "read the inbox")),
                );
            }
        }
    }

    /// The next batch. `None`: closed.
    async fn next(&self) -> Option<(Vec<Loading>, Vec<Seeing>)> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut asked = self.asked();
                if !asked.records.is_empty() || !asked.events.is_empty() {
                    let records = asked.records.len().min(BATCH_MAX);
                    let events = asked.events.len().min(BATCH_MAX);
                    return Some((
                        asked.records.drain(..records).collect(),
                        asked.events.drain(..events).collect(),
                    ));
                }
                if asked.closed {
                    return None;
                }
            }
            arrived.await;
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Loading = (RecordId, Answer<Option<Stored>>);
type Seeing = (EventKey, Answer<bool>);

fn give<T>(answers: Vec<Answer<T>>, read: Result<Vec<T>, Error>) {
    // Whoever asked may have been dropped in a drain.
    match read {
        Ok(read) => {
            for (answer, read) in answers.into_iter().zip(read) {
                let _ = answer.send(Ok(read));
            }
        }
        Err(error) => {
            for answer in answers {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }
}
