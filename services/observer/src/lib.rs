//! The observer: shows every flow, where it is, on whom it waits, and why.
//!
//! It is one more reader of topics. No service asks it anything, none waits for it, and it may be
//! down without stopping anybody. What it knows it has read: events, receipts, contracts and presence;
//! it keeps that in a disposable [`index`], and answers over HTTP ([`api`]) with a web UI ([`ui`]).

// What is read from topics.
pub mod types; // the event types that are known here
pub mod seen; // one record, as an event, a receipt, a contract or a sign of life
pub mod expect; // which service reacts to what, as the contracts say
pub mod flow; // what happened under one correlation id, as a tree of causes
pub mod follow; // topics as they grow
pub mod scan; // topics from beginning to end, for one flow

// What is known.
pub mod index; // flows, on disk
pub mod live; // who is alive, and how far behind everybody is
pub mod why; // the sentence that puts both together

// What is done with it.
pub mod observer; // keeps all of it up to date
pub mod record; // one record with its payload, read from its topic when asked for
pub mod api; // what is asked over HTTP
pub mod ui; // the web UI, carried in the binary
pub mod program; // the observer as a program of its own

pub use observer::Observer;
