//! What one party differs in from another: what it is asked, what follows, and what it books.

use std::fmt;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The books of a party: what its ledger's entries add up to, and what follows from them for a
/// question.
///
/// Pure: no clock, no file. Deciding changes nothing; an entry counts only when it is applied, which is
/// done after it is durable. So nobody is ever told what a power cut can still undo.
pub trait Books: Default + Send + 'static {
    /// What the party is called in a sentence, e.g. `gateway`.
    const NAME: &'static str;
    /// What its environment variables begin with.
    const ENVIRONMENT: &'static str;
    /// Where it listens unless told otherwise.
    const LISTEN: &'static str;
    /// Where its ledger is unless told otherwise.
    const LEDGER: &'static str;
    /// Paths that questions are posted to, with what reads the body.
    const ROUTES: &'static [(&'static str, Read<Self::Ask>)];

    /// A question.
    type Ask: Send + 'static;
    /// An entry of the ledger: something that was decided once.
    type Entry: Entry;
    /// The answer to a question, made from its entry alone.
    type Answer: fmt::Debug + Clone + PartialEq + Serialize + Send + 'static;
    /// Why a question that was understood has no answer.
    type Refused: Refused;
    /// What all entries add up to.
    type Totals: Clone + Serialize + Send + 'static;

    /// Seq of the entry that comes next.
    fn next_seq(&self) -> u64;

    /// What all entries add up to.
    fn totals(&self) -> &Self::Totals;

    /// The keys whose entries the decision on this question depends on.
    fn depends_on<'a>(&'a self, ask: &'a Self::Ask) -> [&'a str; 2];

    /// What follows for a question; `seq` and `at` are those of the entry, if it needs one.
    fn decide(&self, ask: &Self::Ask, seq: u64, at: Timestamp) -> Decision<Self>;

    /// Counts an entry that is durable. One that contradicts those before it is not counted.
    fn apply(&mut self, entry: Self::Entry) -> Result<(), Impossible>;

    /// The answer that an entry gives.
    fn answer(entry: &Self::Entry) -> Self::Answer;

    /// The status that goes with an answer.
    fn status(answer: &Self::Answer) -> StatusCode;
}

/// Reads a question from a body, or says what is wrong with that.
pub type Read<A> = fn(&[u8]) -> Result<A, String>;

/// An entry of a ledger: a flat object of which every field is always there.
pub trait Entry: fmt::Debug + Clone + Serialize + DeserializeOwned + Send + 'static {
    /// Counts from 1 without a gap.
    fn seq(&self) -> u64;

    /// The key that it was asked under.
    fn key(&self) -> &str;
}

/// What follows for a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision<B: Books> {
    /// It was answered before.
    Known(B::Answer),
    /// It needs this entry; its answer is the entry's.
    Book(Box<B::Entry>),
    /// It cannot be done.
    Refuse(B::Refused),
}

/// Why a question that was understood has no answer.
pub trait Refused: std::error::Error + Clone + PartialEq + Send + 'static {
    /// The status that says so.
    fn status(&self) -> StatusCode;
}

/// Why an entry cannot follow the entries before it, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Impossible(pub String);

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal<R> {
    /// It cannot be done.
    #[error(transparent)]
    Refused(R),
    /// The disk does not take it.
    #[error("the ledger cannot be written just now, nothing was booked; ask again")]
    NotBooked,
    /// Too many wait.
    #[error("too many requests wait already; ask again")]
    Busy,
    /// It ends.
    #[error("this is stopping; ask again")]
    Stopping,
}

impl<R: Refused> Refusal<R> {
    /// The status that says so.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refused) => refused.status(),
            Self::NotBooked | Self::Busy | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
