//! rdkafka at work, with no bus: the yardstick.
//!
//! The only code outside the bus's Kafka adapter that may name the crate. It is written as somebody
//! would write it who knows the library well: idempotent producer, lz4, a consumer that is told not to
//! rest between fetches, and never `flush`, which costs a multiple of 100 ms.

pub(crate) mod clients; // how producers and consumers are set up
pub(crate) mod records; // events as records, with the headers that ours have, or with none
pub(crate) mod publish; // FutureProducer, ThreadedProducer
pub(crate) mod consume; // a loop over BaseConsumer
pub(crate) mod answer; // a loop that produces one record for each
pub(crate) mod state; // a loop that commits each event alone to SQLite
pub(crate) mod keyed; // a loop with a lane per key
pub(crate) mod latency; // one event at a time, there and back
mod low_water; // the offset below which all is done
pub(crate) mod check; // what the cluster has at the end
