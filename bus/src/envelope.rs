//! The envelope: what every event carries beside its payload, as Kafka record headers.
//!
//! The form is CloudEvents 1.0 in the Kafka protocol binding's binary mode, with the Correlation
//! extension and W3C Trace Context, so that any CloudEvents SDK reads our records. [`read`] takes
//! back what we wrote and what others write. Nothing here looks into a payload.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

pub mod read;

use crate::broker::{Headers, Outgoing, TopicName};
use crate::event::Schema;
use crate::id::{Caused, EventId, FlowId, Source};

/// Header names, in one place.
pub(crate) mod header {
    use std::sync::{Arc, LazyLock, OnceLock};

    use crate::broker::headers::Names;

    pub(crate) const SPEC_VERSION: &str = "ce_specversion";
    pub(crate) const ID: &str = "ce_id";
    pub(crate) const TYPE: &str = "ce_type";
    pub(crate) const SOURCE: &str = "ce_source";
    pub(crate) const SUBJECT: &str = "ce_subject";
    pub(crate) const TIME: &str = "ce_time";
    pub(crate) const DATA_SCHEMA: &str = "ce_dataschema";
    pub(crate) const CORRELATION_ID: &str = "ce_correlationid";
    pub(crate) const CAUSATION_ID: &str = "ce_causationid";
    pub(crate) const PARTITION_KEY: &str = "ce_partitionkey";
    pub(crate) const HOPS: &str = "ce_hops";
    pub(crate) const CONTENT_TYPE: &str = "content-type";
    pub(crate) const TRACE_PARENT: &str = "traceparent";
    pub(crate) const TRACE_STATE: &str = "tracestate";
    pub(crate) const BAGGAGE: &str = "baggage";
    /// On a parked copy: the trace in which its event was published.
    pub(crate) const ORIGINAL_TRACE_PARENT: &str = "x-orig-traceparent";
    /// On a parked copy: the flow, which a record that nobody can read does not say itself.
    pub(crate) const PARKED_FLOW: &str = "quadrille-parked-flow";

    /// All of them, in the order in which they stand on a record.
    pub(super) const ALL: [&str; 15] = [
        SPEC_VERSION,
        ID,
        TYPE,
        SOURCE,
        SUBJECT,
        TIME,
        DATA_SCHEMA,
        CONTENT_TYPE,
        CORRELATION_ID,
        CAUSATION_ID,
        PARTITION_KEY,
        HOPS,
        TRACE_PARENT,
        TRACE_STATE,
        BAGGAGE,
    ];

    /// Those that stand on a record, as all records share them that have the same.
    pub(super) fn names(values: &[Option<&str>; ALL.len()]) -> Names {
        static SHARED: LazyLock<[Arc<str>; ALL.len()]> = LazyLock::new(|| ALL.map(Arc::from));
        static BY_PRESENCE: [OnceLock<Names>; 1 << OPTIONAL.len()] =
            [const { OnceLock::new() }; 1 << OPTIONAL.len()];
        let present = |nth: usize| values[nth].is_some();
        let bits = OPTIONAL.iter().enumerate();
        let index = bits.fold(0, |index, (bit, nth)| {
            index | usize::from(present(*nth)) << bit
        });
        let names = BY_PRESENCE[index].get_or_init(|| {
            let names = SHARED.iter().enumerate();
            let names = names.filter(|(nth, _)| present(*nth));
            Names::new(names.map(|(_, name)| Arc::clone(name)).collect())
        });
        names.clone()
    }

    /// Where in [`ALL`] those stand that a record may lack: subject, causation id, and the trace's.
    const OPTIONAL: [usize; 5] = [4, 9, 12, 13, 14];
}

/// Content type of a payload in protobuf.
pub const PROTOBUF: &str = "application/protobuf";

/// What an event carries beside its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Id of the event, unique together with the source.
    pub id: EventId,
    /// Who published it.
    pub source: Source,
    /// Full protobuf name of its type.
    pub kind: Arc<str>,
    /// The event's key, for people and for other clients.
    pub subject: Option<Arc<str>>,
    /// When it came to be.
    pub time: Timestamp,
    /// The flow that it belongs to.
    pub flow: FlowId,
    /// The event that caused it. `None`: it was born outside a reaction.
    pub cause: Option<EventId>,
    /// Number of reactions between the first event of the flow and this one.
    pub hops: u32,
    /// Where it stands in a distributed trace.
    pub trace: Trace,
}

/// W3C Trace Context and Baggage, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// `traceparent`.
    pub parent: Option<Arc<str>>,
    /// `tracestate`.
    pub state: Option<Arc<str>>,
    /// `baggage`.
    pub baggage: Option<Arc<str>>,
}

impl Trace {
    /// Adds it to headers that have none.
    pub(crate) fn put(self, headers: &mut Headers) {
        let parts = [
            (header::TRACE_PARENT, self.parent),
            (header::TRACE_STATE, self.state),
            (header::BAGGAGE, self.baggage),
        ];
        let parts = parts.into_iter();
        headers.extend(parts.filter_map(|(name, value)| Some((name, value?.to_string()))));
    }
}

impl Envelope {
    /// The record for an event of this envelope.
    pub fn record(&self, schema: &Schema, key: &str, payload: Bytes) -> Outgoing {
        Outgoing {
            topic: TopicName::checked(schema.topic.name),
            partition: None,
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            value: Some(payload),
            headers: self.headers(key),
            timestamp_ms: Some(self.time.as_millisecond()),
        }
    }

    /// What ids of what follows from it in `service` are derived from.
    pub(crate) fn caused<'a>(&'a self, service: &'a str) -> Caused<'a> {
        Caused {
            source: &self.source,
            id: &self.id,
            service,
        }
    }

    fn headers(&self, key: &str) -> Headers {
        let (time, hops) = (self.time.to_string(), self.hops.to_string());
        let data_schema = format!("proto:{}", self.kind);
        let values: [Option<&str>; header::ALL.len()] = [
            Some("1.0"),
            Some(self.id.as_str()),
            Some(&self.kind),
            Some(self.source.as_str()),
            self.subject.as_deref(),
            Some(&time),
            Some(&data_schema),
            Some(PROTOBUF),
            Some(self.flow.as_str()),
            self.cause.as_ref().map(EventId::as_str),
            Some(key),
            Some(&hops),
            self.trace.parent.as_deref(),
            self.trace.state.as_deref(),
            self.trace.baggage.as_deref(),
        ];
        let present: Vec<&[u8]> = values
            .iter()
            .flatten()
            .map(|value| value.as_bytes())
            .collect();
        Headers::of(header::names(&values), &present)
    }
}
