//! Our member of a record's `tracestate`: what a `traceparent` has no room for.
//!
//! `quadrille=WITHIN` names the span in which the event was decided, the parent of the one that sends it:
//! with that, whoever publishes a record can make its span, a sweep after a crash included. `;link` behind
//! it says that the publisher wants whoever reacts to begin a trace. It goes one hop: each publisher
//! writes its own. Members of others are handed on as they came.

use std::sync::Arc;

use opentelemetry::trace::SpanId;

use super::Mode;

const PREFIX: &str = "quadrille=";
const LINK: &str = ";link";

/// A `tracestate` with our member in front, as its writer should stand.
pub(super) fn stamped(state: Option<&str>, mode: Mode, within: Option<SpanId>) -> Option<Arc<str>> {
    let wish = match mode {
        Mode::Link => LINK,
        Mode::Auto | Mode::Parent => "",
    };
    let within = within.map_or_else(String::new, |span| span.to_string());
    let own = format!("{PREFIX}{within}{wish}");
    let own = (own != PREFIX).then_some(own);
    let all: Vec<_> = own.as_deref().into_iter().chain(members(state)).collect();
    (!all.is_empty()).then(|| all.join(",").into())
}

/// What others have written.
pub(super) fn of_others(state: Option<&str>) -> Option<String> {
    let others: Vec<_> = members(state).collect();
    (!others.is_empty()).then(|| others.join(","))
}

/// The span in which a record's event was decided. `None`: it was in none.
pub(super) fn within(state: Option<&str>) -> Option<SpanId> {
    let own = own(state)?;
    let span = SpanId::from_hex(own.strip_suffix(LINK).unwrap_or(own)).ok()?;
    (span != SpanId::INVALID).then_some(span)
}

/// What the publisher wants of whoever reacts, whose own mode may be stricter.
pub(super) fn wished(state: Option<&str>) -> Mode {
    match own(state).is_some_and(|own| own.ends_with(LINK)) {
        true => Mode::Link,
        false => Mode::Parent,
    }
}

fn own(state: Option<&str>) -> Option<&str> {
    let mut members = state?.split(',');
    members.find_map(|member| member.trim().strip_prefix(PREFIX))
}

fn members(state: Option<&str>) -> impl Iterator<Item = &str> {
    let members = state.into_iter().flat_map(|state| state.split(','));
    let members = members.map(str::trim);
    members.filter(|member| !member.is_empty() && !member.starts_with(PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_publisher_writes_its_own_member_and_keeps_the_others() {
        let span = SpanId::from_hex("b7ad6b7169203331").unwrap();
        let stamp = |state: Option<&str>, mode, within| stamped(state, mode, within);
        let first = stamp(Some("a=1, b=2"), Mode::Link, Some(span));
        assert_eq!(
            first.as_deref(),
            Some("quadrille=b7ad6b7169203331;link,a=1,b=2")
        );
        assert_eq!(within(first.as_deref()), Some(span));
        assert_eq!(wished(first.as_deref()), Mode::Link);
        assert_eq!(of_others(first.as_deref()).as_deref(), Some("a=1,b=2"));
        // The wish goes one hop.
        let second = stamp(first.as_deref(), Mode::Auto, Some(span));
        assert_eq!(
            second.as_deref(),
            Some("quadrille=b7ad6b7169203331,a=1,b=2")
        );
        assert_eq!(wished(second.as_deref()), Mode::Parent);
        // Where there is nothing to say, nothing is said.
        assert_eq!(
            stamp(first.as_deref(), Mode::Auto, None).as_deref(),
            Some("a=1,b=2")
        );
        assert_eq!(stamp(None, Mode::Auto, None), None);
        let root = stamp(None, Mode::Link, None);
        assert_eq!(
            (within(root.as_deref()), wished(root.as_deref())),
            (None, Mode::Link)
        );
    }

    #[test]
    fn what_is_no_member_of_ours_says_nothing() {
        for state in [
            None,
            Some(""),
            Some("a=quadrille=link"),
            Some("quadrille=x,a"),
        ] {
            assert_eq!(
                (within(state), wished(state)),
                (None, Mode::Parent),
                "{state:?}"
            );
        }
        assert!(
            Mode::Parent < Mode::Auto && Mode::Auto < Mode::Link,
            "stricter is greater"
        );
    }
}
