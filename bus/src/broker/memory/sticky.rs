//! What Kafka's `cooperative-sticky` assignor promises: as even as can be, with as few moves as can be.
//!
//! Each member keeps what it has, as far as it still subscribes to it. What nobody has goes to whoever
//! has least; then whoever has most gives to whoever has least, for as long as they are two or more
//! apart. Kafka chooses other partitions to move in places; how many each member ends up with, and how
//! many move, is the same where all subscribe to the same topics.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{TopicName, TopicPartition};
use super::ClientId;
use super::range::Subscriber;

/// Gives each subscriber its partitions, sorted. `owned` is what each of them has.
pub(super) fn assign(
    mut subscribers: Vec<Subscriber<'_>>,
    owned: &BTreeMap<ClientId, &[TopicPartition]>,
    partitions: impl Fn(&TopicName) -> Option<i32>,
) -> BTreeMap<ClientId, Vec<TopicPartition>> {
    subscribers.sort_by_key(Subscriber::rank);
    let mut assigned: Vec<BTreeSet<TopicPartition>> = Vec::with_capacity(subscribers.len());
    for subscriber in &subscribers {
        let has = owned.get(&subscriber.id).copied().unwrap_or_default();
        let wanted = has
            .iter()
            .filter(|at| subscriber.topics.contains(&at.topic));
        assigned.push(wanted.cloned().collect());
    }
    let topics: BTreeSet<&TopicName> = subscribers.iter().flat_map(|s| s.topics).collect();
    for topic in topics {
        // A topic that is not there yet has nothing to give.
        for number in 0..partitions(topic).unwrap_or(0) {
            let at = TopicPartition::new(topic.clone(), number);
            if assigned.iter().any(|has| has.contains(&at)) {
                continue;
            }
            let least = least(&subscribers, &assigned, topic, None);
            assigned[least.expect("somebody subscribes to it")].insert(at);
        }
    }
    while let Some((from, to, at)) = a_move(&subscribers, &assigned) {
        assigned[from].remove(&at);
        assigned[to].insert(at);
    }
    let ids = subscribers.iter().map(|subscriber| subscriber.id);
    ids.zip(assigned.into_iter().map(|has| has.into_iter().collect()))
        .collect()
}

/// Who of a topic's subscribers has least, the first of several.
fn least(
    subscribers: &[Subscriber<'_>],
    assigned: &[BTreeSet<TopicPartition>],
    topic: &TopicName,
    below: Option<usize>,
) -> Option<usize> {
    let ranks = 0..subscribers.len();
    ranks
        .filter(|rank| subscribers[*rank].topics.contains(topic))
        .filter(|rank| below.is_none_or(|below| assigned[*rank].len() < below))
        .min_by_key(|rank| assigned[*rank].len())
}

/// A partition that should move, from whom to whom: the last of whoever has most.
fn a_move(
    subscribers: &[Subscriber<'_>],
    assigned: &[BTreeSet<TopicPartition>],
) -> Option<(usize, usize, TopicPartition)> {
    let mut givers: Vec<usize> = (0..subscribers.len()).collect();
    givers.sort_by_key(|rank| std::cmp::Reverse(assigned[*rank].len()));
    for from in givers {
        let has = &assigned[from];
        // Whoever takes it may not have more than the giver afterwards.
        let below = has.len().saturating_sub(1);
        for at in has.iter().rev() {
            if let Some(to) = least(subscribers, assigned, &at.topic, Some(below)) {
                return Some((from, to, at.clone()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::range::as_text;
    use super::*;

    /// A topic with a number: of one of its partitions, or of all.
    type Numbered<'a> = (&'a str, i32);

    /// Id, name, topics and partitions of a member.
    type Member<'a> = (u64, Option<&'a str>, &'a [&'a str], &'a [Numbered<'a>]);

    /// Members, how many partitions topics have, and what is assigned.
    type Case<'a> = (&'a [Member<'a>], &'a [Numbered<'a>], &'a str);

    /// Assigns and shows the result as text, `1: a-0 a-1 | 2: b-0`.
    fn shown(members: &[Member<'_>], counts: &[Numbered<'_>]) -> String {
        let topic = |name: &&str| TopicName::parse(name).unwrap();
        let topics: Vec<Vec<TopicName>> = members
            .iter()
            .map(|(_, _, names, _)| names.iter().map(topic).collect())
            .collect();
        let has: Vec<Vec<TopicPartition>> = members
            .iter()
            .map(|(_, _, _, has)| {
                let has = has.iter();
                has.map(|(name, number)| TopicPartition::new(topic(name), *number))
                    .collect()
            })
            .collect();
        let owned = members
            .iter()
            .zip(&has)
            .map(|((id, ..), has)| (ClientId(*id), has.as_slice()))
            .collect();
        let subscribers = members
            .iter()
            .zip(&topics)
            .map(|((id, instance, ..), topics)| Subscriber {
                id: ClientId(*id),
                instance: *instance,
                topics,
            });
        let assigned = assign(subscribers.collect(), &owned, |name| {
            let found = counts.iter().find(|(known, _)| *known == name.as_str());
            found.map(|(_, count)| *count)
        });
        as_text(&assigned)
    }

    #[test]
    fn it_is_even_and_moves_as_little_as_can_be() {
        let all_of_a: &[Numbered<'_>] = &[("a", 0), ("a", 1), ("a", 2), ("a", 3)];
        let cases: [Case<'_>; 8] = [
            (&[(1, None, &["a"], &[])], &[], "1: "),
            (&[(1, None, &["a"], &[])], &[("a", 2)], "1: a-0 a-1"),
            // Over all topics, not in each by itself.
            (
                &[(1, None, &["a", "b"], &[]), (2, None, &["a", "b"], &[])],
                &[("a", 3), ("b", 3)],
                "1: a-0 a-2 b-1 | 2: a-1 b-0 b-2",
            ),
            // Somebody joins: half of what there is moves.
            (
                &[(1, None, &["a"], all_of_a), (2, None, &["a"], &[])],
                &[("a", 4)],
                "1: a-0 a-1 | 2: a-2 a-3",
            ),
            // Somebody has left: only that moves.
            (
                &[
                    (1, None, &["a"], &[("a", 3)]),
                    (3, None, &["a"], &[("a", 1)]),
                ],
                &[("a", 4)],
                "1: a-0 a-3 | 3: a-1 a-2",
            ),
            // What is uneven by one stays so.
            (
                &[
                    (1, None, &["a"], &[("a", 1)]),
                    (2, None, &["a"], &[("a", 2), ("a", 0)]),
                ],
                &[("a", 3)],
                "1: a-1 | 2: a-0 a-2",
            ),
            // Nobody gets what it does not subscribe to, and nobody keeps it.
            (
                &[
                    (1, None, &["a"], &[("b", 0)]),
                    (2, None, &["a", "b"], &[("a", 0)]),
                ],
                &[("a", 2), ("b", 2)],
                "1: a-0 a-1 | 2: b-0 b-1",
            ),
            (
                &[(1, None, &["a"], &[]), (2, Some("x"), &["a"], &[])],
                &[("a", 1)],
                "1:  | 2: a-0",
            ),
        ];
        for (members, counts, expected) in cases {
            assert_eq!(shown(members, counts), expected);
        }
    }
}
