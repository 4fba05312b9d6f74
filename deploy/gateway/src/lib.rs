//! A payment gateway: it charges cards, gives money back, and keeps a durable ledger of it.
//!
//! It plays the outside party of the order flow and so knows nothing of the bus. No money moves: which
//! card is declined is written in the README. What it shares with other outside parties, from HTTP to
//! the ledger's file, is in `quadrille-outside`; here is what it decides.

mod answer;
mod books;
mod card;
mod entry;
mod money;
mod read;

pub use books::Books;

/// The options of the gateway.
pub type Config = quadrille_outside::Config<Books>;
