//! Kafka's `range` assignor.
//!
//! Each topic by itself is cut into ranges, one for each of its subscribers in order; the first
//! ones get one partition more where it does not come out even. So two topics with equal partition
//! counts and the same subscribers are cut alike: partitions of one number meet at one member.

use std::collections::BTreeMap;

use super::super::{TopicName, TopicPartition};
use super::ClientId;

/// Who takes part, in the order that the ranges follow.
pub(super) struct Subscriber<'a> {
    pub(super) id: ClientId,
    /// Name of a static member.
    pub(super) instance: Option<&'a str>,
    pub(super) topics: &'a [TopicName],
}

/// Gives each subscriber its partitions, sorted.
pub(super) fn assign(
    mut subscribers: Vec<Subscriber<'_>>,
    partitions: impl Fn(&TopicName) -> Option<i32>,
) -> BTreeMap<ClientId, Vec<TopicPartition>> {
    subscribers.sort_by_key(Subscriber::rank);
    let mut by_topic: BTreeMap<&TopicName, Vec<ClientId>> = BTreeMap::new();
    for subscriber in &subscribers {
        for topic in subscriber.topics {
            by_topic.entry(topic).or_default().push(subscriber.id);
        }
    }
    let mut assigned: BTreeMap<ClientId, Vec<TopicPartition>> =
        subscribers.iter().map(|s| (s.id, Vec::new())).collect();
    for (topic, members) in by_topic {
        // A topic that is not there yet has nothing to give.
        let count = partitions(topic).unwrap_or(0);
        let members_count = i32::try_from(members.len()).unwrap_or(i32::MAX);
        let (each, one_more) = (count / members_count, count % members_count);
        let mut next = 0;
        for (rank, member) in (0..).zip(members) {
            let end = next + each + i32::from(rank < one_more);
            let range = (next..end).map(|number| TopicPartition::new(topic.clone(), number));
            assigned.entry(member).or_default().extend(range);
            next = end;
        }
    }
    assigned
}

impl<'a> Subscriber<'a> {
    /// Static members come first, by their names; the others follow by their ids.
    pub(super) fn rank(&self) -> (bool, Option<&'a str>, ClientId) {
        (self.instance.is_none(), self.instance, self.id)
    }
}

/// An assignment as text, `1: a-0 a-1 | 2: b-0`.
#[cfg(test)]
pub(super) fn as_text(assigned: &BTreeMap<ClientId, Vec<TopicPartition>>) -> String {
    let shown = assigned.iter().map(|(id, partitions)| {
        let names: Vec<String> = partitions.iter().map(ToString::to_string).collect();
        format!("{}: {}", id.0, names.join(" "))
    });
    shown.collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> TopicName {
        TopicName::parse(name).unwrap()
    }

    /// Id, name and topics of a member.
    type Case<'a> = (u64, Option<&'a str>, &'a [&'a str]);

    /// Name and partitions of a topic.
    type Count<'a> = (&'a str, i32);

    /// Assigns and shows the result as text, `1: a-0 a-1 | 2: b-0`.
    fn shown(members: &[Case<'_>], counts: &[Count<'_>]) -> String {
        let topics: Vec<Vec<TopicName>> = members
            .iter()
            .map(|(_, _, names)| names.iter().map(|name| topic(name)).collect())
            .collect();
        let subscribers = members
            .iter()
            .zip(&topics)
            .map(|((id, instance, _), topics)| Subscriber {
                id: ClientId(*id),
                instance: *instance,
                topics,
            });
        let assigned = assign(subscribers.collect(), |name| {
            let found = counts.iter().find(|(known, _)| *known == name.as_str());
            found.map(|(_, count)| *count)
        });
        as_text(&assigned)
    }

    #[test]
    fn assigns_as_kafkas_own_tests_have_it() {
        // The cases follow `RangeAssignorTest` of Apache Kafka.
        let cases: [(&[Case<'_>], &[Count<'_>], &str); 8] = [
            (&[(1, None, &[])], &[], "1: "),
            (&[(1, None, &["a"])], &[], "1: "),
            (&[(1, None, &["a"])], &[("a", 3)], "1: a-0 a-1 a-2"),
            (
                &[(1, None, &["a"]), (2, None, &["a"])],
                &[("a", 1)],
                "1: a-0 | 2: ",
            ),
            (
                &[(1, None, &["a"]), (2, None, &["a", "b"]), (3, None, &["a"])],
                &[("a", 3), ("b", 2)],
                "1: a-0 | 2: a-1 b-0 b-1 | 3: a-2",
            ),
            (
                &[(1, None, &["a", "b"]), (2, None, &["a", "b"])],
                &[("a", 3), ("b", 3)],
                "1: a-0 a-1 b-0 b-1 | 2: a-2 b-2",
            ),
            // Static members go by their names, before all others.
            (
                &[
                    (1, None, &["a"]),
                    (2, Some("y"), &["a"]),
                    (3, Some("x"), &["a"]),
                ],
                &[("a", 5)],
                "1: a-4 | 2: a-2 a-3 | 3: a-0 a-1",
            ),
            (
                &[(1, None, &["a"]), (2, None, &["a"]), (3, None, &["a"])],
                &[("a", 7)],
                "1: a-0 a-1 a-2 | 2: a-3 a-4 | 3: a-5 a-6",
            ),
        ];
        for (members, counts, expected) in cases {
            assert_eq!(shown(members, counts), expected);
        }
    }
}
