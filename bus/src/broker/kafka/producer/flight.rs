//! How much is in flight: handed over and not yet acknowledged.
//!
//! Room that becomes free is not given back record by record, but a share at a time. Otherwise,
//! where the room is full, each acknowledgement wakes the sender for one record, that record goes out
//! in a batch of its own, and the small batches stay small.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::super::super::{Error, ErrorKind, Outgoing, Position, TopicName};
use super::super::config::Config;
use super::gather::Gather;
use super::lanes::Lanes;

/// What a record costs beside its bytes, roughly.
const RECORD_BYTES: usize = 256;

/// Nobody closes the room.
const OPEN: &str = "the semaphores are never closed";

/// Room is given back by this share of the whole.
const SHARES: u32 = 8;

/// The room for records in flight.
#[derive(Debug)]
pub(super) struct Flight(Arc<Room>);

#[derive(Debug)]
struct Room {
    records: Semaphore,
    bytes: Semaphore,
    records_max: u32,
    bytes_max: u32,
    /// Seats that are taken.
    taken: AtomicUsize,
    /// What is free again, and not yet given back.
    kept_records: AtomicU32,
    kept_bytes: AtomicU32,
}

/// A record's place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    room: Arc<Room>,
    bytes: u32,
}

impl Flight {
    pub(super) fn new(config: &Config) -> Self {
        Self(Arc::new(Room {
            records: Semaphore::new(config.in_flight_records_max as usize),
            bytes: Semaphore::new(config.in_flight_bytes_max as usize),
            records_max: config.in_flight_records_max,
            bytes_max: config.in_flight_bytes_max,
            taken: AtomicUsize::new(0),
            kept_records: AtomicU32::new(0),
            kept_bytes: AtomicU32::new(0),
        }))
    }

    /// A place for a record. Waits while there is none.
    pub(super) async fn seat(&self, record: &Outgoing) -> Seat {
        let room = &self.0;
        let bytes = room.bytes_of(record);
        let of_records = room.records.acquire().await.expect(OPEN);
        let of_bytes = room.bytes.acquire_many(bytes).await.expect(OPEN);
        room.seat(of_records, of_bytes, bytes)
    }

    /// A place for a record, if there is one.
    pub(super) fn seat_at_once(&self, record: &Outgoing) -> Option<Seat> {
        let room = &self.0;
        let bytes = room.bytes_of(record);
        let of_records = room.records.try_acquire().ok()?;
        let of_bytes = room.bytes.try_acquire_many(bytes).ok()?;
        Some(room.seat(of_records, of_bytes, bytes))
    }
}

impl Room {
    fn bytes_of(&self, record: &Outgoing) -> u32 {
        // One that is larger than the whole room takes all of it; librdkafka refuses it then.
        let bytes = u32::try_from(record.size() + RECORD_BYTES).unwrap_or(u32::MAX);
        bytes.min(self.bytes_max)
    }

    fn seat(
        self: &Arc<Self>,
        of_records: SemaphorePermit<'_>,
        of_bytes: SemaphorePermit<'_>,
        bytes: u32,
    ) -> Seat {
        // The seat gives them back.
        of_records.forget();
        of_bytes.forget();
        self.taken.fetch_add(1, Ordering::AcqRel);
        let room = Arc::clone(self);
        Seat { room, bytes }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let room = &*self.room;
        let records = room.kept_records.fetch_add(1, Ordering::AcqRel) + 1;
        let bytes = room.kept_bytes.fetch_add(self.bytes, Ordering::AcqRel) + self.bytes;
        // Kept before it counts as not taken: so the last one to go gives back all of it, and nobody
        // waits for room that nobody will give back.
        let is_last = room.taken.fetch_sub(1, Ordering::AcqRel) == 1;
        let is_enough = records > room.records_max / SHARES || bytes > room.bytes_max / SHARES;
        if is_last || is_enough {
            let records = room.kept_records.swap(0, Ordering::AcqRel);
            let bytes = room.kept_bytes.swap(0, Ordering::AcqRel);
            room.bytes.add_permits(bytes as usize);
            room.records.add_permits(records as usize);
        }
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
    /// Where others wait for the answer to it, once it is under way.
    pub(super) gather: Option<Arc<Gather<Ready>>>,
    pub(super) seat: Seat,
}

/// A record that may be handed over.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) record: Outgoing,
    /// The partition to ask for.
    pub(super) asked: Option<i32>,
    pub(super) pending: Box<Pending>,
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

    #[test]
    fn room_is_given_back_by_the_share_and_never_kept_for_good() {
        // Shows that a sender is not woken for each record, and that the last one gives back all.
        let flight = Flight::new(&Config {
            in_flight_records_max: 16,
            ..Config::default()
        });
        let seat = || flight.seat(&record(1)).now_or_never();
        let mut seats: Vec<_> = (0..16).map(|_| seat().unwrap()).collect();
        assert!(seat().is_none());
        seats.truncate(14);
        assert!(seat().is_none(), "two are less than a share");
        seats.truncate(13);
        seats.extend((0..3).map(|_| seat().unwrap()));
        assert!(seat().is_none());
        seats.truncate(15);
        drop(seats);
        assert_eq!(flight.0.records.available_permits(), 16);
        let bytes = flight.0.bytes.available_permits();
        assert_eq!(bytes, flight.0.bytes_max as usize);
    }
}
