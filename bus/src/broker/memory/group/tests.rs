use super::super::cluster::{Cluster, Now};
use super::*;
use crate::broker::{NewTopic, TopicName};
use crate::event::Retention;

mod cooperative;
mod random;

/// A group `g` of a topic `t` with four partitions, and a clock.
struct Bench {
    group: Group,
    topics: Topics,
    config: Config,
    now: Duration,
    members: u64,
}

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            group: Group::new("g"),
            topics: Topics::default(),
            config: Config::default(),
            now: Duration::ZERO,
            members: 0,
        };
        bench.create("t", 4);
        bench
    }

    fn create(&mut self, name: &str, partitions: i32) {
        let topic = NewTopic {
            name: TopicName::parse(name).unwrap(),
            partitions,
            replication: None,
            retention: Retention::Forever,
        };
        assert!(self.topics.create(&topic, &self.config).unwrap());
        self.group
            .topic_created(&topic.name, self.now, &self.topics);
    }

    fn join(&mut self) -> ClientId {
        self.join_as(membership())
    }

    fn join_as(&mut self, membership: Membership) -> ClientId {
        self.members += 1;
        let id = ClientId(self.members);
        self.group.join(id, membership, self.now, &self.topics);
        id
    }

    fn next(&mut self, id: ClientId) -> Step {
        self.group
            .next(id, self.now, &mut self.topics, &self.config)
    }

    /// What the member hears next, as text.
    fn hears(&mut self, id: ClientId) -> String {
        let shown = |what: &str, partitions: Vec<TopicPartition>| {
            let names = partitions.iter().map(|at| format!(" {at}"));
            format!("{what}{}", names.collect::<String>())
        };
        match self.next(id) {
            Step::Records(records) => format!("{} records", records.len()),
            Step::Assigned(partitions) => shown("assigned", partitions),
            Step::Revoked(partitions) => shown("revoked", partitions),
            Step::Lost(partitions) => shown("lost", partitions),
            Step::Troubled(error) => format!("troubled: {error}"),
            Step::Failed(error) => format!("failed: {error}"),
            Step::Wait(until) => match until {
                Some(until) => format!("wait until {}", until.as_secs()),
                None => "wait".to_owned(),
            },
        }
    }

    fn start(&mut self, id: ClientId) {
        self.start_at(id, &[]);
    }

    fn start_at(&mut self, id: ClientId, positions: &[(&str, i64)]) {
        self.group
            .start_at(id, &offsets(positions), self.now, &self.topics);
    }

    fn release(&mut self, id: ClientId, committed: &[(&str, i64)]) {
        self.group
            .release(id, offsets(committed), self.now, &self.topics);
    }

    fn commit(&mut self, id: ClientId, committed: &[(&str, i64)]) -> Result<(), Error> {
        self.group.commit(id, &offsets(committed))
    }

    fn send(&mut self, at: &str, count: usize) {
        for _ in 0..count {
            let body = super::super::log::Body {
                timestamp_ms: 1,
                key: None,
                value: None,
                headers: crate::broker::Headers::new(),
            };
            self.topics.append(&partition(at), body);
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// A member that has all partitions and reads.
    fn reading(&mut self) -> ClientId {
        self.reading_as(membership())
    }

    fn reading_as(&mut self, membership: Membership) -> ClientId {
        let id = self.join_as(membership);
        assert_eq!(self.hears(id), "assigned t-0 t-1 t-2 t-3");
        self.start(id);
        id
    }
}

fn membership() -> Membership {
    Membership {
        group: "g".to_owned(),
        topics: vec![TopicName::parse("t").unwrap()],
        start: Start::Beginning,
        assignor: Assignor::Range,
        instance: None,
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
    }
}

fn named(instance: &str) -> Membership {
    Membership {
        instance: Some(instance.to_owned()),
        ..membership()
    }
}

/// `t-3` as a partition.
fn partition(shown: &str) -> TopicPartition {
    let (topic, number) = shown.rsplit_once('-').unwrap();
    TopicPartition::new(TopicName::parse(topic).unwrap(), number.parse().unwrap())
}

fn offsets(shown: &[(&str, i64)]) -> BTreeMap<TopicPartition, i64> {
    shown
        .iter()
        .map(|(at, offset)| (partition(at), *offset))
        .collect()
}

fn is_fenced(result: Result<(), Error>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::Fenced)
}

#[test]
fn a_member_alone_gets_everything_at_once_and_reads_once_it_has_answered() {
    let mut bench = Bench::new();
    let a = bench.join();
    bench.send("t-2", 3);

    assert_eq!(bench.hears(a), "assigned t-0 t-1 t-2 t-3");
    assert_eq!(bench.hears(a), "wait", "no record before the answer");
    bench.start(a);
    assert_eq!(bench.hears(a), "3 records");
    assert_eq!(bench.group.generation, 1);
}

#[test]
fn a_second_member_waits_until_the_first_has_released() {
    let mut bench = Bench::new();
    let a = bench.reading();

    let b = bench.join();
    assert_eq!(
        bench.hears(b),
        "wait until 60",
        "or until the first one is put out"
    );
    assert_eq!(bench.hears(a), "revoked t-0 t-1 t-2 t-3");
    assert_eq!(bench.hears(a), "wait until 60");
    bench.send("t-0", 1);
    assert_eq!(
        bench.hears(a),
        "wait until 60",
        "what is revoked gives no records"
    );
    assert_eq!(bench.hears(b), "wait until 60");
    bench.release(a, &[("t-0", 7)]);

    assert_eq!(bench.hears(b), "assigned t-2 t-3");
    assert_eq!(bench.hears(a), "assigned t-0 t-1");
    assert_eq!(bench.group.generation, 2);
    assert_eq!(bench.group.committed(&partition("t-0")), Some(7));
}

#[test]
fn a_member_commits_what_is_its_own_until_it_has_released_it() {
    let mut bench = Bench::new();
    let a = bench.reading();
    let b = bench.join();

    assert!(bench.commit(a, &[("t-0", 1)]).is_ok());
    bench.hears(a);
    assert!(
        bench.commit(a, &[("t-0", 2)]).is_ok(),
        "it was asked and has not answered"
    );
    assert!(
        is_fenced(bench.commit(b, &[("t-0", 9)])),
        "it is not the other's yet"
    );
    bench.release(a, &[]);
    assert!(is_fenced(bench.commit(a, &[("t-0", 3)])));
    assert_eq!(bench.group.committed(&partition("t-0")), Some(2));
}

#[test]
fn a_commit_counts_as_a_whole_or_not_at_all() {
    let mut bench = Bench::new();
    let a = bench.reading();

    assert!(is_fenced(bench.commit(a, &[("t-0", 1), ("u-0", 1)])));
    let error = bench.commit(a, &[("t-0", 1), ("t-1", -1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(bench.group.committed(&partition("t-0")), None);
}

#[test]
fn who_does_not_release_in_time_is_put_out_and_may_join_again() {
    let mut bench = Bench::new();
    let a = bench.reading();
    let b = bench.join();
    assert_eq!(bench.hears(a), "revoked t-0 t-1 t-2 t-3");

    // The second one, who listens, is the one who notices.
    assert_eq!(bench.hears(b), "wait until 60");
    bench.wait(60);
    assert_eq!(bench.hears(b), "assigned t-0 t-1 t-2 t-3");

    assert!(is_fenced(bench.commit(a, &[("t-0", 5)])));
    bench.release(a, &[("t-0", 5)]);
    assert_eq!(
        bench.group.committed(&partition("t-0")),
        None,
        "the answer came too late"
    );
    assert_eq!(bench.hears(a), "lost t-0 t-1 t-2 t-3");
    bench.start(b);
    assert_eq!(bench.hears(a), "wait until 120", "it has joined again");
    assert_eq!(bench.hears(b), "revoked t-0 t-1 t-2 t-3");
}

#[test]
fn an_answer_that_nobody_asked_for_changes_nothing() {
    let mut bench = Bench::new();
    let a = bench.reading();
    bench.send("t-0", 2);
    assert_eq!(bench.hears(a), "2 records");

    bench.release(a, &[("t-0", 1)]);
    bench.start_at(a, &[("t-0", 0)]);

    assert_eq!(bench.group.committed(&partition("t-0")), None);
    assert_eq!(bench.hears(a), "wait", "it stands where it stood");
    bench.send("t-0", 1);
    assert_eq!(bench.hears(a), "1 records");
}

#[test]
fn a_member_that_is_gone_is_waited_for_until_its_session_ends() {
    let mut bench = Bench::new();
    let a = bench.reading();
    let b = bench.join();
    bench.hears(a);
    bench.release(a, &[]);
    bench.hears(b);
    bench.start(b);
    bench.wait(5);

    bench.group.gone(a, bench.now);

    assert!(
        bench.group.take_wakes().contains(&b),
        "the others must look at the clock again"
    );
    assert_eq!(bench.hears(b), "wait until 15");
    bench.wait(9);
    assert_eq!(bench.hears(b), "wait until 15");
    bench.wait(1);
    assert_eq!(bench.hears(b), "revoked t-2 t-3");
    bench.release(b, &[]);
    assert_eq!(bench.hears(b), "assigned t-0 t-1 t-2 t-3");
}

#[test]
fn a_member_that_is_gone_is_given_nothing() {
    let mut bench = Bench::new();
    let a = bench.reading();
    let b = bench.join();
    bench.group.gone(b, bench.now);

    bench.hears(a);
    bench.release(a, &[]);

    assert_eq!(
        bench.hears(a),
        "wait until 10",
        "the group waits for the end of the session"
    );
    bench.wait(10);
    assert_eq!(bench.hears(a), "assigned t-0 t-1 t-2 t-3");
}

#[test]
fn a_member_that_leaves_is_not_waited_for() {
    let mut bench = Bench::new();
    let a = bench.reading();
    let b = bench.join();
    bench.hears(a);

    bench.group.leave(a, bench.now, &bench.topics);

    assert_eq!(bench.hears(b), "assigned t-0 t-1 t-2 t-3");
    assert!(is_fenced(bench.commit(a, &[("t-0", 1)])));
}

#[test]
fn a_member_that_never_asks_is_put_out_and_one_that_listens_is_not() {
    let mut bench = Bench::new();
    let a = bench.reading();
    assert_eq!(bench.hears(a), "wait");
    bench.wait(1_000);
    assert_eq!(bench.hears(a), "wait", "whoever waits for signals is there");
    bench.group.idle(a, bench.now);
    bench.wait(59);
    assert_eq!(bench.hears(a), "wait");
    bench.group.idle(a, bench.now);
    bench.wait(60);

    assert_eq!(bench.hears(a), "lost t-0 t-1 t-2 t-3");
    assert_eq!(bench.hears(a), "assigned t-0 t-1 t-2 t-3");
}

#[test]
fn whoever_is_taking_over_is_left_to_finish() {
    let mut bench = Bench::new();
    let a = bench.join();
    assert_eq!(bench.hears(a), "assigned t-0 t-1 t-2 t-3");

    let b = bench.join();
    assert_eq!(
        bench.hears(a),
        "wait until 60",
        "no revocation before its answer"
    );
    bench.start(a);
    assert_eq!(bench.hears(a), "revoked t-0 t-1 t-2 t-3");
    bench.release(a, &[]);
    assert_eq!(bench.hears(b), "assigned t-2 t-3");
}

#[test]
fn what_a_member_has_never_heard_of_is_taken_back_silently() {
    let mut bench = Bench::new();
    let a = bench.join();
    let b = bench.join();

    assert_eq!(bench.hears(a), "assigned t-0 t-1");
    assert_eq!(bench.hears(b), "assigned t-2 t-3");
}

#[test]
fn a_member_without_partitions_is_told_so_and_is_not_asked_to_release_them() {
    let mut bench = Bench::new();
    let ids: Vec<ClientId> = (0..5).map(|_| bench.join()).collect();
    for id in &ids[..4] {
        assert!(bench.hears(*id).starts_with("assigned t-"));
        bench.start(*id);
    }
    assert_eq!(bench.hears(ids[4]), "assigned");

    bench.group.leave(ids[0], bench.now, &bench.topics);

    assert!(bench.hears(ids[4]).starts_with("wait until"));
    for id in &ids[1..4] {
        assert!(bench.hears(*id).starts_with("revoked t-"));
        bench.release(*id, &[]);
    }
    assert_eq!(bench.hears(ids[4]), "assigned t-3");
}

#[test]
fn a_named_member_comes_back_to_what_it_had() {
    let mut bench = Bench::new();
    let a = bench.reading_as(named("a"));
    let b = bench.join_as(named("b"));
    bench.hears(a);
    bench.release(a, &[("t-0", 3)]);
    assert_eq!(bench.hears(a), "assigned t-0 t-1");
    assert_eq!(bench.hears(b), "assigned t-2 t-3");
    bench.start(b);

    bench.group.leave(a, bench.now, &bench.topics);
    bench.wait(9);
    let back = bench.join_as(named("a"));

    assert_eq!(bench.hears(back), "assigned t-0 t-1");
    assert_eq!(bench.hears(b), "wait until 69", "the other notices nothing");
    assert_eq!(bench.group.generation, 2);
    bench.send("t-0", 4);
    bench.start(back);
    assert_eq!(
        bench.hears(back),
        "1 records",
        "from the committed offset on"
    );
}

#[test]
fn a_named_member_that_stays_away_is_given_up() {
    let mut bench = Bench::new();
    let a = bench.reading_as(named("a"));
    let b = bench.join_as(named("b"));
    bench.hears(a);
    bench.release(a, &[]);
    bench.hears(b);
    bench.start(b);
    bench.group.leave(a, bench.now, &bench.topics);

    bench.wait(10);

    assert_eq!(bench.hears(b), "revoked t-2 t-3");
}

#[test]
fn the_newer_of_two_members_of_one_name_fences_the_older() {
    let mut bench = Bench::new();
    let old = bench.reading_as(named("a"));
    let new = bench.join_as(named("a"));

    assert_eq!(bench.hears(new), "assigned t-0 t-1 t-2 t-3");
    assert!(is_fenced(bench.commit(old, &[("t-0", 1)])));
    assert_eq!(
        bench.hears(old),
        "failed: a newer member of group `g` goes by the name `a` and has taken over"
    );
    assert_eq!(bench.hears(old), "wait", "nothing follows");
}

#[test]
fn a_name_that_was_lost_and_taken_is_not_taken_back() {
    // Else two processes of one name would put each other out for ever.
    let mut bench = Bench::new();
    let old = bench.reading_as(named("a"));
    bench.wait(60);
    bench.group.tick(bench.now, &bench.topics);
    let new = bench.join_as(named("a"));

    assert_eq!(bench.hears(old), "lost t-0 t-1 t-2 t-3");
    assert!(bench.hears(old).starts_with("failed: a newer member"));
    assert_eq!(bench.hears(new), "assigned t-0 t-1 t-2 t-3");
}

#[test]
fn a_named_member_that_comes_back_with_other_topics_is_assigned_anew() {
    let mut bench = Bench::new();
    bench.create("u", 1);
    let a = bench.reading_as(named("a"));
    let b = bench.join_as(Membership {
        topics: vec![partition("t-0").topic, partition("u-0").topic],
        ..named("a")
    });

    assert_eq!(bench.hears(b), "assigned t-0 t-1 t-2 t-3 u-0");
    assert!(bench.hears(a).starts_with("failed"));
    assert_eq!(bench.group.generation, 2);
}

#[test]
fn a_named_member_that_comes_back_in_a_rebalance_is_not_waited_for_twice() {
    let mut bench = Bench::new();
    let a = bench.reading_as(named("a"));
    let b = bench.join_as(named("b"));
    bench.group.gone(a, bench.now);

    let back = bench.join_as(named("a"));

    assert_eq!(bench.hears(back), "assigned t-0 t-1");
    assert_eq!(bench.hears(b), "assigned t-2 t-3");
}

#[test]
fn a_partition_starts_where_the_member_says_or_the_group_committed_or_as_agreed() {
    let mut bench = Bench::new();
    for at in ["t-0", "t-1", "t-2"] {
        bench.send(at, 10);
    }
    let a = bench.reading();
    bench.commit(a, &[("t-0", 9), ("t-1", 8)]).unwrap();
    bench.group.leave(a, bench.now, &bench.topics);

    let b = bench.join();
    bench.hears(b);
    bench.start_at(b, &[("t-0", 4), ("u-0", 4)]);

    // Six of what it named, two behind the commit, ten from the beginning.
    assert_eq!(bench.hears(b), "18 records");
}

#[test]
fn starting_now_is_remembered_as_an_offset() {
    let mut bench = Bench::new();
    bench.send("t-0", 5);
    let now = Membership {
        start: Start::Now,
        ..membership()
    };
    let a = bench.reading_as(now.clone());
    assert_eq!(bench.hears(a), "wait");
    assert_eq!(bench.group.committed(&partition("t-0")), Some(5));

    // What comes before anybody has committed is not lost with a crash.
    bench.send("t-0", 2);
    bench.group.gone(a, bench.now);
    bench.wait(10);
    let b = bench.reading_as(now);
    assert_eq!(bench.hears(b), "2 records");
}

#[test]
fn a_position_behind_the_end_is_told_and_the_end_is_taken() {
    let mut bench = Bench::new();
    bench.send("t-0", 2);
    let a = bench.join();
    bench.hears(a);
    bench.start_at(a, &[("t-0", 7), ("t-1", -4)]);

    assert_eq!(
        bench.hears(a),
        "troubled: group `g` was to read t-0 from offset 7, but it ends at 2; reading goes on there"
    );
    bench.send("t-0", 1);
    assert_eq!(bench.hears(a), "1 records");
    assert_eq!(
        bench.hears(a),
        "wait",
        "a negative position is the beginning"
    );
}

#[test]
fn what_retention_took_before_it_was_read_is_told() {
    let mut bench = Bench::new();
    let topic = NewTopic {
        name: TopicName::parse("ends").unwrap(),
        partitions: 1,
        replication: None,
        retention: Retention::For(Duration::from_millis(1)),
    };
    bench.topics.create(&topic, &bench.config).unwrap();
    bench.send("ends-0", 3);
    let a = bench.join_as(Membership {
        topics: vec![topic.name.clone()],
        ..membership()
    });
    bench.hears(a);
    bench.start_at(a, &[("ends-0", 1)]);
    bench.topics.enforce_retention(1_000);

    assert_eq!(
        bench.hears(a),
        "troubled: retention has deleted offsets 1 to 2 of ends-0 before group `g` read them; \
         reading goes on at 3"
    );
    bench.send("ends-0", 1);
    assert_eq!(bench.hears(a), "1 records");
}

#[test]
fn a_topic_that_comes_later_is_waited_for_and_assigned() {
    let mut bench = Bench::new();
    let a = bench.join_as(Membership {
        topics: vec![partition("later-0").topic],
        ..membership()
    });
    assert_eq!(
        bench.hears(a),
        "troubled: group `g` waits for topic later, which does not exist on the in-memory broker"
    );
    assert_eq!(bench.hears(a), "assigned");
    assert_eq!(bench.hears(a), "wait");

    bench.create("later", 2);

    assert!(bench.group.take_wakes().contains(&a));
    assert_eq!(bench.hears(a), "assigned later-0 later-1");
}

#[test]
fn a_topic_of_nobodys_interest_disturbs_nobody() {
    let mut bench = Bench::new();
    let a = bench.reading();
    bench.group.take_wakes();

    bench.create("u", 1);

    assert!(bench.group.take_wakes().is_empty());
    assert_eq!(bench.hears(a), "wait");
}

#[test]
fn a_pause_ends_with_the_assignment() {
    let mut bench = Bench::new();
    let a = bench.reading();
    bench.send("t-0", 1);
    bench
        .group
        .set_paused(a, &[partition("t-0"), partition("u-0")], true);
    assert_eq!(bench.hears(a), "wait");

    let b = bench.join();
    bench.hears(a);
    bench.release(a, &[]);
    assert_eq!(bench.hears(a), "assigned t-0 t-1");
    bench.start(a);

    assert_eq!(bench.hears(a), "1 records");
    assert_eq!(bench.hears(b), "assigned t-2 t-3");
}

#[test]
fn the_same_steps_give_the_same_state() {
    // The simulator replays runs from a seed: nothing may depend on addresses or hash order.
    let run = || {
        let mut cluster = Cluster::new(Config::default());
        let now = Now {
            wall_ms: 0,
            elapsed: Duration::ZERO,
        };
        for name in ["b", "a", "c"] {
            let topic = NewTopic {
                name: TopicName::parse(name).unwrap(),
                partitions: 3,
                replication: None,
                retention: Retention::Forever,
            };
            cluster.create(&topic, now).unwrap();
        }
        for _ in 0..3 {
            let topics = vec![partition("c-0").topic, partition("a-0").topic];
            let membership = Membership {
                topics,
                ..membership()
            };
            let seat = cluster.join(membership, now).unwrap();
            cluster.next(&seat, now);
        }
        format!("{cluster:?}")
    };

    assert_eq!(run(), run());
}
