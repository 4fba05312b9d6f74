//! Pausing and resuming partitions.

use quadrille::broker::TopicPartition;

use crate::Fixture;
use crate::fixture::{partitions, text};
use crate::member::{Member, drive};

/// A paused partition gives nothing while others go on; resumed, it goes on where it stood.
pub async fn a_paused_partition_waits_and_loses_nothing(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let all = partitions(&topic, 2);
    let mut member = Member::join(fixture, &fixture.name("group"), &[&topic]).await;
    for at in &all {
        fixture.send_numbers(at, 0..10).await;
    }
    member
        .until(fixture, "both partitions are read", |member| {
            member.read.len() == 20
        })
        .await;

    member.consumer.pause(&all[..1]);
    for at in &all {
        fixture.send_numbers(at, 10..30).await;
    }
    member
        .until(fixture, "the other partition is read", |m| {
            of(m, &all[1]).len() == 30
        })
        .await;
    assert_eq!(
        of(&member, &all[0]).len(),
        10,
        "the paused one gives nothing"
    );
    member.consumer.resume(&all[..1]);
    member
        .until(fixture, "the resumed one is read", |m| {
            of(m, &all[0]).len() >= 30
        })
        .await;

    for at in &all {
        let expected = (0..30).map(|number: usize| number.to_string());
        assert!(
            of(&member, at).into_iter().eq(expected),
            "{at} is complete and in order"
        );
    }
}

/// A member that has paused everything keeps its partitions, hears signals, and may commit.
pub async fn a_paused_member_stays_in_the_group(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let all = partitions(&topic, 2);
    let group = fixture.name("group");
    let mut a = Member::join(fixture, &group, &[&topic]).await;
    for at in &all {
        fixture.send_numbers(at, 0..5).await;
    }
    a.until(fixture, "the first has read", |a| a.read.len() == 10)
        .await;
    a.consumer.pause(&all);
    a.commit(fixture).await;
    for at in &all {
        fixture.send_numbers(at, 5..10).await;
    }

    let mut b = Member::join(fixture, &group, &[&topic]).await;
    drive(
        fixture,
        "each has one and has read it",
        &mut [&mut a, &mut b],
        |members| {
            members.iter().all(|member| member.assigned.len() == 1)
                && members
                    .iter()
                    .map(|member| member.read.len())
                    .sum::<usize>()
                    >= 20
        },
    )
    .await;

    // A partition that comes back is not paused any more.
    assert_eq!((a.read.len(), b.read.len()), (15, 5));
    assert_eq!(b.values(), ["5", "6", "7", "8", "9"]);
}

/// Values that the member has read of one partition.
fn of(member: &Member, at: &TopicPartition) -> Vec<String> {
    let of_it = member.read.iter().filter(|record| record.partition == *at);
    of_it.map(text).collect()
}
