//! What outside parties are made of: programs to test against, which know nothing of the bus.
//!
//! Each is asked over HTTP, decides once and for ever under each key, and keeps a durable ledger of it.
//! It promises what real ones promise: the same key gives the same answer and is booked once, however
//! often it is asked, and what was answered survives a crash. It can be told to be slow, to be down, or
//! to lose answers. What it decides is in its [`Books`]; all else is here.
//!
//! A request goes through these modules in this order: `http` reads it, `behaviour` may spoil it,
//! `writer` queues it, the books decide it, `ledger` makes the decision durable.

mod behaviour;
mod books;
mod clock;
mod config;
mod error;
mod http;
mod ledger;
mod observe;
mod program;
pub mod read;
mod serve;
#[cfg(test)]
mod specimen;
mod writer;

pub use behaviour::{Behaviour, Rate};
pub use books::{Books, Decision, Entry, Impossible, Read, Refusal, Refused};
pub use config::Config;
pub use error::Error;
pub use program::program;
pub use serve::{run, serve};
