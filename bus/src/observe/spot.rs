//! Where a span stands: its trace, its own id, and whether it is kept, in the form of W3C Trace
//! Context.
//!
//! A span's place is drawn before the span is made. The record of an event names the span that sends
//! it, and is packed, and with a store written to disk, long before anything is sent. The span itself is
//! made when the broker has answered, under the ids that were promised: OpenTelemetry's SDK asks an
//! id generator for them, on the thread that makes the span, and there finds them ([`given_ids`]).

use std::cell::Cell;
use std::fmt;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::world::World;

/// A span's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    /// Whether it is kept.
    pub(crate) sampled: bool,
}

impl Spot {
    /// A new place in a trace, or in a new one.
    pub(super) fn draw(world: &dyn World, within: Option<TraceId>, sampled: bool) -> Self {
        let trace = within.unwrap_or_else(|| {
            let halves = [world.random(), world.random()].map(u64::to_be_bytes);
            TraceId::from_bytes(
                *halves
                    .concat()
                    .first_chunk()
                    .expect("two halves are 16 bytes"),
            )
        });
        // All zeros would be no id at all.
        let span = SpanId::from_bytes(world.random().max(1).to_be_bytes());
        Self {
            trace,
            span,
            sampled,
        }
    }

    /// Reads a `traceparent`. `None`: it is none.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let (span, flags) = (parts.next()?, parts.next()?);
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_whole =
            is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
        // Later versions may add parts, this one has four; ff is no version.
        let is_known = version != "ff" && (version != "00" || parts.next().is_none());
        if !is_whole || !is_known {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        let spot = Self {
            trace: TraceId::from_hex(trace).ok()?,
            span: SpanId::from_hex(span).ok()?,
            sampled: flags & 1 == 1,
        };
        (spot.trace != TraceId::INVALID && spot.span != SpanId::INVALID).then_some(spot)
    }

    /// As OpenTelemetry's API has it.
    pub(super) fn context(self, state: Option<&str>, is_remote: bool) -> SpanContext {
        let flags = TraceFlags::default().with_sampled(self.sampled);
        let state = state.and_then(|state| state.parse::<TraceState>().ok());
        SpanContext::new(
            self.trace,
            self.span,
            flags,
            is_remote,
            state.unwrap_or_default(),
        )
    }

    /// From OpenTelemetry's API. `None`: it is no span.
    pub(super) fn of(context: &SpanContext) -> Option<Self> {
        context.is_valid().then(|| Self {
            trace: context.trace_id(),
            span: context.span_id(),
            sampled: context.is_sampled(),
        })
    }
}

/// As `traceparent`.
impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{}-{}-{flags:02x}", self.trace, self.span)
    }
}

thread_local! {
    static GIVEN: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// The ids that the span must have which the bus is making on this thread. `None`: it makes none,
/// and ids are the generator's to draw.
pub fn given_ids() -> Option<(TraceId, SpanId)> {
    GIVEN.get()
}

/// Gives ids to the span that `make` makes.
pub(super) fn with_ids<T>(spot: Spot, make: impl FnOnce() -> T) -> T {
    GIVEN.set(Some((spot.trace, spot.span)));
    let made = make();
    GIVEN.set(None);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_and_written_back() {
        let spot = Spot::parse(HEADER).unwrap();
        assert!(spot.sampled);
        assert_eq!(spot.to_string(), HEADER);
        let dropped = HEADER.replace("-01", "-00");
        assert!(!Spot::parse(&dropped).unwrap().sampled);
        // A later version may say more.
        assert_eq!(Spot::parse(&format!("01{}-more", &HEADER[2..])), Some(spot));
    }

    #[test]
    fn what_is_no_traceparent_is_nothing() {
        let zeros = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        for wrong in [
            "",
            "00",
            &HEADER[..54],
            &format!("{HEADER}-more"),
            &HEADER.to_uppercase(),
            &format!("ff{}", &HEADER[2..]),
            &zeros,
        ] {
            assert_eq!(Spot::parse(wrong), None, "{wrong}");
        }
    }
}
