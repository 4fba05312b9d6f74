//! Child or link, kept or dropped: what is decided about a span, from plain facts.
//!
//! A flow may take days, and no tool draws a trace of days; nor does anybody see a flow whose every
//! step is a trace of its own. So a reaction that follows at once stands in the trace of its event, and
//! one that comes late begins a trace, with a link back (`docs/adr/0014-spans.md`). Whether spans are
//! kept is decided by the flow, so that all traces of one are kept or none.

use std::time::Duration;

/// When a reaction's span is a child of the span that published its event. It links to it always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Always: a flow is one trace, however long it takes.
    Parent,
    /// When it follows soon, and not too deep.
    Auto,
    /// Never: each reaction begins a trace.
    Link,
}

/// Hops at which a trace ends in mode `auto`.
const HOPS_MAX: u32 = 32;

/// What is known of an event when an attempt at it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// Time since it was published.
    pub(super) age: Duration,
    /// Reactions between the first event of the flow and this one.
    pub(super) hops: u32,
}

impl Mode {
    /// Whether the attempt's span is a child of the span that published the event.
    pub(super) fn is_child(self, facts: Facts, join_window: Duration) -> bool {
        match self {
            Self::Parent => true,
            Self::Auto => facts.age <= join_window && facts.hops < HOPS_MAX,
            Self::Link => false,
        }
    }
}

/// Whether a flow's spans are kept, where this share of all flows is. Every service comes to the same
/// answer.
pub fn is_kept(flow: &str, ratio: f64) -> bool {
    if ratio >= 1.0 {
        return true;
    }
    // FNV-1a, with the last step of MurmurHash3 behind it, since FNV leaves the upper bits of short
    // texts alike.
    let mut hash = flow.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^= hash >> 33;
    // The upper 53 bits as a fraction in [0, 1).
    ((hash >> 11) as f64) / ((1_u64 << 53) as f64) < ratio
}

/// Whether an attempt's span is kept, whatever its flow's are: what went wrong is always wanted.
pub(super) fn is_always_kept(attempt: u32, has_failed: bool) -> bool {
    attempt > 1 || has_failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_joins_what_follows_soon_and_not_too_deep() {
        let window = Duration::from_secs(30);
        let cases = [
            (0, 0, true),
            (30_000, 31, true),
            (30_001, 0, false),
            (0, 32, false),
        ];
        for (age_ms, hops, auto) in cases {
            let age = Duration::from_millis(age_ms);
            let facts = Facts { age, hops };
            assert_eq!(Mode::Auto.is_child(facts, window), auto, "{facts:?}");
            assert!(Mode::Parent.is_child(facts, window));
            assert!(!Mode::Link.is_child(facts, window));
        }
    }

    #[test]
    fn a_share_of_all_flows_is_kept_and_always_the_same() {
        // Shows both ends, and that ids which differ little are spread evenly.
        let kept = |ratio| (0..10_000).filter(move |n| is_kept(&format!("flow-{n}"), ratio));
        assert_eq!(kept(0.0).count(), 0);
        assert_eq!(kept(1.0).count(), 10_000);
        let tenth = kept(0.1).count();
        assert!((900..1_100).contains(&tenth), "{tenth}");
        // Who is kept at a tenth is kept at a half.
        assert!(kept(0.1).all(|n| is_kept(&format!("flow-{n}"), 0.5)));
    }
}
