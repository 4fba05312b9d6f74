//! Quadrille: an event-driven choreography bus over Kafka topics, with no conductor.

pub mod broker;
pub mod event;
pub mod world;

pub use event::Event;
// Generated code finds them here, so that a crate of schemas needs no other dependency.
pub use prost;
pub use prost_types;
