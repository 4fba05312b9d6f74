//! Quadrille: an event-driven choreography bus over Kafka topics, with no conductor.
//!
//! The path of an event is *publish → topic → consume → react → settle*; the modules below stand in
//! that order. `docs/path-of-an-event.md` walks it, file by file.

// Generated code names this crate from outside.
extern crate self as quadrille;

// The words that everything else uses.
pub mod event; // what an event is: a message type with a topic, a key and a meaning
pub mod id; // ids of events, flows and effects, and how they are derived
pub mod envelope; // what every event carries beside its payload

// The path of an event.
pub mod publish; // an event becomes a record on its topic
pub mod topic; // topics are created with what their schema declares, or checked
mod consume; // a group member's partitions, lanes, and the offsets that may be committed
pub mod react; // an event comes in, a decision goes out
#[cfg(feature = "port")]
pub mod port; // a call to the outside, over HTTP
pub mod settle; // what becomes of an event after a reaction has had it
pub mod state; // what a service remembers, and the transaction in which a decision happens

// What a service tells the world.
pub mod contract; // what it reacts to, originates and may emit
pub mod presence; // that it is alive, and what holds it up
pub mod wire; // the bus's own events: receipts, contracts, presence
pub mod descriptors; // payloads without their Rust types: protobuf to JSON and back

// A service and what it stands on.
pub mod service; // a name, its state, its reactions, its doors
pub mod bus; // what all services of a process share
pub mod broker; // the edge to Kafka, and to the in-memory broker in its place
pub mod world; // the one seam to clock, randomness and executor
pub mod config; // options: file, environment, flags
pub mod program; // what a service's main needs around the bus
pub mod health; // whether it is alive and ready, on a port of its own
pub mod status; // whether a service is ready, and what it waits for
pub mod stop; // a request to stop
pub mod kit; // a service on the bench: for tests of what its reactions decide
pub mod observe; // every span, metric and log line, defined once

pub use bus::Bus;
pub use event::Event;
pub use quadrille_derive::Emits;
pub use react::{Cx, Either, Emits, Failure, NewFlow, Reacted, Remedy};
pub use service::Service;
pub use service::door::Door;
pub use state::{Record, State};

// For generated code, so that a crate of events needs no other dependency.
pub use prost;
pub use prost_types;
