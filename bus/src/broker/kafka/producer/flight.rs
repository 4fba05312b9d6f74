//! How much is in flight: handed over and not yet acknowledged.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::super::super::{Error, ErrorKind, Outgoing, Position, TopicName};
use super::super::config::Config;
use super::lanes::Lanes;

/// What a record costs beside its bytes, roughly.
const RECORD_BYTES: usize = 256;

/// The room for records in flight.
#[derive(Debug)]
pub(super) struct Flight {
    records: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    bytes_max: u32,
}

/// A record's place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    _record: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Flight {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            records: Arc::new(Semaphore::new(config.in_flight_records_max as usize)),
            bytes: Arc::new(Semaphore::new(config.in_flight_bytes_max as usize)),
            bytes_max: config.in_flight_bytes_max,
        }
    }

    /// A place for a record. Waits while there is none.
    pub(super) async fn seat(&self, record: &Outgoing) -> Seat {
        // One that is larger than the whole room takes all of it; librdkafka refuses it then.
        let bytes = u32::try_from(record.size() + RECORD_BYTES).unwrap_or(u32::MAX);
        let bytes = bytes.min(self.bytes_max);
        let open = "the semaphore is never closed";
        let seats = Arc::clone(&self.records);
        let _record = seats.acquire_owned().await.expect(open);
        let seats = Arc::clone(&self.bytes);
        let _bytes = seats.acquire_many_owned(bytes).await.expect(open);
        Seat { _record, _bytes }
    }
}

/// A record in flight: who waits for it, and what depends on it.
#[derive(Debug)]
pub(in super::super) struct Pending {
    pub(super) done: oneshot::Sender<Result<Position, Error>>,
    pub(super) topic: TopicName,
    /// The partition that it should land in.
    pub(super) expected: i32,
    /// It is the first of its lane, which waits to hear of it.
    pub(super) opens: Option<oneshot::Sender<bool>>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) seat: Seat,
}

impl Pending {
    /// Says what became of it.
    pub(super) fn end(self, result: Result<Position, Error>) {
        let partition = result.as_ref().ok().map(|position| position.partition);
        let has_moved = match &result {
            // The topic has been given more partitions.
            Ok(position) => position.partition != self.expected,
            Err(error) => error.kind() == ErrorKind::UnknownTopic,
        };
        if has_moved {
            self.lanes.forget(&self.topic);
        }
        if let Some(opens) = self.opens {
            // Nobody need be waiting in the lane.
            let _ = opens.send(partition == Some(self.expected));
        }
        drop(self.seat);
        // Nobody has to wait for a delivery.
        let _ = self.done.send(result);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::FutureExt as _;

    use super::*;
    use crate::broker::Headers;

    fn record(bytes: usize) -> Outgoing {
        Outgoing {
            topic: TopicName::parse("t").unwrap(),
            partition: None,
            key: None,
            value: Some(Bytes::from(vec![0; bytes])),
            headers: Headers::new(),
            timestamp_ms: None,
        }
    }

    #[test]
    fn records_and_bytes_in_flight_are_limited() {
        // Shows both limits, that a seat is free again when its record ends, and that a record
        // larger than the whole room is not waited for for ever.
        let flight = Flight::new(&Config {
            in_flight_records_max: 2,
            in_flight_bytes_max: 2_000,
            ..Config::default()
        });
        let first = flight.seat(&record(100)).now_or_never().unwrap();
        let second = flight.seat(&record(100)).now_or_never().unwrap();
        assert!(flight.seat(&record(1)).now_or_never().is_none());
        drop(first);
        assert!(flight.seat(&record(1_900)).now_or_never().is_none());
        drop(second);
        let whole = flight.seat(&record(1_000_000)).now_or_never().unwrap();
        assert!(flight.seat(&record(1)).now_or_never().is_none());
        drop(whole);
        assert!(flight.seat(&record(1)).now_or_never().is_some());
    }
}
