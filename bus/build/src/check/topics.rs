//! Reads the topics that files declare.

use std::collections::BTreeMap;

use super::events::Declared;
use super::place::Place;
use super::report::Report;
use super::time;
use crate::facts::{Retention, Topic};
use crate::options::{FileOptions, TopicOptions};
use crate::sources::Sources;

const PARTITIONS_DEFAULT: u32 = 6;
const PARTITIONS_MAX: u32 = 10_000;
const REPLICATION_MAX: u32 = 16;
const RETENTION_DEFAULT: &str = "7d";

/// Kafka's own limit, in characters.
const NAME_MAX: usize = 249;

/// All topics by name, imported ones too. A topic with a wrong setting is there nonetheless, so
/// that its events are not called wrong as well.
pub(super) fn declared(sources: &Sources, report: &mut Report<'_>) -> BTreeMap<String, Topic> {
    let mut topics = BTreeMap::new();
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    // Imported files come first, so that a second declaration is found in one of ours.
    let (ours, imported): (Vec<_>, Vec<_>) =
        sources.pool.files().partition(|file| sources.is_root(file));
    for file in imported.into_iter().chain(ours) {
        for (nth, options) in (0..).zip(&FileOptions::of(&file).topic) {
            let place = |part: &[i32]| Place::file_option(&file, &[&[1, nth], part].concat());
            let topic = read(options, &place, report);
            match places.get(&topic.name) {
                Some(first) => {
                    let what = format!(
                        "topic \"{}\" is declared twice, first in {first}",
                        topic.name
                    );
                    report.add(place(&[]), what, "declare it in one file only, its owner's");
                }
                None => {
                    places.insert(topic.name.clone(), report.shown(&place(&[])));
                    topics.insert(topic.name.clone(), topic);
                }
            }
        }
    }
    topics
}

/// Tells each topic its events. Those that only read another one are on no topic.
pub(super) fn add_events(
    topics: &mut BTreeMap<String, Topic>,
    events: &BTreeMap<String, Declared>,
) {
    for (name, event) in events.iter().filter(|(_, event)| event.reads().is_none()) {
        if let Some(topic) = topics.get_mut(&event.options.topic) {
            topic.events.push(name.clone());
        }
    }
}

fn read(options: &TopicOptions, place: &dyn Fn(&[i32]) -> Place, report: &mut Report<'_>) -> Topic {
    let name = &options.name;
    if let Some((what, mend)) = wrong_name(name) {
        report.add(place(&[1]), what, mend);
    }
    if !options
        .owner
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    {
        let what = format!(
            "topic \"{name}\": owner \"{}\" is no service's name",
            options.owner
        );
        let mend = "use letters, digits, '_' and '-'; without owner it is owned elsewhere";
        report.add(place(&[2]), what, mend);
    }
    let partitions = options.partitions.unwrap_or(PARTITIONS_DEFAULT);
    if !(1..=PARTITIONS_MAX).contains(&partitions) {
        let what = format!("topic \"{name}\": partitions is {partitions}");
        let mend = format!("say 1 to {PARTITIONS_MAX}, or nothing for {PARTITIONS_DEFAULT}");
        report.add(place(&[3]), what, mend);
    }
    if let Some(replication) = options.replication
        && !(1..=REPLICATION_MAX).contains(&replication)
    {
        let what = format!("topic \"{name}\": replication is {replication}");
        let mend = format!("say 1 to {REPLICATION_MAX}, or nothing for the broker's default");
        report.add(place(&[4]), what, mend);
    }
    Topic {
        name: name.clone(),
        owner: Some(options.owner.clone()).filter(|owner| !owner.is_empty()),
        partitions,
        replication: options.replication,
        retention: retention(options, place, report),
        events: Vec::new(),
    }
}

fn retention(
    options: &TopicOptions,
    place: &dyn Fn(&[i32]) -> Place,
    report: &mut Report<'_>,
) -> Retention {
    let (name, text) = (&options.name, options.retention.as_str());
    if options.compacted {
        if !text.is_empty() {
            let what = format!("topic \"{name}\": says both retention and compacted");
            let mend = "keep retention for a time, or compacted for the newest event of each key";
            report.add(place(&[6]), what, mend);
        }
        return Retention::Compacted;
    }
    if text == "forever" {
        return Retention::Forever;
    }
    let text = if text.is_empty() {
        RETENTION_DEFAULT
    } else {
        text
    };
    if let Some(time) = time::parse(text) {
        return Retention::For(time);
    }
    let what = format!("topic \"{name}\": retention \"{text}\" is no time");
    report.add(
        place(&[5]),
        what,
        format!("write it as {}, or \"forever\"", time::FORM),
    );
    Retention::Forever
}

fn wrong_name(name: &str) -> Option<(String, &'static str)> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() {
        let mend = "add name: \"orders\", after what its events are about";
        Some(("a topic without a name".to_owned(), mend))
    } else if !name.chars().all(allowed) {
        let mend = "use letters, digits, '.', '_' and '-' only";
        Some((
            format!("topic \"{name}\": a strange character in its name"),
            mend,
        ))
    } else if name.len() > NAME_MAX {
        let start: String = name.chars().take(20).collect();
        let what = format!("topic \"{start}…\": its name has more than {NAME_MAX} characters");
        Some((what, "shorten it"))
    } else if name == "." || name == ".." {
        Some((
            format!("topic \"{name}\": its name means a folder"),
            "use a letter or digit too",
        ))
    } else {
        None
    }
}
