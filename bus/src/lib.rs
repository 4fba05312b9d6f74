//! Quadrille: an event-driven choreography bus over Kafka topics, with no conductor.

pub mod event;

pub use event::Event;
