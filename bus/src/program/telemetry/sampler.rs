//! Which spans are kept: those of the bus as it has decided by their flow, others as their parent.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use crate::observe::{given_ids, rule};

/// Keeps whole flows.
///
/// A span of the bus is only made where `rule::is_kept` says so for its flow, or where something went
/// wrong: it is kept. A span of a reaction's author has the place of its attempt as parent, and is
/// kept as that is. A trace that begins elsewhere is kept as often as flows are.
#[derive(Debug, Clone)]
pub(super) struct ByFlow {
    pub(super) ratio: f64,
}

impl ShouldSample for ByFlow {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span().span_context().clone());
        let parent = parent.filter(opentelemetry::trace::SpanContext::is_valid);
        let is_kept = given_ids().is_some()
            || match &parent {
                Some(parent) => parent.is_sampled(),
                None => rule::is_kept(&trace.to_string(), self.ratio),
            };
        SamplingResult {
            decision: match is_kept {
                true => SamplingDecision::RecordAndSample,
                false => SamplingDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: parent
                .map_or_else(Default::default, |parent| parent.trace_state().clone()),
        }
    }
}
