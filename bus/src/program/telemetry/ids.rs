//! Ids of spans: those that the bus has promised, or else random ones.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::observe::given_ids;

/// Gives a span of the bus the ids that stand on its record already.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        given_ids().map_or_else(|| self.0.new_trace_id(), |(trace, _)| trace)
    }

    fn new_span_id(&self) -> SpanId {
        given_ids().map_or_else(|| self.0.new_span_id(), |(_, span)| span)
    }
}
