//! Checks what the schemas say, and makes facts of it.
//!
//! Every problem is found in one run. Problems of files that are only imported are left to the
//! crate that generates them.

mod deadline;
mod events;
mod keys;
mod links;
mod packages;
mod place;
mod reads;
mod report;
mod sensitive;
mod time;
mod topics;
mod types;

use crate::error::Problem;
use crate::facts::Facts;
use crate::sources::Sources;
use report::Report;

/// The facts, or everything that is wrong.
pub(crate) fn facts(
    sources: &Sources,
    externs: &[(String, String)],
) -> Result<Facts, Vec<Problem>> {
    let mut report = Report::new(sources);
    packages::check(sources, &mut report);
    types::check(sources, externs, &mut report);
    types::check_enums(sources, &mut report);
    let mut topics = topics::declared(sources, &mut report);
    let declared = events::declared(sources, &mut report);
    topics::add_events(&mut topics, &declared);
    keys::check_plain_messages(sources, &mut report);
    let events = events::read(sources, &declared, &topics, &mut report);
    report.finish(Facts { events })
}
