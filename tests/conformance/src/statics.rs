//! Static members: names that outlive a restart.

use quadrille::broker::{ErrorKind, Membership, Signal, TopicName};

use crate::Fixture;
use crate::fixture::partitions;
use crate::member::{Member, drive};

/// A static member that leaves and comes back within its session gets what it had, and the others
/// notice nothing.
pub async fn a_static_member_that_restarts_moves_nothing(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let (mut a, mut b) = two_names(fixture, &topic, &group).await;
    for at in partitions(&topic, 4) {
        fixture.send_numbers(&at, 0..5).await;
    }
    drive(
        fixture,
        "both have read",
        &mut [&mut a, &mut b],
        |members| members.iter().all(|member| member.read.len() == 10),
    )
    .await;
    let had = a.assigned.clone();
    let losses = b.losses;
    a.commit(fixture).await;

    a.leave(fixture).await;
    let mut back = Member::join_as(fixture, named(fixture, &topic, &group, "a")).await;
    for at in partitions(&topic, 4) {
        fixture.send_numbers(&at, 5..6).await;
    }
    drive(
        fixture,
        "both read on",
        &mut [&mut back, &mut b],
        |members| members[0].read.len() >= 2 && members[1].read.len() >= 12,
    )
    .await;

    assert_eq!(back.assigned, had, "it gets what it had");
    assert_eq!(
        back.values(),
        ["5", "5"],
        "and goes on where it had committed"
    );
    assert_eq!(b.losses, losses, "the other one notices nothing");
}

/// A static member that crashed and comes back within its session gets what it had, and the others
/// notice nothing.
pub async fn a_static_member_that_crashed_moves_nothing(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let (a, mut b) = two_names(fixture, &topic, &group).await;
    let had = a.assigned.clone();
    let losses = b.losses;

    drop(a);
    let mut back = Member::join_as(fixture, named(fixture, &topic, &group, "a")).await;
    for at in partitions(&topic, 4) {
        fixture.send_numbers(&at, 0..5).await;
    }
    drive(fixture, "both read", &mut [&mut back, &mut b], |members| {
        members.iter().all(|member| member.read.len() >= 10)
    })
    .await;

    assert_eq!(back.assigned, had, "it gets what it had");
    assert_eq!(b.losses, losses, "the other one notices nothing");
}

/// Where two members go by one name, the newer one takes over, and the older one fails for good.
pub async fn a_second_member_of_the_same_name_takes_over(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(2).await, fixture.name("group"));
    let ship = named(fixture, &topic, &group, "a");
    let mut old = Member::join_as(fixture, ship.clone()).await;
    old.until(fixture, "the older one has all", |old| {
        old.assigned.len() == 2
    })
    .await;

    let mut new = Member::join_as(fixture, ship).await;
    let failing = async {
        loop {
            match old.consumer.next().await {
                Signal::Failed(error) => return error,
                // What comes first may be that its partitions are lost.
                Signal::Assigned(_) => panic!("the older one is given nothing more"),
                _ => {}
            }
        }
    };
    let has_all = new.until(fixture, "the newer one has all", |new| {
        new.assigned.len() == 2
    });
    let (error, ()) = futures::join!(fixture.patiently("the older one fails", failing), has_all);

    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    let offsets = partitions(&topic, 2)
        .into_iter()
        .map(|at| (at, 1))
        .collect();
    let late = fixture
        .patiently("the commit is answered", old.consumer.commit(&offsets))
        .await;
    late.expect_err("a member that has failed commits nothing");
    new.commit(fixture).await;
}

/// Two static members that share four partitions.
async fn two_names(fixture: &Fixture, topic: &TopicName, group: &str) -> (Member, Member) {
    let mut a = Member::join_as(fixture, named(fixture, topic, group, "a")).await;
    let mut b = Member::join_as(fixture, named(fixture, topic, group, "b")).await;
    drive(
        fixture,
        "the members share",
        &mut [&mut a, &mut b],
        |members| members.iter().all(|member| member.assigned.len() == 2),
    )
    .await;
    (a, b)
}

/// A static member's way to take part.
fn named(fixture: &Fixture, topic: &TopicName, group: &str, instance: &str) -> Membership {
    Membership {
        instance: Some(instance.to_owned()),
        ..Member::ship(fixture, group, &[topic])
    }
}
