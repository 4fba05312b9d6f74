//! A payment gateway: it charges cards, gives money back, and keeps a durable ledger of it.
//!
//! It plays the outside party of the order flow and so knows nothing of the bus. What it promises
//! is what a real gateway promises: the same key gives the same answer and is booked once, however
//! often it is asked, and what was answered survives a crash. It can be told to be slow, to be down,
//! or to lose answers. No money moves: which card is declined is written in the README.
//!
//! A request goes through these modules in this order: `http` reads it, `behaviour` may spoil it,
//! `writer` queues it, `books` decides it, `ledger` makes the decision durable.

mod answer;
mod behaviour;
mod books;
mod card;
mod clock;
mod config;
mod entry;
mod error;
mod http;
mod ledger;
mod money;
mod observe;
mod serve;
mod writer;

pub use behaviour::{Behaviour, Rate};
pub use config::Config;
pub use error::Error;
pub use serve::{run, serve};
