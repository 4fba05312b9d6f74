//! Groups under random histories: members join, crash, leave, fall silent and come back, answer late
//! or never, while records flow. What must hold is checked after every step.

use super::*;

const TOPICS: [(&str, i32); 3] = [("t", 4), ("u", 4), ("v", 3)];

/// A small generator, so that a seed gives the same history everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn choose<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        match from.len() {
            0 => None,
            sides => Some(from[self.roll(sides)].clone()),
        }
    }
}

/// What a client believes.
#[derive(Default)]
struct Client {
    question: Option<Question>,
    /// Offset of the next record of each partition that it has read since it got it.
    positions: BTreeMap<TopicPartition, i64>,
    has_failed: bool,
}

/// What a client was asked and has not answered.
enum Question {
    Start,
    Release(Vec<TopicPartition>),
}

struct History {
    bench: Bench,
    assignor: Assignor,
    dice: Dice,
    clients: BTreeMap<ClientId, Client>,
    /// What was committed, as far as the clients know.
    committed: BTreeMap<TopicPartition, i64>,
    /// Records that somebody has read.
    read: BTreeSet<(TopicPartition, i64)>,
    sent: usize,
}

impl History {
    fn new(seed: u64, assignor: Assignor) -> Self {
        let mut bench = Bench::new();
        for (name, partitions) in &TOPICS[1..] {
            bench.create(name, *partitions);
        }
        bench.config.fetch_records_max = 5;
        Self {
            bench,
            assignor,
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            clients: BTreeMap::new(),
            committed: BTreeMap::new(),
            read: BTreeSet::new(),
            sent: 0,
        }
    }

    fn step(&mut self) {
        let generation = self.bench.group.generation;
        match (self.dice.roll(100), self.any_client()) {
            (0..6, _) if self.clients.len() < 6 => self.join(),
            (6..8, Some(id)) => {
                self.bench.group.gone(id, self.bench.now);
                self.clients.remove(&id);
            }
            (8..10, Some(id)) => {
                let (now, topics) = (self.bench.now, &self.bench.topics);
                self.bench.group.leave(id, now, topics);
                self.clients.remove(&id);
            }
            (10..20, _) => {
                let seconds = self.dice.choose(&[0, 1, 5, 11, 61]).unwrap();
                self.bench.wait(seconds);
            }
            (20..35, _) => self.send(),
            (35..45, Some(id)) => self.commit(id),
            (45..60, Some(id)) => self.answer(id),
            (_, Some(id)) => self.ask(id),
            (_, None) => self.join(),
        }
        self.check(generation);
    }

    fn any_client(&mut self) -> Option<ClientId> {
        let ids: Vec<ClientId> = self.clients.keys().copied().collect();
        self.dice.choose(&ids)
    }

    fn join(&mut self) {
        let subscriptions = [vec!["t"], vec!["t", "u"], vec!["t", "u", "v"]];
        let topics = self.dice.choose(&subscriptions).unwrap();
        let instance = self
            .dice
            .choose(&[None, None, Some("x"), Some("y")])
            .unwrap();
        self.join_with(&topics, instance);
    }

    fn join_with(&mut self, topics: &[&str], instance: Option<&str>) {
        let topics = topics.iter().map(|name| TopicName::parse(name).unwrap());
        let id = self.bench.join_as(Membership {
            topics: topics.collect(),
            assignor: self.assignor,
            instance: instance.map(str::to_owned),
            ..membership()
        });
        self.clients.insert(id, Client::default());
    }

    fn send(&mut self) {
        let (topic, partitions) = self.dice.choose(&TOPICS).unwrap();
        let number = self.dice.roll(usize::try_from(partitions).unwrap());
        self.bench.send(&format!("{topic}-{number}"), 1);
        self.sent += 1;
    }

    fn commit(&mut self, id: ClientId) {
        let positions = self.clients[&id].positions.clone();
        let member = self.bench.group.members.get(&id);
        let holds = |at: &TopicPartition| member.is_some_and(|member| member.holds(at));
        let holds_all = positions.keys().all(holds);
        let result = self.bench.group.commit(id, &positions);
        assert_eq!(
            result.is_ok(),
            holds_all,
            "an owner commits, and nobody else does"
        );
        if result.is_ok() {
            self.committed.extend(positions);
        }
    }

    fn answer(&mut self, id: ClientId) {
        let client = self.clients.get_mut(&id).unwrap();
        match client.question.take() {
            Some(Question::Start) => self.bench.start(id),
            Some(Question::Release(partitions)) => {
                let positions = client.positions.iter();
                let offsets = positions.filter(|(at, _)| partitions.contains(at));
                let offsets: BTreeMap<_, _> = offsets.map(|(at, to)| (at.clone(), *to)).collect();
                client.positions.retain(|at, _| !partitions.contains(at));
                let member = self.bench.group.members.get(&id);
                if member.is_some_and(|member| member.stage == Stage::Yielding) {
                    self.committed.extend(offsets.clone());
                }
                let (now, topics) = (self.bench.now, &self.bench.topics);
                self.bench.group.release(id, offsets, now, topics);
            }
            None => {}
        }
    }

    fn ask(&mut self, id: ClientId) {
        let step = self.bench.next(id);
        let client = self.clients.get_mut(&id).unwrap();
        if client.has_failed {
            assert!(
                matches!(step, Step::Wait(None)),
                "nothing follows a failure"
            );
        }
        match step {
            Step::Records(records) => {
                let is_asked = client.question.is_some();
                assert!(
                    !is_asked || self.assignor == Assignor::CooperativeSticky,
                    "no records before an answer"
                );
                for record in records {
                    if let Some(Question::Release(leaving)) = &client.question {
                        assert!(!leaving.contains(&record.partition), "no record follows");
                    }
                    let next = record.offset + 1;
                    let before = client.positions.insert(record.partition.clone(), next);
                    assert!(
                        before.is_none_or(|before| before == record.offset),
                        "no gap"
                    );
                    self.read.insert((record.partition, record.offset));
                }
            }
            Step::Assigned(partitions) => {
                let mut had = client.positions.keys();
                assert!(
                    !had.any(|at| self.assignor == Assignor::Range || partitions.contains(at)),
                    "what it had was revoked or lost"
                );
                client.question = (!partitions.is_empty()).then_some(Question::Start);
            }
            Step::Revoked(partitions) => {
                let mut positions = client.positions.keys();
                assert!(
                    self.assignor == Assignor::CooperativeSticky
                        || positions.all(|at| partitions.contains(at)),
                    "all is revoked"
                );
                client.question = Some(Question::Release(partitions));
            }
            Step::Lost(partitions) => {
                let positions = client.positions.keys();
                assert!(
                    positions.into_iter().all(|at| partitions.contains(at)),
                    "all is lost"
                );
                *client = Client::default();
            }
            Step::Failed(_) => {
                *client = Client::default();
                client.has_failed = true;
            }
            Step::Troubled(error) => panic!("there is no trouble here: {error}"),
            Step::Wait(_) => self.bench.group.idle(id, self.bench.now),
        }
    }

    /// What must hold after every step.
    fn check(&self, generation_before: u64) {
        let group = &self.bench.group;
        let mut owned = BTreeSet::new();
        for (id, member) in &group.members {
            for at in &member.owned {
                assert!(owned.insert(at), "{at} has one owner");
            }
            assert!(
                self.clients.contains_key(id) || member.is_gone(),
                "a member has a client"
            );
            if group.rebalance_until.is_none() {
                assert!(
                    !matches!(
                        member.stage,
                        Stage::Waiting | Stage::Recalled | Stage::Yielding
                    ),
                    "whoever waits or gives up, does it for a rebalance"
                );
            }
        }
        if group.rebalance_until.is_none() && !group.members.is_empty() {
            let subscribed = |name: &&str| {
                let topic = TopicName::parse(name).unwrap();
                let mut members = group.members.values();
                members.any(|member| member.membership.topics.contains(&topic))
            };
            let counts = TOPICS.iter().filter(|(name, _)| subscribed(name));
            let count: i32 = counts.map(|(_, count)| count).sum();
            assert_eq!(
                i32::try_from(owned.len()),
                Ok(count),
                "without a rebalance, nothing is without an owner"
            );
        }
        assert!(
            group.generation >= generation_before,
            "generations only grow"
        );
        if group.generation > generation_before && self.assignor == Assignor::Range {
            for (id, partitions) in self.expected() {
                assert_eq!(
                    group.members[&id].owned, partitions,
                    "ranges of the assignor"
                );
            }
        }
        assert_eq!(
            group.offsets, self.committed,
            "only commits change what was committed"
        );
    }

    /// The range assignment, worked out another way.
    fn expected(&self) -> BTreeMap<ClientId, Vec<TopicPartition>> {
        let members = &self.bench.group.members;
        let mut expected: BTreeMap<ClientId, Vec<TopicPartition>> =
            members.keys().map(|id| (*id, Vec::new())).collect();
        for (name, partitions) in TOPICS {
            let topic = TopicName::parse(name).unwrap();
            let subscribed = members
                .iter()
                .filter(|(_, m)| m.membership.topics.contains(&topic));
            let mut order: Vec<_> = subscribed
                .map(|(id, m)| (m.membership.instance.is_none(), &m.membership.instance, *id))
                .collect();
            order.sort();
            let subscribers = i32::try_from(order.len()).unwrap();
            let mut number = 0;
            for (rank, (_, _, id)) in (0..).zip(order) {
                // What is left, shared evenly among those who are left, rounded up.
                let left = subscribers - rank;
                for _ in 0..(partitions - number + left - 1) / left {
                    let at = TopicPartition::new(topic.clone(), number);
                    expected.get_mut(&id).unwrap().push(at);
                    number += 1;
                }
            }
        }
        expected
    }

    /// From now on everybody asks and answers, and there is a member for everything.
    fn settle(&mut self) {
        self.join_with(&["t", "u", "v"], None);
        for _ in 0..self.sent + 200 {
            let ids: Vec<ClientId> = self.clients.keys().copied().collect();
            for id in ids {
                let generation = self.bench.group.generation;
                self.ask(id);
                self.answer(id);
                self.check(generation);
            }
            self.bench.wait(1);
        }
    }
}

#[test]
fn whatever_members_do_partitions_have_one_owner_and_nothing_is_lost() {
    for (seed, assignor) in (1..=300).flat_map(|seed| Assignor::ALL.map(|one| (seed, one))) {
        let run = std::panic::AssertUnwindSafe(|| {
            let mut history = History::new(seed, assignor);
            for _ in 0..300 {
                history.step();
            }
            history.settle();
            // Members commit only what they have read: what nobody has read comes to somebody.
            assert_eq!(history.read.len(), history.sent, "every record was read");
            let owned = history.bench.group.members.values().map(|m| m.owned.len());
            assert_eq!(owned.sum::<usize>(), 11, "every partition has an owner");
        });
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("failed with seed {seed} and {assignor}");
            std::panic::resume_unwind(panic);
        }
    }
}
