//! The kit for tests of whole flows: outside parties in memory, a hall of services, a
//! witness who reads topics, and the suites that every store, and the bus on every broker, must pass.

pub mod carrier;
pub mod cluster;
pub mod engine;
pub mod gateway;
pub mod hall;
pub mod post;
pub mod prefixed;
pub mod store;
pub mod topics;
pub mod watched;
pub mod witness;

/// Events without a meaning, for tests of the bus itself.
pub mod events {
    quadrille::include_events!();
}
