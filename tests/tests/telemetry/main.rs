//! What the bus tells of itself: an OTLP receiver in this process gets it, as a collector would.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, which fails where something is missing; the lint knows only functions marked as one"
)]

mod evening; // the order flow, observed
mod faults; // attempts that fail, copies that are parked, instances that die
mod metrics; // what Prometheus reads
mod modes; // who stands in whose trace, and under which names
mod receiver; // OTLP over gRPC and over HTTP
mod secret; // what must be in none of it
mod seeded; // the same under the same seed
mod tls; // to whom is trusted
