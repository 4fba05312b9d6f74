//! The kit for tests of whole flows: a seeded world, a gateway in memory, the store suite.

pub mod gateway;
pub mod hall;
pub mod seeded;
pub mod store;
pub mod witness;
