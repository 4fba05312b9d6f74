//! The two spans of the bus: `send TOPIC` and `process TOPIC`.
//!
//! A span is made when what it tells of is over, with the times that the world's clock had, so that
//! none is ever held open across a wait. There is one `send` for each event that the broker has
//! taken, and one `process` for each attempt of a reaction. All have the flow's id
//! (`messaging.message.conversation_id`), and every `process` links to the span that published its event.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use sha2::{Digest as _, Sha256};

use super::{Keys, Options, Spot, rule, semconv, spot, state};
use crate::broker::{Outgoing, Position, TopicName};
use crate::consume::delivery::Delivery;
use crate::envelope::header;
use crate::settle::receipt::Attempt;
use crate::world::World;

/// What makes spans for one service.
pub(super) struct Spans {
    pub(super) tracer: BoxedTracer,
    /// What stands on each of them.
    pub(super) common: Vec<KeyValue>,
    pub(super) group: std::sync::Arc<str>,
    pub(super) attempts_max: u32,
}

/// An attempt that has begun: where its span will stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    /// Its place.
    pub(crate) spot: Spot,
    /// Whether it is a child of the span that published the event.
    is_child: bool,
    /// The attempt before it.
    previous: Option<Spot>,
}

/// What became of an attempt, for its span.
pub(super) struct Ended<'a> {
    pub(super) outcome: &'static str,
    pub(super) error: Option<&'a str>,
}

/// A record that the broker has.
pub(super) struct Sent<'a> {
    pub(super) record: &'a Outgoing,
    pub(super) position: &'a Position,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
}

struct Parts<'a> {
    spot: Spot,
    parent: Option<SpanContext>,
    verb: &'static str,
    topic: &'a TopicName,
    kind: SpanKind,
    times: (Timestamp, Timestamp),
    attributes: Vec<KeyValue>,
    links: Vec<Link>,
    has_failed: bool,
}

impl Spans {
    /// Decides where an attempt's span stands.
    pub(super) fn begin(
        &self,
        options: &Options,
        world: &dyn World,
        delivery: &Delivery,
        attempt: (u32, Timestamp),
        previous: Option<Spot>,
    ) -> Begun {
        let envelope = &delivery.envelope;
        let creation = creation(delivery);
        let (number, at) = attempt;
        let age_ms = at.as_millisecond() - delivery.record.timestamp_ms;
        let facts = rule::Facts {
            age: Duration::from_millis(u64::try_from(age_ms).unwrap_or(0)),
            hops: envelope.hops,
        };
        // The publisher may want it stricter than we do.
        let mode = options
            .mode
            .max(state::wished(envelope.trace.state.as_deref()));
        let is_child = creation.is_some() && mode.is_child(facts, options.join_window);
        let trace = creation.filter(|_| is_child).map(|spot| spot.trace);
        let is_kept = rule::is_kept(envelope.flow.as_str(), options.sample_ratio)
            || rule::is_always_kept(number, false);
        Begun {
            spot: Spot::draw(world, trace, is_kept),
            is_child,
            previous,
        }
    }

    /// `process TOPIC`
    pub(super) fn process(
        &self,
        options: &Options,
        delivery: &Delivery,
        attempt: &Attempt,
        ended: &Ended<'_>,
    ) {
        let Some(begun) = attempt.span else { return };
        let has_failed = ended.error.is_some();
        if !begun.spot.sampled && !rule::is_always_kept(attempt.number, has_failed) {
            return;
        }
        let (record, envelope) = (&delivery.record, &delivery.envelope);
        let mut attributes = Vec::with_capacity(24);
        let to = &mut attributes;
        to.push(KeyValue::new(semconv::OPERATION_NAME, "process"));
        to.push(KeyValue::new(semconv::OPERATION_TYPE, "process"));
        to.push(KeyValue::new(semconv::GROUP, self.group.clone()));
        to.push(KeyValue::new(
            semconv::MESSAGE_ID,
            envelope.id.as_str().to_owned(),
        ));
        to.push(KeyValue::new(
            semconv::CONVERSATION_ID,
            envelope.flow.as_str().to_owned(),
        ));
        to.push(KeyValue::new(
            semconv::EVENT_ID,
            envelope.id.as_str().to_owned(),
        ));
        to.push(KeyValue::new(
            semconv::EVENT_SOURCE,
            envelope.source.as_str().to_owned(),
        ));
        to.push(KeyValue::new(semconv::EVENT_SPEC_VERSION, "1.0"));
        to.push(KeyValue::new(semconv::EVENT_TYPE, envelope.kind.clone()));
        if let Some(reaction) = delivery.reaction {
            to.push(KeyValue::new(semconv::REACTION, reaction));
        }
        if let Some(cause) = &envelope.cause {
            to.push(KeyValue::new(
                semconv::CAUSATION_ID,
                cause.as_str().to_owned(),
            ));
        }
        let number = i64::from(attempt.number);
        to.push(KeyValue::new(semconv::ATTEMPT, number));
        to.push(KeyValue::new(
            semconv::ATTEMPTS_MAX,
            i64::from(self.attempts_max),
        ));
        to.push(KeyValue::new(semconv::OUTCOME, ended.outcome));
        if let Some(code) = ended.error {
            to.push(KeyValue::new(semconv::ERROR_TYPE, code.to_owned()));
        }
        place(
            options,
            to,
            &record.partition.topic,
            record.partition.partition,
            record.offset,
        );
        key(options, to, record.key.as_deref());
        let state = state::of_others(envelope.trace.state.as_deref());
        let creation = creation(delivery).map(|spot| spot.context(state.as_deref(), true));
        let mut links = Vec::with_capacity(2);
        links.extend(creation.clone().map(|to| link(to, "publish")));
        // A sibling needs none: both stand below the same span.
        let earlier = begun.previous.filter(|_| !begun.is_child);
        links.extend(earlier.map(|spot| link(spot.context(None, false), "retry")));
        let ended_at = attempt
            .started_at
            .checked_add(attempt.duration)
            .unwrap_or(attempt.started_at);
        self.make(Parts {
            spot: begun.spot,
            parent: creation.filter(|_| begun.is_child),
            verb: "process",
            topic: &record.partition.topic,
            kind: SpanKind::Consumer,
            times: (attempt.started_at, ended_at),
            attributes,
            links,
            has_failed,
        });
    }

    /// `send TOPIC`, under the ids that stand on the record.
    pub(super) fn send(&self, options: &Options, sent: &Sent<'_>) {
        let header = |name| text(sent.record, name);
        let spot = header(header::TRACE_PARENT).and_then(Spot::parse);
        let Some(spot) = spot.filter(|spot| spot.sampled) else {
            return;
        };
        let state = header(header::TRACE_STATE);
        let parent = state::within(state).map(|span| {
            let others = state::of_others(state);
            Spot { span, ..spot }.context(others.as_deref(), false)
        });
        self.send_as(options, sent, spot, parent);
    }

    /// `send TOPIC`, of a record whose trace is somebody else's: theirs is the parent.
    pub(super) fn send_given(&self, options: &Options, world: &dyn World, sent: &Sent<'_>) {
        let header = |name| text(sent.record, name);
        let flow = header(header::CORRELATION_ID).unwrap_or_default();
        if !rule::is_kept(flow, options.sample_ratio) {
            return;
        }
        let given = header(header::TRACE_PARENT).and_then(Spot::parse);
        let spot = Spot::draw(world, given.map(|spot| spot.trace), true);
        let parent = given.map(|spot| spot.context(header(header::TRACE_STATE), true));
        self.send_as(options, sent, spot, parent);
    }

    fn send_as(&self, options: &Options, sent: &Sent<'_>, spot: Spot, parent: Option<SpanContext>) {
        let mut attributes = Vec::with_capacity(20);
        let to = &mut attributes;
        to.push(KeyValue::new(semconv::OPERATION_NAME, "send"));
        to.push(KeyValue::new(semconv::OPERATION_TYPE, "send"));
        // What cannot be read as an event has no such header, and says in another which flow it is of.
        let copies = [
            (semconv::MESSAGE_ID, header::ID),
            (semconv::EVENT_ID, header::ID),
            (semconv::EVENT_SOURCE, header::SOURCE),
            (semconv::EVENT_SPEC_VERSION, header::SPEC_VERSION),
            (semconv::EVENT_TYPE, header::TYPE),
            (semconv::CAUSATION_ID, header::CAUSATION_ID),
        ];
        for (name, header) in copies {
            if let Some(value) = text(sent.record, header) {
                to.push(KeyValue::new(name, value.to_owned()));
            }
        }
        let flow = [header::PARKED_FLOW, header::CORRELATION_ID];
        let flow = flow.iter().find_map(|name| text(sent.record, name));
        to.push(KeyValue::new(
            semconv::CONVERSATION_ID,
            flow.unwrap_or_default().to_owned(),
        ));
        let position = sent.position;
        let topic = &sent.record.topic;
        place(options, to, topic, position.partition, position.offset);
        key(options, to, sent.record.key.as_deref());
        self.make(Parts {
            spot,
            parent,
            verb: "send",
            topic,
            kind: SpanKind::Producer,
            times: (sent.started, sent.ended),
            attributes,
            links: Vec::new(),
            has_failed: false,
        });
    }

    fn make(&self, parts: Parts<'_>) {
        let mut attributes = parts.attributes;
        attributes.extend_from_slice(&self.common);
        let (start, end) = parts.times;
        let builder = SpanBuilder::from_name(format!("{} {}", parts.verb, parts.topic))
            .with_kind(parts.kind)
            .with_start_time(SystemTime::from(start))
            .with_attributes(attributes)
            .with_links(parts.links);
        let context = match parts.parent {
            Some(parent) => Context::new().with_remote_span_context(parent),
            None => Context::new(),
        };
        let make = || self.tracer.build_with_context(builder, &context);
        let mut span = spot::with_ids(parts.spot, make);
        if parts.has_failed {
            // An error's text may hold what is nobody's business: its code says enough.
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(SystemTime::from(end.max(start)));
    }
}

/// The span that published an event.
fn creation(delivery: &Delivery) -> Option<Spot> {
    Spot::parse(delivery.envelope.trace.parent.as_deref()?)
}

fn link(to: SpanContext, kind: &'static str) -> Link {
    Link::new(to, vec![KeyValue::new(semconv::LINK_KIND, kind)], 0)
}

/// Where a record stands.
fn place(
    options: &Options,
    to: &mut Vec<KeyValue>,
    topic: &TopicName,
    partition: i32,
    offset: i64,
) {
    to.push(KeyValue::new(semconv::DESTINATION, topic.to_string()));
    to.push(KeyValue::new(semconv::PARTITION, partition.to_string()));
    options.semconv.put(to, semconv::OFFSET, offset);
}

fn key(options: &Options, to: &mut Vec<KeyValue>, key: Option<&[u8]>) {
    let Some(key) = key else { return };
    let shown = match options.keys {
        Keys::Off => return,
        Keys::Hash => {
            let half = &Sha256::digest(key)[..16];
            half.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        Keys::Plain => match std::str::from_utf8(key) {
            Ok(text) => text.to_owned(),
            Err(_) => return,
        },
    };
    options.semconv.put(to, semconv::MESSAGE_KEY, shown);
}

fn text<'a>(record: &'a Outgoing, header: &str) -> Option<&'a str> {
    let value = std::str::from_utf8(record.headers.get(header)?).ok()?;
    (!value.is_empty()).then_some(value)
}
