//! Measures Quadrille beside bare rdkafka, on a real Kafka, in one run.
//!
//! A *case* is a piece of work, a *contender* one way to do it. Each contender runs in a process of
//! its own, so that processor time and memory are its own; the driver takes them in turn, several
//! times, and starts with another one each time. Each checks its own work and fails rather than
//! give a number for half of it. Numbers of one run may be compared with each other, and with
//! nothing else. What is measured and how far to trust it: `docs/benchmarks.md`.

mod case; // what is measured, and what we want to see
mod work; // the events, and whether all of them came, in order
mod usage; // processor time and memory
mod measure; // what one contender found
mod fault; // why a contender has no number

mod contend; // one contender, in this process
mod ours; // the bus at work
mod bare; // rdkafka at work, with no bus: the yardstick

mod drive; // all contenders in turn, each in a process of its own
mod kafka; // a Kafka of the run's own
mod progress; // what people see meanwhile
mod statistics; // median, minimum, maximum
mod report; // what all of it came to, as JSON
mod table; // the same for people

/// Events of the benchmark.
pub mod events {
    quadrille::include_events!();
}

pub use case::{Case, Contender};
pub use contend::{Order, contend};
pub use drive::{Arguments, orders, prepare, run};
pub use fault::Fault;
pub use measure::{Latency, Measure};
