//! Quadrille: an event-driven choreography bus over Kafka topics, with no conductor.

pub mod broker;
pub mod config;
pub mod event;
pub mod health;
pub mod program;
pub mod status;
pub mod stop;
pub mod world;

pub use event::Event;
