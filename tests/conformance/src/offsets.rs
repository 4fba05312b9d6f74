//! Where a group begins, what it commits, and where it goes on.

use std::collections::BTreeMap;

use quadrille::broker::{Membership, Outgoing, Start, TopicName, TopicPartition};

use crate::Fixture;
use crate::fixture::{partitions, record_at, text};
use crate::member::{Member, assert_fenced, drive};

/// What a member has committed, the next one goes on from.
pub async fn committed_offsets_survive_a_new_member(fixture: &Fixture) {
    let (topic, at) = one_partition(fixture).await;
    let group = fixture.name("group");
    fixture.send_numbers(&at, 0..10).await;
    let mut first = Member::join(fixture, &group, &[&topic]).await;
    first
        .until(fixture, "the first has read", |member| {
            member.read.len() == 10
        })
        .await;
    first.commit(fixture).await;
    first.leave(fixture).await;
    assert_eq!(fixture.committed(&group, &at).await, Some(10));

    fixture.send_numbers(&at, 10..13).await;
    let mut second = Member::join(fixture, &group, &[&topic]).await;
    second
        .until(fixture, "the second has read", |member| {
            member.read.len() >= 3
        })
        .await;

    assert_eq!(second.values(), ["10", "11", "12"]);
}

/// What was read and not committed comes again.
pub async fn what_was_not_committed_comes_again(fixture: &Fixture) {
    let (topic, at) = one_partition(fixture).await;
    let group = fixture.name("group");
    fixture.send_numbers(&at, 0..10).await;
    let mut first = Member::join(fixture, &group, &[&topic]).await;
    first
        .until(fixture, "the first has read", |member| {
            member.read.len() == 10
        })
        .await;
    commit(fixture, &mut first, [(at.clone(), 6)]).await;
    first.leave(fixture).await;

    let mut second = Member::join(fixture, &group, &[&topic]).await;
    second
        .until(fixture, "the second has read", |member| {
            member.read.len() >= 4
        })
        .await;

    assert_eq!(second.values(), ["6", "7", "8", "9"]);
}

/// Offsets of several partitions are committed with one call.
pub async fn several_partitions_are_committed_at_once(fixture: &Fixture) {
    let topic = fixture.topic(3).await;
    let all = partitions(&topic, 3);
    let group = fixture.name("group");
    let mut member = Member::join(fixture, &group, &[&topic]).await;
    member
        .until(fixture, "it has all", |member| member.assigned.len() == 3)
        .await;

    commit(fixture, &mut member, all.iter().cloned().zip([3, 1, 2])).await;

    let offsets = fixture
        .broker
        .committed(&group, &all)
        .await
        .expect("the cluster answers");
    let expected: BTreeMap<_, _> = all.into_iter().zip([3, 1, 2]).collect();
    assert_eq!(offsets, expected);
}

/// Only what was committed is told, and of a group that nobody knows nothing.
pub async fn partitions_without_a_commit_are_left_out(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let all = partitions(&topic, 2);
    let group = fixture.name("group");
    let mut member = Member::join(fixture, &group, &[&topic]).await;
    member
        .until(fixture, "it has both", |member| member.assigned.len() == 2)
        .await;

    commit(fixture, &mut member, [(all[1].clone(), 7)]).await;

    let offsets = fixture
        .broker
        .committed(&group, &all)
        .await
        .expect("the cluster answers");
    assert_eq!(offsets, BTreeMap::from([(all[1].clone(), 7)]));
    let unknown = fixture.name("group");
    let offsets = fixture
        .broker
        .committed(&unknown, &all)
        .await
        .expect("the cluster answers");
    assert_eq!(offsets, BTreeMap::new());
}

/// A member cannot commit what is another's, and nothing of such a commit counts.
pub async fn a_partition_of_somebody_else_cannot_be_committed(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let all = partitions(&topic, 2);
    let group = fixture.name("group");
    let mut a = Member::join(fixture, &group, &[&topic]).await;
    let mut b = Member::join(fixture, &group, &[&topic]).await;
    drive(fixture, "each has one", &mut [&mut a, &mut b], |members| {
        members.iter().all(|member| member.assigned.len() == 1)
    })
    .await;

    let offsets = all.iter().map(|at| (at.clone(), 1)).collect();
    let refused = fixture
        .patiently("the commit is answered", a.consumer.commit(&offsets))
        .await;

    assert_fenced(refused);
    let offsets = fixture
        .broker
        .committed(&group, &all)
        .await
        .expect("the cluster answers");
    assert_eq!(offsets, BTreeMap::new());
}

/// What a member releases with, is committed before anybody else starts.
pub async fn releasing_commits(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let all = partitions(&topic, 2);
    let group = fixture.name("group");
    for at in &all {
        fixture.send_numbers(at, 0..5).await;
    }
    let mut a = Member::join(fixture, &group, &[&topic]).await;
    a.until(fixture, "the first has read everything", |a| {
        a.read.len() == 10
    })
    .await;
    assert_eq!(
        fixture.committed(&group, &all[0]).await,
        None,
        "nothing was committed yet"
    );

    let mut b = Member::join(fixture, &group, &[&topic]).await;
    drive(fixture, "each has one", &mut [&mut a, &mut b], |members| {
        members.iter().all(|member| member.assigned.len() == 1)
    })
    .await;

    for at in &all {
        assert_eq!(fixture.committed(&group, at).await, Some(5));
        fixture.send_numbers(at, 5..6).await;
    }
    drive(
        fixture,
        "each reads its new record",
        &mut [&mut a, &mut b],
        |members| {
            members
                .iter()
                .map(|member| member.read.len())
                .sum::<usize>()
                >= 12
        },
    )
    .await;
    assert_eq!(
        b.values(),
        ["5"],
        "what the first had read does not come again"
    );
}

/// A new group that starts at the beginning reads everything that is there.
pub async fn a_new_group_starts_at_the_beginning(fixture: &Fixture) {
    let (topic, at) = one_partition(fixture).await;
    fixture.send_numbers(&at, 0..3).await;

    let group = fixture.name("group");
    let mut member =
        Member::join_as(fixture, starting(fixture, &group, &topic, Start::Beginning)).await;
    member
        .until(fixture, "it has read", |member| member.read.len() >= 3)
        .await;

    assert_eq!(member.values(), ["0", "1", "2"]);
}

/// A new group that starts now reads nothing of what is there, and everything that comes.
pub async fn a_new_group_starts_now(fixture: &Fixture) {
    let (topic, at) = one_partition(fixture).await;
    fixture.send_numbers(&at, 0..3).await;

    let group = fixture.name("group");
    let mut member = Member::join_as(fixture, starting(fixture, &group, &topic, Start::Now)).await;
    let read = until_it_reads(fixture, &mut member, &at, 3).await;

    assert!(read[0] >= 3, "what was there is not read: {read:?}");
    let expected = (0..).map(|number| read[0] + number).take(read.len());
    assert!(
        read.iter().copied().eq(expected),
        "what came is read in order: {read:?}"
    );
}

/// A group that started now has a place from then on: what comes while nobody is there is not lost,
/// even where nothing had been committed before.
pub async fn a_group_that_started_now_remembers_when(fixture: &Fixture) {
    let (topic, at) = one_partition(fixture).await;
    fixture.send_numbers(&at, 0..3).await;
    let group = fixture.name("group");
    let ship = starting(fixture, &group, &topic, Start::Now);
    let mut first = Member::join_as(fixture, ship.clone()).await;
    let read = until_it_reads(fixture, &mut first, &at, 3).await;
    first.leave(fixture).await;

    let (_, end) = fixture
        .broker
        .watermarks(&at)
        .await
        .expect("the partition is there");
    let end = usize::try_from(end).expect("offsets are not negative");
    fixture.send_numbers(&at, end..end + 3).await;
    let mut second = Member::join_as(fixture, ship).await;
    second
        .until(fixture, "it has read to the end", |member| {
            member.values().contains(&(end + 2).to_string())
        })
        .await;

    assert_eq!(
        second.values()[0],
        read[0].to_string(),
        "it begins where the first one began"
    );
}

/// A new group that starts at a time reads what is of that time or later.
pub async fn a_new_group_starts_at_a_time(fixture: &Fixture) {
    let (topic, at) = one_partition(fixture).await;
    let start = 1_700_000_000_000;
    for minute in 0..4 {
        let record = Outgoing {
            timestamp_ms: Some(start + minute * 60_000),
            ..record_at(&at, &minute.to_string())
        };
        fixture.send(record).await;
    }

    let group = fixture.name("group");
    let from = Start::At(start + 90_000);
    let mut member = Member::join_as(fixture, starting(fixture, &group, &topic, from)).await;
    member
        .until(fixture, "it has read", |member| member.read.len() >= 2)
        .await;

    assert_eq!(member.values(), ["2", "3"]);
}

/// A position that the member gives wins over what the group has committed; other partitions start
/// at what was committed.
pub async fn given_positions_win_over_committed_ones(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let all = partitions(&topic, 2);
    let group = fixture.name("group");
    for at in &all {
        fixture.send_numbers(at, 0..10).await;
    }
    let mut first = Member::join(fixture, &group, &[&topic]).await;
    first
        .until(fixture, "it has both", |member| member.assigned.len() == 2)
        .await;
    commit(fixture, &mut first, all.iter().map(|at| (at.clone(), 8))).await;
    first.leave(fixture).await;

    let mut second = Member::join(fixture, &group, &[&topic]).await;
    second.start_at = BTreeMap::from([(all[0].clone(), 5)]);
    second
        .until(fixture, "it has read", |member| member.read.len() >= 7)
        .await;

    let values = |at: &TopicPartition| {
        let of_it = second.read.iter().filter(|record| record.partition == *at);
        of_it.map(text).collect::<Vec<_>>()
    };
    assert_eq!(
        values(&all[0]),
        ["5", "6", "7", "8", "9"],
        "where the member said"
    );
    assert_eq!(values(&all[1]), ["8", "9"], "where the group had committed");
}

/// A topic of one partition.
async fn one_partition(fixture: &Fixture) -> (TopicName, TopicPartition) {
    let topic = fixture.topic(1).await;
    (topic.clone(), TopicPartition::new(topic, 0))
}

/// A membership of a group that may be new.
fn starting(fixture: &Fixture, group: &str, topic: &TopicName, start: Start) -> Membership {
    Membership {
        start,
        ..Member::ship(fixture, group, &[topic])
    }
}

/// Commits offsets that are the member's to commit.
async fn commit(
    fixture: &Fixture,
    member: &mut Member,
    offsets: impl IntoIterator<Item = (TopicPartition, i64)>,
) {
    let offsets = offsets.into_iter().collect();
    fixture
        .patiently("offsets are committed", member.consumer.commit(&offsets))
        .await
        .expect("the member commits what is its own");
}

/// Sends numbers from `next` on until the member has read one, since nobody can see from outside
/// when it has found its place. Gives the numbers that it has read.
async fn until_it_reads(
    fixture: &Fixture,
    member: &mut Member,
    at: &TopicPartition,
    mut next: usize,
) -> Vec<usize> {
    member.until_assigned(fixture).await;
    let sending = async {
        loop {
            fixture.send_numbers(at, next..next + 1).await;
            next += 1;
            fixture
                .world
                .sleep(std::time::Duration::from_millis(50))
                .await;
        }
    };
    let reading = member.until(fixture, "it reads what comes", |member| {
        !member.read.is_empty()
    });
    match futures::future::select(std::pin::pin!(reading), std::pin::pin!(sending)).await {
        futures::future::Either::Left(((), _)) => {}
        futures::future::Either::Right((never, _)) => never,
    }
    let numbers = member.values().into_iter().map(|value| value.parse());
    numbers
        .collect::<Result<_, _>>()
        .expect("values are numbers")
}
