//! The one thread that decides and writes, and the way to reach it.
//!
//! It collects the questions that wait, books them with one write and one flush, and only then
//! counts and answers them (group commit). A question that depends on one of the same round waits
//! for the next round, so that every decision stands on what is durable. What was booked before is
//! answered even while the disk is full.

use std::collections::HashSet;
use std::io;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::books::{Books, Decision, Refusal};
use crate::clock;
use crate::ledger::Ledger;
use crate::observe;

/// The way to the writer. Cloning gives another way to the same one.
pub(crate) struct Handle<B: Books>(mpsc::Sender<Message<B>>);

/// Resolves when the writer has ended, with an error if it ended by a panic.
pub(crate) type Ended = oneshot::Receiver<()>;

enum Message<B: Books> {
    Ask(Waiting<B>),
    Totals(oneshot::Sender<B::Totals>),
    Stop,
}

/// A question, and where its answer goes. Whoever asked may be gone by then.
struct Waiting<B: Books> {
    ask: B::Ask,
    reply: Reply<B>,
}

/// What a question comes to.
type Told<B> = Result<<B as Books>::Answer, Refusal<<B as Books>::Refused>>;

type Reply<B> = oneshot::Sender<Told<B>>;

struct Writer<B> {
    books: B,
    ledger: Ledger,
    batch_max: usize,
    failing: bool,
}

/// Starts the thread, with room for `queue_max` questions that wait, of which it takes up to
/// `batch_max` at once.
pub(crate) fn start<B: Books>(
    ledger: Ledger,
    books: B,
    queue_max: usize,
    batch_max: usize,
) -> io::Result<(Handle<B>, Ended)> {
    let (tx, rx) = mpsc::channel(queue_max);
    let (end, ended) = oneshot::channel();
    let writer = Writer {
        books,
        ledger,
        batch_max,
        failing: false,
    };
    thread::Builder::new()
        .name("ledger".to_owned())
        .spawn(move || {
            writer.run(rx);
            // Nobody may be waiting for the end.
            let _ = end.send(());
        })?;
    Ok((Handle(tx), ended))
}

impl<B: Books> Clone for Handle<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Books> Handle<B> {
    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, ask: B::Ask) -> Told<B> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Ask(Waiting { ask, reply }))?;
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// What all entries add up to.
    pub(crate) async fn totals(&self) -> Result<B::Totals, Refusal<B::Refused>> {
        let (reply, totals) = oneshot::channel();
        self.send(Message::Totals(reply))?;
        totals.await.map_err(|_| Refusal::Stopping)
    }

    /// Lets the writer end when it has answered everything that waits already.
    pub(crate) async fn stop(&self) {
        // It may have ended before.
        let _ = self.0.send(Message::Stop).await;
    }

    fn send(&self, message: Message<B>) -> Result<(), Refusal<B::Refused>> {
        self.0.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refusal::Busy,
            mpsc::error::TrySendError::Closed(_) => Refusal::Stopping,
        })
    }
}

impl<B: Books> Writer<B> {
    fn run(mut self, mut rx: mpsc::Receiver<Message<B>>) {
        let mut messages = Vec::new();
        while rx.blocking_recv_many(&mut messages, self.batch_max) > 0 {
            let mut waiting = Vec::new();
            for message in messages.drain(..) {
                match message {
                    Message::Ask(asked) => waiting.push(asked),
                    Message::Totals(reply) => {
                        // Whoever asked may have gone away.
                        let _ = reply.send(self.books.totals().clone());
                    }
                    Message::Stop => rx.close(),
                }
            }
            while !waiting.is_empty() {
                waiting = self.round(waiting);
            }
        }
    }

    /// Answers what can be answered now, and gives back what must wait for the next round. The first
    /// question never has to wait, so that there is an end to the rounds.
    fn round(&mut self, waiting: Vec<Waiting<B>>) -> Vec<Waiting<B>> {
        let at = clock::now();
        let mut seq = self.books.next_seq();
        let (mut later, mut entries, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        let mut touched: HashSet<String> = HashSet::new();
        for Waiting { ask, reply } in waiting {
            let keys = self.books.depends_on(&ask);
            if keys.iter().any(|key| touched.contains(*key)) {
                later.push(Waiting { ask, reply });
                continue;
            }
            match self.books.decide(&ask, seq, at) {
                Decision::Known(answer) => answer_to::<B>(reply, Ok(answer)),
                Decision::Refuse(refused) => {
                    answer_to::<B>(reply, Err(Refusal::Refused(refused)));
                }
                Decision::Book(entry) => {
                    touched.extend(keys.map(str::to_owned));
                    entries.push(*entry);
                    replies.push(reply);
                    seq += 1;
                }
            }
        }
        let written = self.write(&entries);
        for (entry, reply) in entries.into_iter().zip(replies) {
            let answer = written.then(|| self.count(entry));
            answer_to::<B>(reply, answer.ok_or(Refusal::NotBooked));
        }
        later
    }

    /// Whether the entries are in the ledger now; if not, none of them is.
    fn write(&mut self, entries: &[B::Entry]) -> bool {
        if entries.is_empty() {
            return true;
        }
        let written = self.ledger.append(entries);
        match &written {
            Err(failure) if !self.failing => observe::not_written(failure),
            Ok(()) if self.failing => observe::written_again(),
            _ => {}
        }
        self.failing = written.is_err();
        written.is_ok()
    }

    fn count(&mut self, entry: B::Entry) -> B::Answer {
        observe::booked(&entry);
        let answer = B::answer(&entry);
        self.books
            .apply(entry)
            .expect("the books accept an entry that they have decided");
        answer
    }
}

/// Whoever asked may have gone away: then the answer waits in the books until they ask again.
fn answer_to<B: Books>(reply: Reply<B>, answer: Told<B>) {
    let _ = reply.send(answer);
}

#[cfg(test)]
mod tests;
