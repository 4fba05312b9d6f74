//! One record of a topic, as what it means to whoever watches: an event, a receipt, a contract, or a
//! sign of life.
//!
//! Payloads stay as they came until somebody looks at one; then they are shown as JSON, with the
//! fields that are marked sensitive masked.

use jiff::{SignedDuration, Timestamp};
use quadrille::Event as _;
use quadrille::broker::Incoming;
use quadrille::descriptors;
use quadrille::envelope::Envelope;
use quadrille::envelope::read::{self, Payload, Unreadable};
use quadrille::event::Schema;
use quadrille::id::{EventId, FlowId, Source};
use quadrille::wire::{self, ContractPublished, EmittedEvent, Outcome, PresenceAnnounced};

use crate::types;

/// What a record means.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Something happened.
    Event(Event),
    /// What became of an event at a service.
    Receipt(Receipt),
    /// What a service reacts to.
    Contract(Promised),
    /// That an instance is alive, and what holds it up.
    Presence(PresenceAnnounced),
}

/// A contract as it stands on its topic.
#[derive(Debug, Clone)]
pub struct Promised {
    /// The contract.
    pub contract: ContractPublished,
    /// When it was published.
    pub at: Timestamp,
    /// Where it stands on its topic, which has one partition.
    pub offset: i64,
}

impl Promised {
    /// Whether it was published before another one of its service that stands there. A topic that was
    /// made anew counts from 0 again, later.
    pub fn is_before(&self, at: Timestamp, offset: i64) -> bool {
        self.offset < offset && self.at <= at
    }
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct At {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

impl At {
    /// A place that is none.
    pub(crate) fn nowhere() -> Self {
        Self {
            topic: String::new(),
            partition: -1,
            offset: -1,
        }
    }
}

/// An event as it stands on its topic.
#[derive(Debug, Clone)]
pub struct Event {
    /// What it carries beside its payload.
    pub envelope: Envelope,
    /// The record's key, where it has one that is text.
    pub key: Option<String>,
    /// Where it stands.
    pub at: At,
    /// Its payload. `None`: it was left on its topic.
    pub payload: Option<Payload>,
}

/// What became of one attempt of one reaction.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The receipt's own id: a repetition has the same.
    pub id: EventId,
    /// Flow of the event.
    pub flow: FlowId,
    /// Id of the event.
    pub event: EventId,
    /// Source of the event.
    pub source: Source,
    /// Type of the event.
    pub kind: String,
    /// Where the event stands.
    pub at: At,
    /// The service.
    pub service: String,
    /// Its instance.
    pub instance: String,
    /// Version of its code.
    pub code_version: String,
    /// Name of the reaction.
    pub reaction: String,
    /// Number of the attempt.
    pub attempt: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed, as a short code.
    pub error_code: String,
    /// What it emitted.
    pub emitted: Vec<EmittedEvent>,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
}

/// Reads a record. `cluster` is the cluster's id, which stands in for what a foreign record leaves
/// out.
pub fn seen(record: &Incoming, cluster: &str) -> Result<Seen, Unreadable> {
    let place = read::Place {
        cluster,
        single_type: types::single(record.partition.topic.as_str()),
    };
    let read = read::read(record, place)?;
    let at = At {
        topic: record.partition.topic.to_string(),
        partition: record.partition.partition,
        offset: record.offset,
    };
    if at.topic == wire::Receipt::SCHEMA.topic.name {
        let id = read.envelope.id.clone();
        return Ok(Seen::Receipt(receipt(id, decode(read.payload)?)));
    }
    if at.topic == ContractPublished::SCHEMA.topic.name {
        return Ok(Seen::Contract(Promised {
            at: read.envelope.time,
            offset: record.offset,
            contract: decode(read.payload)?,
        }));
    }
    if at.topic == PresenceAnnounced::SCHEMA.topic.name {
        return Ok(Seen::Presence(decode(read.payload)?));
    }
    let key = record.key.as_deref();
    let key = key.and_then(|key| std::str::from_utf8(key).ok());
    Ok(Seen::Event(Event {
        envelope: read.envelope,
        key: key.map(str::to_owned),
        at,
        payload: Some(read.payload),
    }))
}

fn decode<M: prost::Message + Default>(payload: Payload) -> Result<M, Unreadable> {
    let broken = |why: String| Unreadable::Broken(why);
    match payload {
        Payload::Protobuf(bytes) => {
            M::decode(bytes).map_err(|error| broken(format!("not the bus's own event: {error}")))
        }
        Payload::Json(_) => Err(broken("the bus's own events are not JSON".to_owned())),
    }
}

fn receipt(id: EventId, wire: wire::Receipt) -> Receipt {
    let outcome = wire.outcome();
    let duration = wire.duration.unwrap_or_default();
    let duration = SignedDuration::new(duration.seconds, duration.nanos);
    Receipt {
        id,
        flow: FlowId::new(wire.flow_id),
        event: EventId::new(wire.event_id),
        source: Source::new(wire.event_source),
        kind: wire.event_type,
        at: At {
            topic: wire.topic,
            partition: wire.partition,
            offset: wire.offset,
        },
        service: wire.service,
        instance: wire.instance,
        code_version: wire.code_version,
        reaction: wire.reaction,
        attempt: wire.attempt,
        outcome,
        error_code: wire.error_code,
        emitted: wire.emitted,
        started_at: wire.started_at.and_then(timestamp).unwrap_or_default(),
        duration_ms: ms(duration),
        next_attempt_at: wire.next_attempt_at.and_then(timestamp),
    }
}

/// Milliseconds for people, to the microsecond.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of less than a century fit into 53 bits"
)]
pub fn ms(duration: SignedDuration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

fn timestamp(time: prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

impl Event {
    /// The schema of its type, where the type is known here.
    pub fn schema(&self) -> Option<&'static Schema> {
        types::find(&self.envelope.kind)
    }

    /// Its payload as JSON with sensitive fields masked, or why it cannot be shown.
    pub fn data(&self) -> Result<serde_json::Value, String> {
        let kind = &self.envelope.kind;
        let schema = self
            .schema()
            .ok_or_else(|| format!("the type {kind} is not known here"))?;
        match &self.payload {
            Some(Payload::Protobuf(bytes)) => descriptors::to_json(schema, bytes),
            // Through the schema and back: only the schema knows what is to be masked.
            Some(Payload::Json(json)) => {
                descriptors::to_json(schema, &descriptors::from_json(schema, json)?)
            }
            None => Err("it stands on its topic, and was not read from there".to_owned()),
        }
    }

    /// The distributed trace that it stands in.
    pub fn trace_id(&self) -> Option<&str> {
        let parent = self.envelope.trace.parent.as_deref()?;
        parent.split('-').nth(1)
    }
}
