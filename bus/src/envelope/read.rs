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

use std::borrow::Cow;
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
    let content_type = match text(record, header::CONTENT_TYPE)? {
        // What nearly all records have needs no closer look.
        None | Some(super::PROTOBUF) => return binary(record, place, false),
        Some(other) => other.to_ascii_lowercase(),
    };
    match media_type(&content_type) {
        "application/cloudevents+json" => structured::read(record, place),
        other if other.starts_with("application/cloudevents") => Err(Unreadable::Broken(format!(
            "content type `{other}` is not read: send one event a record, in binary mode or as application/cloudevents+json"
        ))),
        media => binary(record, place, is_json(media)),
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

fn binary(record: &Incoming, place: Place<'_>, is_json: bool) -> Result<Read, Unreadable> {
    let bytes = record.value.clone().ok_or(Unreadable::Tombstone)?;
    let [
        _spec_version,
        id,
        kind,
        source,
        subject,
        time,
        _data_schema,
        _content_type,
        flow,
        cause,
        _partition_key,
        hops,
        parent,
        state,
        baggage,
    ] = texts(record)?;
    let shared = |text: Option<&str>| text.map(Arc::from);
    let attributes = Attributes {
        id: shared(id),
        source: shared(source),
        kind: shared(kind),
        subject: shared(subject),
        time: time.map(Cow::Borrowed),
        flow: shared(flow),
        cause: shared(cause),
        hops: hops.map(Cow::Borrowed),
        trace: Trace {
            parent: shared(parent),
            state: shared(state),
            baggage: shared(baggage),
        },
    };
    let envelope = attributes.complete(record, place)?;
    let payload = if is_json {
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
struct Attributes<'a> {
    id: Option<Arc<str>>,
    source: Option<Arc<str>>,
    kind: Option<Arc<str>>,
    subject: Option<Arc<str>>,
    time: Option<Cow<'a, str>>,
    flow: Option<Arc<str>>,
    cause: Option<Arc<str>>,
    hops: Option<Cow<'a, str>>,
    trace: Trace,
}

impl Attributes<'_> {
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
    let value = record.headers.get(name);
    value.map_or(Ok(None), |value| as_text(name, value))
}

/// All headers that we know as text, in the order of [`header::ALL`]. The last of a name counts, as
/// Kafka clients have it.
fn texts(record: &Incoming) -> Result<[Option<&str>; header::ALL.len()], Unreadable> {
    let mut texts = [None; header::ALL.len()];
    // Ours stand in this order, so that each is mostly found at once.
    let mut next = 0;
    for (name, value) in record.headers.iter() {
        let known = header::ALL.iter().enumerate().cycle().skip(next);
        let mut known = known.take(header::ALL.len());
        if let Some((nth, name)) = known.find(|(_, known)| **known == name) {
            texts[nth] = as_text(name, value)?;
            next = nth + 1;
        }
    }
    Ok(texts)
}

fn as_text<'a>(name: &str, value: &'a [u8]) -> Result<Option<&'a str>, Unreadable> {
    let text = std::str::from_utf8(value)
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
