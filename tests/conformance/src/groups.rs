//! Consumer groups: sharing, joining, leaving, crashing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quadrille::broker::{Membership, Revoked, Signal, TopicName, TopicPartition};
use quadrille::event::Retention;
use quadrille::world;

use crate::Fixture;
use crate::fixture::{partitions, record_at, text};
use crate::member::{Member, assert_fenced, drive};

/// Every group gets every record.
pub async fn each_group_gets_everything(fixture: &Fixture) {
    let topic = fixture.topic(3).await;
    for at in partitions(&topic, 3) {
        fixture.send_numbers(&at, 0..50).await;
    }

    for group in [fixture.name("group"), fixture.name("group")] {
        let mut member = Member::join(fixture, &group, &[&topic]).await;
        member
            .until(fixture, "the group has read everything", |member| {
                member.read.len() >= 150
            })
            .await;
        assert_eq!(distinct(&[&member]), 150);
        assert_eq!(member.read.len(), 150);
        member.leave(fixture).await;
    }
}

/// Two members of one group share the partitions: every record goes to one of them, once.
pub async fn two_members_share_without_loss_or_repetition(fixture: &Fixture) {
    let topic = fixture.topic(6).await;
    let all = partitions(&topic, 6);
    let group = fixture.name("group");
    let mut a = Member::join(fixture, &group, &[&topic]).await;
    let mut b = Member::join(fixture, &group, &[&topic]).await;
    share(fixture, &mut a, &mut b, 6).await;

    for at in &all {
        fixture.send_numbers(at, 0..100).await;
    }
    drive(
        fixture,
        "both have read everything",
        &mut [&mut a, &mut b],
        |members| {
            members
                .iter()
                .map(|member| member.read.len())
                .sum::<usize>()
                >= 600
        },
    )
    .await;

    assert_eq!(
        (a.assigned.len(), b.assigned.len()),
        (3, 3),
        "range shares evenly"
    );
    assert_eq!((a.read.len(), b.read.len()), (300, 300));
    assert_eq!(distinct(&[&a, &b]), 600);
}

/// Partitions of one number of two topics with equal counts meet at one member.
pub async fn range_puts_equal_partitions_together(fixture: &Fixture) {
    let topics = [fixture.topic(5).await, fixture.topic(5).await];
    let group = fixture.name("group");
    let mut a = Member::join(fixture, &group, &[&topics[0], &topics[1]]).await;
    let mut b = Member::join(fixture, &group, &[&topics[1], &topics[0]]).await;

    share(fixture, &mut a, &mut b, 10).await;

    for member in [&a, &b] {
        let numbers = |topic: &TopicName| {
            let assigned = member.assigned.iter();
            let of_topic = assigned.filter(move |at| at.topic == *topic);
            of_topic.map(|at| at.partition).collect::<Vec<_>>()
        };
        let first = numbers(&topics[0]);
        assert_eq!(
            first,
            numbers(&topics[1]),
            "of either topic the same numbers"
        );
        let expected: &[i32] = match first.len() {
            3 => &[0, 1, 2],
            _ => &[3, 4],
        };
        assert_eq!(first, expected, "ranges, of which the first is the longer");
    }
}

/// A member joins while records flow: the other reads on, commits what it has and hands over. Every
/// record is read, and none twice.
pub async fn a_member_that_joins_under_load_loses_nothing(fixture: &Fixture) {
    let topic = fixture.topic(6).await;
    let group = fixture.name("group");
    let stop = Arc::new(AtomicBool::new(false));
    let load = start_load(fixture, &topic, 6, &stop);
    let mut a = Member::join(fixture, &group, &[&topic]).await;
    a.until(fixture, "the first member reads", |a| a.read.len() > 100)
        .await;

    let mut b = Member::join(fixture, &group, &[&topic]).await;
    drive(
        fixture,
        "both members read",
        &mut [&mut a, &mut b],
        |members| {
            let [a, b] = members else {
                panic!("there are two members");
            };
            b.read.len() > 100 && a.assigned.len() == 3
        },
    )
    .await;
    stop.store(true, Ordering::Relaxed);
    let sent = fixture
        .patiently("the load ends", load)
        .await
        .expect("the load is taken");
    drive(
        fixture,
        "everything is read",
        &mut [&mut a, &mut b],
        |members| {
            members
                .iter()
                .map(|member| member.read.len())
                .sum::<usize>()
                >= sent
        },
    )
    .await;

    assert_eq!(distinct(&[&a, &b]), sent, "every record was read");
    assert_eq!(a.read.len() + b.read.len(), sent, "and none twice");
}

/// A revoked partition stays the member's until it has released it: it may still commit, and nobody
/// else is given the partition.
pub async fn a_member_may_commit_until_it_has_released(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let all = partitions(&topic, 2);
    let group = fixture.name("group");
    let mut a = Member::join(fixture, &group, &[&topic]).await;
    a.until(fixture, "the first member has all", |a| {
        a.assigned.len() == 2
    })
    .await;

    let mut b = Member::join(fixture, &group, &[&topic]).await;
    let revoked = until_revoked(fixture, &mut a, &mut b).await;
    let offsets = all.iter().map(|at| (at.clone(), 17)).collect();
    let committed = a.consumer.commit(&offsets);
    let committed = fixture.patiently("offsets are committed", committed).await;
    committed.expect("the partitions are still the member's");
    assert!(b.assigned.is_empty(), "nobody else has the partitions");
    a.answer(Signal::Revoked(revoked));
    share(fixture, &mut a, &mut b, 2).await;

    for at in &all {
        assert_eq!(fixture.committed(&group, at).await, Some(17));
    }
}

/// A member that leaves hands over at once: nobody waits for its session to end.
pub async fn a_member_that_leaves_hands_over_at_once(fixture: &Fixture) {
    let topic = fixture.topic(4).await;
    let group = fixture.name("group");
    // The session outlasts patience, so that a wait for its end would fail the case.
    let mut a = Member::join(fixture, &group, &[&topic]).await;
    let mut b = Member::join(fixture, &group, &[&topic]).await;
    share(fixture, &mut a, &mut b, 4).await;

    a.leave(fixture).await;

    b.until(fixture, "the other has all partitions", |b| {
        b.assigned.len() == 4
    })
    .await;
    fixture
        .send_numbers(&TopicPartition::new(topic, 0), 0..3)
        .await;
    b.until(fixture, "and reads them", |b| b.read.len() == 3)
        .await;
}

/// Partitions of a member that crashed come back to the others when its session has ended, from
/// what it had committed on.
pub async fn a_crashed_members_partitions_come_back(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let group = fixture.name("group");
    let ship = Membership {
        session_timeout: fixture.timeouts.session,
        ..Member::ship(fixture, &group, &[&topic])
    };
    let mut a = Member::join_as(fixture, ship.clone()).await;
    let mut b = Member::join_as(fixture, ship).await;
    share(fixture, &mut a, &mut b, 2).await;
    for at in partitions(&topic, 2) {
        fixture.send_numbers(&at, 0..10).await;
    }
    drive(
        fixture,
        "both have read",
        &mut [&mut a, &mut b],
        |members| members.iter().all(|member| member.read.len() == 10),
    )
    .await;
    let its = a.assigned.first().expect("each has one").clone();
    let offsets = [(its.clone(), 4)].into();
    let committed = fixture
        .patiently("offsets are committed", a.consumer.commit(&offsets))
        .await;
    committed.expect("the partition is the member's");

    drop(a);

    b.until(fixture, "the other has both partitions", |b| {
        b.assigned.len() == 2
    })
    .await;
    b.until(fixture, "and reads on", |b| b.read.len() >= 16)
        .await;
    let again = b.read.iter().filter(|record| record.partition == its);
    let again: Vec<String> = again.map(text).collect();
    assert_eq!(
        again,
        ["4", "5", "6", "7", "8", "9"],
        "from the committed offset on"
    );
}

/// A member that does not release within the rebalance timeout is put out: its partitions are lost,
/// and nothing that it says of them counts any more.
pub async fn a_member_that_does_not_release_is_put_out(fixture: &Fixture) {
    let topic = fixture.topic(2).await;
    let at = TopicPartition::new(topic.clone(), 0);
    let group = fixture.name("group");
    let ship = Membership {
        session_timeout: fixture.timeouts.session,
        rebalance_timeout: fixture.timeouts.rebalance,
        ..Member::ship(fixture, &group, &[&topic])
    };
    let mut a = Member::join_as(fixture, ship.clone()).await;
    a.until(fixture, "the first member has all", |a| {
        a.assigned.len() == 2
    })
    .await;

    let mut b = Member::join_as(fixture, ship).await;
    let revoked = until_revoked(fixture, &mut a, &mut b).await;
    b.until(fixture, "the other has all", |b| b.assigned.len() == 2)
        .await;

    let offsets = [(at.clone(), 5)].into();
    let late = fixture
        .patiently("the commit is answered", a.consumer.commit(&offsets))
        .await;
    assert_fenced(late);
    revoked.release(offsets);
    a.until(
        fixture,
        "the member hears that its partitions are lost",
        |a| a.losses == 1 && a.assigned.is_empty(),
    )
    .await;
    assert_eq!(
        fixture.committed(&group, &at).await,
        None,
        "what came late was not committed"
    );
    // It is not out for good: it joins again by itself.
    share(fixture, &mut a, &mut b, 2).await;
}

/// A member for whom there is no partition waits, and steps in when another one leaves.
pub async fn a_spare_member_steps_in(fixture: &Fixture) {
    let topic = fixture.topic(1).await;
    let at = TopicPartition::new(topic.clone(), 0);
    let group = fixture.name("group");
    let mut a = Member::join(fixture, &group, &[&topic]).await;
    a.until(fixture, "the first member has it", |a| {
        a.assigned.len() == 1
    })
    .await;
    let mut b = Member::join(fixture, &group, &[&topic]).await;
    drive(
        fixture,
        "one of them has it",
        &mut [&mut a, &mut b],
        |members| {
            // The first was asked to give it up, and either has it since.
            members[0].losses == 1 && members.iter().any(|member| member.assigned.len() == 1)
        },
    )
    .await;
    let (owner, mut spare) = match a.assigned.is_empty() {
        true => (b, a),
        false => (a, b),
    };

    owner.leave(fixture).await;

    fixture.send_numbers(&at, 0..5).await;
    spare
        .until(fixture, "the spare one reads", |spare| {
            spare.read.len() == 5
        })
        .await;
}

/// A member may subscribe to a topic before it is there, and reads it once it is.
pub async fn a_topic_created_later_is_read(fixture: &Fixture) {
    let there = fixture.topic(1).await;
    let later = fixture.topic_name("later");
    let group = fixture.name("group");
    let mut member = Member::join(fixture, &group, &[&there, &later]).await;
    fixture
        .send_numbers(&TopicPartition::new(there, 0), 0..1)
        .await;
    member
        .until(fixture, "what is there is read", |member| {
            member.read.len() == 1
        })
        .await;

    fixture.create(&later, 2, Retention::Forever).await;
    for at in partitions(&later, 2) {
        fixture.send_numbers(&at, 0..1).await;
    }

    member
        .until(fixture, "what came later is read", |member| {
            member.read.len() == 3
        })
        .await;
}

/// A member whose calls are dropped again and again misses no record and no signal.
pub async fn a_cancelled_wait_loses_nothing(fixture: &Fixture) {
    const COUNT: usize = 300;
    let topic = fixture.topic(1).await;
    let at = TopicPartition::new(topic.clone(), 0);
    let mut member = Member::join(fixture, &fixture.name("group"), &[&topic]).await;

    let sending = async {
        for number in 0..COUNT {
            fixture.send_numbers(&at, number..number + 1).await;
        }
    };
    let reading = async {
        while member.read.len() < COUNT {
            let wait = Duration::from_micros(300);
            let _ = world::timeout(&fixture.world, wait, member.step()).await;
        }
    };
    futures::join!(sending, fixture.patiently("all records are read", reading));

    let expected = (0..COUNT).map(|number| number.to_string());
    assert!(
        member.values().into_iter().eq(expected),
        "all records once and in order"
    );
}

/// Steps two members until they have all partitions between them, and each has some.
pub(crate) async fn share(fixture: &Fixture, a: &mut Member, b: &mut Member, count: usize) {
    drive(fixture, "the members share", &mut [a, b], |members| {
        members
            .iter()
            .map(|member| member.assigned.len())
            .sum::<usize>()
            == count
            && members.iter().all(|member| !member.assigned.is_empty())
    })
    .await;
}

/// Steps the second member, and the first until it is asked to give its partitions up.
pub(crate) async fn until_revoked(fixture: &Fixture, a: &mut Member, b: &mut Member) -> Revoked {
    let joining = async {
        loop {
            b.step().await;
        }
    };
    let asked = async {
        loop {
            match a.consumer.next().await {
                Signal::Revoked(revoked) => return revoked,
                other => a.answer(other),
            }
        }
    };
    let (asked, joining) = (std::pin::pin!(asked), std::pin::pin!(joining));
    let either = futures::future::select(asked, joining);
    let what = "the first member is asked to give its partitions up";
    fixture.patiently(what, either).await.factor_first().0
}

/// Sends numbers to all partitions in turn until it is stopped. Gives how many it has sent.
pub(crate) fn start_load(
    fixture: &Fixture,
    topic: &TopicName,
    count: i32,
    stop: &Arc<AtomicBool>,
) -> world::Task<usize> {
    let (broker, stop) = (Arc::clone(&fixture.broker), Arc::clone(stop));
    let all = partitions(topic, count);
    world::spawn(&fixture.world, "load", async move {
        let mut sent = 0;
        while !stop.load(Ordering::Relaxed) {
            let at = &all[sent % all.len()];
            let record = record_at(at, &sent.to_string());
            let delivery = broker
                .send(record)
                .await
                .expect("the broker takes the record");
            delivery.await.expect("the broker keeps the record");
            sent += 1;
        }
        sent
    })
}

/// Number of distinct records that the members have read.
pub(crate) fn distinct(members: &[&Member]) -> usize {
    let records = members.iter().flat_map(|member| &member.read);
    let places: BTreeSet<_> = records.map(|r| (&r.partition, r.offset)).collect();
    places.len()
}
