//! Says what the protobuf compiler found wrong, with the place in the file and, where it is known,
//! the mend.

use miette::{Diagnostic, LabeledSpan};

use super::Folders;
use super::mend::mend;
use crate::error::Problem;
use crate::text;

/// Labels that mark the culprit, where an error has several.
const CULPRITS: [&str; 3] = ["found", "again", "used"];

/// All that one error tells. `opened` is the file that was being read.
pub(super) fn problems(error: &protox::Error, opened: &str, folders: &Folders) -> Vec<Problem> {
    let file = error.file().unwrap_or(opened);
    let source = folders.text(file);
    let related = error.related().into_iter().flatten();
    let all = std::iter::once(error as &dyn Diagnostic).chain(related);
    all.map(|diagnostic| problem(diagnostic, file, source.as_deref(), folders))
        .collect()
}

fn problem(
    diagnostic: &dyn Diagnostic,
    file: &str,
    source: Option<&str>,
    folders: &Folders,
) -> Problem {
    let span = culprit(diagnostic).map(|label| (label.offset(), label.len()));
    let inner = diagnostic.diagnostic_source();
    let what = match inner {
        // The outer message only says that an option's value is wrong, the inner one why.
        Some(inner) => format!("{}: {inner}", option_name(&diagnostic.to_string())),
        None => first_clause(&diagnostic.to_string()),
    };
    let offset = source.zip(span).map(|(source, (start, length))| {
        let option = source.get(start..start + length).unwrap_or_default();
        let word = inner.and_then(|inner| quoted(&inner.to_string()));
        start
            + word
                .and_then(|word| text::find_word(option, &word))
                .unwrap_or_default()
    });
    Problem {
        file: folders.shown(file),
        position: source
            .zip(offset)
            .map(|(source, offset)| text::position(source, offset)),
        subject: None,
        mend: mend(&what).or_else(|| diagnostic.help().map(|help| help.to_string())),
        what,
    }
}

fn culprit(diagnostic: &dyn Diagnostic) -> Option<LabeledSpan> {
    let labels: Vec<LabeledSpan> = diagnostic.labels()?.collect();
    let is_culprit = |label: &&LabeledSpan| {
        let said = label.label().unwrap_or_default();
        CULPRITS.iter().any(|word| said.contains(word))
    };
    labels.iter().find(is_culprit).or(labels.last()).cloned()
}

/// The option that a message about its value names, without the words around it.
fn option_name(message: &str) -> String {
    match message.rsplit_once(" for option ") {
        Some((_, option)) => format!("option {}", option.trim_matches('\'')),
        None => message.to_owned(),
    }
}

/// Drops how a name was looked up: what matters is that it is not there.
fn first_clause(message: &str) -> String {
    match message.split_once(" resolves to ") {
        Some((name, rest)) if rest.ends_with(", which is not defined") => {
            format!("name {name} is not defined")
        }
        _ => message.to_owned(),
    }
}

/// The first quoted word of a message.
pub(super) fn quoted(message: &str) -> Option<String> {
    message.split('\'').nth(1).map(str::to_owned)
}
