//! Checks the events that an event's options name.

use super::events::{Declared, Known};
use super::keys;
use super::place::Place;
use super::report::Report;
use crate::nearest::nearest;

/// The event that an option names, or a problem.
pub(super) fn target<'a>(
    option: &str,
    name: &str,
    place: Place,
    known: &'a Known<'_>,
    report: &mut Report<'_>,
) -> Option<&'a Declared> {
    match known.events.get(name) {
        Some(event) if event.reads().is_some() => {
            let reads = event.reads().unwrap_or_default();
            let what = format!("{option} names {name}, which only reads {reads}");
            report.add(place, what, format!("name \"{reads}\""));
            None
        }
        Some(event) => Some(event),
        None if known.pool.get_message_by_name(name).is_some() => {
            let what = format!("{option} names {name}, which is no event");
            let mend = "give that message an option (quadrille.v1.event), or name another one";
            report.add(place, what, mend);
            None
        }
        None => {
            let what = format!("{option} names {name}, which does not exist");
            let owned = known
                .events
                .values()
                .filter(|event| event.reads().is_none());
            let names = owned.map(|event| event.message.full_name());
            let mend = match nearest(name, names) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => {
                    "write the full name of an event, such as \"orders.v1.OrderPlaced\"".to_owned()
                }
            };
            report.add(place, what, mend);
            None
        }
    }
}

/// Checks that both events are about the same thing: keys of different spaces never match.
pub(super) fn check_same_space(
    option: &str,
    event: &Declared,
    other: &Declared,
    place: Place,
    report: &mut Report<'_>,
) {
    let (Some(key), Some(other_key)) = (keys::of(&event.message), keys::of(&other.message)) else {
        return; // That one of them has no key is said elsewhere.
    };
    if key.space != other_key.space {
        let what = format!(
            "{option} names {}, whose key is of \"{}\", not of \"{}\"",
            other.message.full_name(),
            other_key.space,
            key.space
        );
        report.add(
            place,
            what,
            "key both events by the same thing, or name another event",
        );
    }
}

/// Checks the event that undoes this one's effect.
pub(super) fn check_compensator(event: &Declared, known: &Known<'_>, report: &mut Report<'_>) {
    let name = &event.options.compensated_by;
    if name.is_empty() {
        return;
    }
    let option = "compensated_by";
    let place = || Place::event_option(&event.message, &[3]);
    if name == event.message.full_name() {
        let mend = "name the event that undoes its effect";
        report.add(place(), "compensated_by names the event itself", mend);
    } else if let Some(other) = target(option, name, place(), known, report) {
        check_same_space(option, event, other, place(), report);
    }
}
