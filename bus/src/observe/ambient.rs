//! The trace that somebody is in who asks for something: at a door, or when publishing.
//!
//! It comes from OpenTelemetry's own context, which follows a task. An HTTP interface of ours puts
//! there what the request says ([`Trace`]); a service that makes spans of its own has put it there
//! already. A reaction runs in the context of its attempt, so that spans of its author's are children
//! of it.

use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::TraceContextExt as _;

use super::Spot;
use crate::envelope::Trace;

/// What cannot be had from a span's context, as it came.
struct Handed {
    baggage: Option<std::sync::Arc<str>>,
}

/// The trace that the caller is in. Empty: none.
pub(crate) fn of_caller() -> Trace {
    Context::map_current(|context| {
        let span = context.span();
        let Some(spot) = Spot::of(span.span_context()) else {
            return Trace::default();
        };
        let state = span.span_context().trace_state().header();
        let handed = context.get::<Handed>();
        Trace {
            parent: Some(spot.to_string().into()),
            state: (!state.is_empty()).then(|| state.into()),
            baggage: handed.and_then(|handed| handed.baggage.clone()),
        }
    })
}

/// A context within this trace. `None`: it names none.
pub(crate) fn within(trace: &Trace) -> Option<Context> {
    let spot = Spot::parse(trace.parent.as_deref()?)?;
    Some(at(spot, trace))
}

/// Runs a task's work in a context.
pub(crate) fn run_in<F: Future>(context: Context, work: F) -> impl Future<Output = F::Output> {
    work.with_context(context)
}

/// A context within a span, which hands on what this trace says beside.
pub(super) fn at(spot: Spot, trace: &Trace) -> Context {
    let baggage = trace.baggage.clone();
    let context = Context::new().with_value(Handed { baggage });
    context.with_remote_span_context(spot.context(trace.state.as_deref(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_in_the_trace_that_was_entered() {
        // Shows that all three parts come out as they went in, and that outside there is none.
        let trace = Trace {
            parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00".into()),
            state: Some("a=1,b=2".into()),
            baggage: Some("who=me".into()),
        };
        assert_eq!(of_caller(), Trace::default());
        {
            let _entered = within(&trace).unwrap().attach();
            assert_eq!(of_caller(), trace);
        }
        assert_eq!(of_caller(), Trace::default());
        assert!(within(&Trace::default()).is_none());
    }
}
