//! Events as records: with the headers that ours have, or with none.
//!
//! The headers have the names and sizes of ours, and their ids are as hard to compress. So brokers
//! and wire have the same to do, and what is left is what the bus itself costs.

use std::fmt::Write as _;

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use crate::work::{Measured, mix};

/// A record's parts, made anew for each event in the same memory.
pub(crate) struct Parts {
    pub(crate) key: String,
    pub(crate) payload: Vec<u8>,
    id: String,
    flow: String,
    plain: bool,
}

impl Parts {
    /// Plain ones have no headers.
    pub(crate) fn new(plain: bool) -> Self {
        Self {
            key: String::new(),
            payload: Vec::new(),
            id: String::new(),
            flow: String::new(),
            plain,
        }
    }

    /// The parts of this event.
    pub(crate) fn of<E: Measured>(&mut self, event: &E) {
        let number = event.facts().number;
        self.key.clear();
        self.key.push_str(&event.key());
        self.payload.clear();
        // A vector grows as needed.
        let _ = event.encode(&mut self.payload);
        write_id(&mut self.id, mix(number), mix(!number));
        write_id(&mut self.flow, mix(number << 1), mix(!number << 1));
    }

    /// The headers, if any.
    pub(crate) fn headers<E: Measured>(&self) -> Option<OwnedHeaders> {
        (!self.plain).then(|| {
            headers(&[
                ("ce_specversion", "1.0"),
                ("ce_id", &self.id),
                ("ce_type", E::SCHEMA.name),
                ("ce_source", "/quadrille/bench"),
                ("ce_subject", &self.key),
                ("ce_time", "2026-01-31T12:00:00.123456789Z"),
                ("ce_dataschema", "proto:bench.v1.Published"),
                ("content-type", "application/protobuf"),
                ("ce_correlationid", &self.flow),
                ("ce_partitionkey", &self.key),
                ("ce_hops", "0"),
            ])
        })
    }

    /// The record, on this topic.
    pub(crate) fn record<'a, E: Measured>(&'a self, topic: &'a str) -> BaseRecord<'a, str, [u8]> {
        let record = BaseRecord::to(topic).key(self.key.as_str());
        let record = record.payload(self.payload.as_slice());
        match self.headers::<E>() {
            Some(headers) => record.headers(headers),
            None => record,
        }
    }
}

/// Headers with these names and values.
pub(crate) fn headers(all: &[(&str, &str)]) -> OwnedHeaders {
    let owned = OwnedHeaders::new_with_capacity(all.len());
    all.iter().fold(owned, |owned, (key, value)| {
        owned.insert(Header {
            key,
            value: Some(*value),
        })
    })
}

/// Something that looks like a UUID.
pub(crate) fn write_id(into: &mut String, high: u64, low: u64) {
    into.clear();
    // A string grows as needed.
    let _ = write!(
        into,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
}
