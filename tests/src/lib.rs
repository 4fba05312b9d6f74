//! The kit for tests of whole flows: a seeded world, a gateway in memory, a witness who reads topics.

pub mod gateway;
pub mod seeded;
