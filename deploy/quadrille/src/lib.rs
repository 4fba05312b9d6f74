//! The command `quadrille`: starts a whole system in one process, feeds events into one, and shows
//! what became of a flow.
//!
//! Everything is here in a library, so that tests start the same thing in process; `main.rs` only
//! hands over arguments and an exit code. Nothing here takes part in a flow: what is shown is read
//! from topics and receipts, and may be down without stopping anybody.

// What is shown. What is known of flows is the observer's.
pub mod draw; // a flow, for a terminal
pub mod tail; // events, as they come

// What goes in and out.
pub mod accept; // an event from outside
pub mod api; // what `up` serves over HTTP
pub mod client; // a running `up`, asked over HTTP

// Everything in one process.
pub mod up; // broker, services, gateway, demo load, and what is served over HTTP
pub mod demo; // orders that keep coming
pub mod connect; // the concrete broker and gateway

pub mod commands; // what can be asked on the command line
pub mod paint; // colours, only where somebody can see them

pub use commands::main;
