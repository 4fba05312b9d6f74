//! A carrier: it takes parcels, brings them back where that is asked, and keeps a durable ledger of it.
//!
//! It plays an outside party of the order flow and so knows nothing of the bus. No parcel moves: which
//! order it cannot deliver is written in the README. What it shares with other outside parties, from
//! HTTP to the ledger's file, is in `quadrille-outside`; here is what it decides.

mod books;
mod entry;
mod read;

pub use books::Books;

/// The options of the carrier.
pub type Config = quadrille_outside::Config<Books>;
