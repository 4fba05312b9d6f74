//! Reads deadlines: what must follow an event in time, and what is said when it has not.

use super::events::{Declared, Known};
use super::links;
use super::place::Place;
use super::report::Report;
use super::time;
use crate::facts::Deadline;
use crate::options::EventOptions;

/// The deadline, where there is a right one.
pub(super) fn read(options: &EventOptions) -> Option<Deadline> {
    let deadline = options.deadline.as_ref()?;
    Some(Deadline {
        after: time::parse(&deadline.after)?,
        unless_any: deadline.unless_any.clone(),
        emits: deadline.emits.clone(),
    })
}

/// Checks the deadline of an event.
pub(super) fn check(event: &Declared, known: &Known<'_>, report: &mut Report<'_>) {
    let Some(deadline) = &event.options.deadline else {
        return;
    };
    let place = |part: &[i32]| Place::event_option(&event.message, &[&[4], part].concat());
    if time::parse(&deadline.after).is_none() {
        let what = format!("its deadline's after \"{}\" is no time", deadline.after);
        report.add(place(&[1]), what, format!("write it as {}", time::FORM));
    }
    if deadline.unless_any.is_empty() {
        let mend = "add unless_any with the full names of the events that meet it";
        report.add(
            place(&[2]),
            "its deadline names no event that meets it",
            mend,
        );
    }
    for (nth, name) in (0..).zip(&deadline.unless_any) {
        links::target("unless_any", name, place(&[2, nth]), known, report);
    }
    if deadline.emits.is_empty() {
        let mend = "add emits with the full name of the event that says the time has passed";
        report.add(place(&[]), "its deadline emits nothing", mend);
    } else if let Some(other) = links::target("emits", &deadline.emits, place(&[3]), known, report)
    {
        links::check_same_space("emits", event, other, place(&[3]), report);
    }
}
