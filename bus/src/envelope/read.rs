//! Reads the envelope of a record, ours or anybody's.
//!
//! The rules for what is missing are the same for every reader, so that all agree:
//! - no correlation id: the flow is derived from source and id;
//! - no id: `cluster/topic/partition/offset`; no source: `kafka:cluster/topic`;
//! - no type: the single type that the topic is declared to carry, or else the record is skipped;
//! - no time: the record's timestamp.
//!
//! CloudEvents in structured mode (JSON) are read as well as in binary mode. Batched mode is
//! refused: one record is one event here.

use std::str::FromStr as _;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{Envelope, Trace, header};
use crate::broker::Incoming;
use crate::id::{EventId, FlowId, Source};

mod structured;

/// A record's envelope and payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The envelope.
    pub envelope: Envelope,
    /// The payload, not yet decoded.
    pub payload: Payload,
}

/// A payload, not yet decoded.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// Protobuf bytes.
    Protobuf(Bytes),
    /// JSON in protobuf's canonical mapping.
    Json(serde_json::Value),
}

/// What a reader knows about where the record stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Id of the cluster.
    pub cluster: &'a str,
    /// The one type that the topic is declared to carry, where it carries just one.
    pub single_type: Option<&'a str>,
}

/// Why a record carries no event for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It has no value: a tombstone.
    Tombstone,
    /// It names no type, and its topic may carry several.
    NoType,
    /// It is broken, as this says.
    Broken(String),
}

/// Reads a record.
pub fn read(record: &Incoming, place: Place<'_>) -> Result<Read, Unreadable> {
    let content_type = text(record, header::CONTENT_TYPE)?.map(str::to_ascii_lowercase);
    match content_type.as_deref().map(media_type) {
        Some("application/cloudevents+json") => structured::read(record, place),
        Some(other) if other.starts_with("application/cloudevents") => {
            Err(Unreadable::Broken(format!(
                "content type `{other}` is not read: send one event a record, in binary mode or as application/cloudevents+json"
            )))
        }
        media => binary(record, place, media),
    }
}

/// An envelope for a record that cannot be read: what every reader would call it.
pub(crate) fn fallback(record: &Incoming, place: Place<'_>) -> Envelope {
    let nothing = Attributes {
        kind: Some("unreadable".into()),
        ..Attributes::default()
    };
    nothing
        .complete(record, place)
        .expect("nothing is broken where nothing is said")
}

fn binary(record: &Incoming, place: Place<'_>, media: Option<&str>) -> Result<Read, Unreadable> {
    let bytes = record.value.clone().ok_or(Unreadable::Tombstone)?;
    let attributes = Attributes {
        id: text(record, header::ID)?.map(Into::into),
        source: text(record, header::SOURCE)?.map(Into::into),
        kind: text(record, header::TYPE)?.map(Into::into),
        subject: text(record, header::SUBJECT)?.map(Into::into),
        time: text(record, header::TIME)?.map(Into::into),
        flow: text(record, header::CORRELATION_ID)?.map(Into::into),
        cause: text(record, header::CAUSATION_ID)?.map(Into::into),
        hops: text(record, header::HOPS)?.map(Into::into),
        trace: Trace {
            parent: text(record, header::TRACE_PARENT)?.map(Into::into),
            state: text(record, header::TRACE_STATE)?.map(Into::into),
            baggage: text(record, header::BAGGAGE)?.map(Into::into),
        },
    };
    let envelope = attributes.complete(record, place)?;
    let payload = if media.is_some_and(is_json) {
        let json = serde_json::from_slice(&bytes)
            .map_err(|error| Unreadable::Broken(format!("payload is not JSON: {error}")))?;
        Payload::Json(json)
    } else {
        Payload::Protobuf(bytes)
    };
    Ok(Read { envelope, payload })
}

/// What a record says of itself, in whatever mode.
#[derive(Default)]
struct Attributes {
    id: Option<Arc<str>>,
    source: Option<Arc<str>>,
    kind: Option<Arc<str>>,
    subject: Option<Arc<str>>,
    time: Option<Arc<str>>,
    flow: Option<Arc<str>>,
    cause: Option<Arc<str>>,
    hops: Option<Arc<str>>,
    trace: Trace,
}

impl Attributes {
    fn complete(self, record: &Incoming, place: Place<'_>) -> Result<Envelope, Unreadable> {
        let kind = self
            .kind
            .or_else(|| place.single_type.map(Into::into))
            .ok_or(Unreadable::NoType)?;
        let at = &record.partition;
        let id = self.id.map_or_else(
            || {
                let offset = record.offset;
                EventId::new(format!(
                    "{}/{}/{}/{offset}",
                    place.cluster, at.topic, at.partition
                ))
            },
            EventId::new,
        );
        let source = self.source.map_or_else(
            || Source::new(format!("kafka:{}/{}", place.cluster, at.topic)),
            Source::new,
        );
        let time = match self.time {
            Some(time) => Timestamp::from_str(&time).map_err(|error| {
                Unreadable::Broken(format!("time `{time}` is not RFC 3339: {error}"))
            })?,
            // A broker's timestamp is at most a few centuries off; clamp rather than refuse.
            None => {
                Timestamp::from_millisecond(record.timestamp_ms).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        };
        let hops = match self.hops {
            Some(hops) => hops
                .parse()
                .map_err(|_| Unreadable::Broken(format!("hop count `{hops}` is not a number")))?,
            None => 0,
        };
        let flow = self
            .flow
            .map_or_else(|| FlowId::of_event(&source, &id), FlowId::new);
        let cause = self.cause.map(EventId::new);
        let subject = self.subject;
        Ok(Envelope {
            id,
            source,
            kind,
            subject,
            time,
            flow,
            cause,
            hops,
            trace: self.trace,
        })
    }
}

/// A header as text. An empty one counts as missing, as CloudEvents has it.
fn text<'a>(record: &'a Incoming, name: &str) -> Result<Option<&'a str>, Unreadable> {
    let Some(bytes) = record.headers.get(name) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Unreadable::Broken(format!("header `{name}` is not UTF-8")))?;
    Ok((!text.is_empty()).then_some(text))
}

fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_json(media: &str) -> bool {
    media == "application/json" || media.ends_with("+json")
}

#[cfg(test)]
mod tests;
