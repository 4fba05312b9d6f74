//! Groups in which only what must move is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quadrille::broker::{Assignor, ErrorKind, Membership, Signal, TopicName, TopicPartition};

use crate::Fixture;
use crate::fixture::{partitions, text};
use crate::groups::{distinct, share, start_load, until_revoked};
use crate::member::{Member, assert_fenced, drive};

/// A member that joins gets what must move. The other is asked for that alone, once, and reads the
/// rest on where it stood.
pub async fn joining_moves_only_what_must(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let all = partitions(&topic, 4);
    let mut a = join(fixture, &group, &topic).await;
    for at in &all {
        fixture.send_numbers(at, 0..10).await;
    }
    a.until(fixture, "the first has read", |a| a.read.len() == 40)
        .await;

    let mut b = join(fixture, &group, &topic).await;
    share(fixture, &mut a, &mut b, 4).await;
    for at in &all {
        fixture.send_numbers(at, 10..20).await;
    }
    drive(fixture, "both read on", &mut [&mut a, &mut b], |members| {
        read(members) >= 80
    })
    .await;

    assert_eq!((a.assigned.len(), b.assigned.len()), (2, 2));
    assert_eq!(a.losses, 1, "it was asked once");
    assert_eq!(a.assignments, 1, "and given nothing again");
    assert_eq!((a.read.len(), b.read.len()), (60, 20), "none twice");
    assert_eq!(distinct(&[&a, &b]), 80, "and all of them");
}

/// While a member gives something up, the rest is its own as before, to be committed, and nobody has
/// what it gives up.
pub async fn what_stays_is_committed_meanwhile(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let mut a = join(fixture, &group, &topic).await;
    a.until(fixture, "the first has all", |a| a.assigned.len() == 4)
        .await;

    let mut b = join(fixture, &group, &topic).await;
    let revoked = until_revoked(fixture, &mut a, &mut b).await;
    assert_eq!(revoked.partitions.len(), 2, "half of it moves");
    let offsets = a.assigned.iter().map(|at| (at.clone(), 17)).collect();
    let committed = fixture
        .patiently("offsets are committed", a.consumer.commit(&offsets))
        .await;
    committed.expect("all are the member's until it has released");
    assert!(b.assigned.is_empty(), "nobody else has what moves");
    a.answer(Signal::Revoked(revoked));
    share(fixture, &mut a, &mut b, 4).await;

    for at in offsets.keys() {
        assert_eq!(fixture.committed(&group, at).await, Some(17));
    }
}

/// What is paused and stays is paused as before, and what moves is not.
pub async fn a_pause_lasts_for_what_stays(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let all = partitions(&topic, 4);
    let mut a = join(fixture, &group, &topic).await;
    a.until(fixture, "the first has all", |a| a.assigned.len() == 4)
        .await;
    a.consumer.pause(&all);

    let mut b = join(fixture, &group, &topic).await;
    share(fixture, &mut a, &mut b, 4).await;
    for at in &all {
        fixture.send_numbers(at, 0..5).await;
    }
    drive(
        fixture,
        "the other reads what has moved",
        &mut [&mut a, &mut b],
        |members| members[1].read.len() == 10,
    )
    .await;
    assert_eq!(a.read.len(), 0, "what stays is still paused");
    a.consumer.resume(&all);
    a.until(fixture, "it is read when it resumes", |a| {
        a.read.len() == 10
    })
    .await;
}

/// A member that leaves leaves only its own behind: it comes on top of what the other has.
pub async fn leaving_moves_only_what_is_left(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let all = partitions(&topic, 4);
    let mut a = join(fixture, &group, &topic).await;
    let mut b = join(fixture, &group, &topic).await;
    share(fixture, &mut a, &mut b, 4).await;
    for at in &all {
        fixture.send_numbers(at, 0..10).await;
    }
    drive(
        fixture,
        "both have read",
        &mut [&mut a, &mut b],
        |members| members.iter().all(|member| member.read.len() == 20),
    )
    .await;
    b.commit(fixture).await;
    let losses = a.losses;

    b.leave(fixture).await;
    for at in &all {
        fixture.send_numbers(at, 10..12).await;
    }
    a.until(fixture, "the other reads all", |a| a.read.len() >= 28)
        .await;

    assert_eq!(a.assigned.len(), 4);
    assert_eq!(a.losses, losses, "nothing was taken from it");
    assert_eq!(a.read.len(), 28, "and it has read nothing twice");
}

/// Partitions of a member that crashed come to the others when its session has ended; until then and
/// then, the others go on with what they have.
pub async fn a_crash_moves_only_what_is_left(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let all = partitions(&topic, 4);
    let ship = Membership {
        session_timeout: fixture.timeouts.session,
        ..ship(fixture, &group, &topic)
    };
    let mut a = Member::join_as(fixture, ship.clone()).await;
    let mut b = Member::join_as(fixture, ship).await;
    share(fixture, &mut a, &mut b, 4).await;
    let losses = a.losses;

    drop(b);
    for at in &all {
        fixture.send_numbers(at, 0..10).await;
    }
    a.until(fixture, "the other has all and has read it", |a| {
        a.assigned.len() == 4 && a.read.len() >= 40
    })
    .await;

    assert_eq!(a.losses, losses, "nothing was taken from it");
    assert_eq!(a.read.len(), 40, "and it has read nothing twice");
}

/// A member that does not release in time is put out with all that it has, and joins again by itself.
pub async fn not_releasing_loses_what_would_have_stayed(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let all = partitions(&topic, 4);
    let ship = Membership {
        session_timeout: fixture.timeouts.session,
        rebalance_timeout: fixture.timeouts.rebalance,
        ..ship(fixture, &group, &topic)
    };
    let mut a = Member::join_as(fixture, ship.clone()).await;
    a.until(fixture, "the first has all", |a| a.assigned.len() == 4)
        .await;

    let mut b = Member::join_as(fixture, ship).await;
    let revoked = until_revoked(fixture, &mut a, &mut b).await;
    b.until(fixture, "the other has all", |b| b.assigned.len() == 4)
        .await;

    let stays = all.iter().find(|at| !revoked.partitions.contains(at));
    let offsets = [(stays.expect("half of it stays").clone(), 5)].into();
    let late = fixture
        .patiently("the commit is answered", a.consumer.commit(&offsets))
        .await;
    assert_fenced(late);
    revoked.release(offsets);
    a.until(fixture, "it hears that all is lost", |a| {
        a.losses == 1 && a.assigned.is_empty()
    })
    .await;
    // It is not out for good, and what it has then it reads.
    share(fixture, &mut a, &mut b, 4).await;
    for at in &all {
        fixture.send_numbers(at, 0..5).await;
    }
    drive(
        fixture,
        "both read what they have",
        &mut [&mut a, &mut b],
        |members| read(members) >= 20,
    )
    .await;
    assert_eq!(distinct(&[&a, &b]), 20);
}

/// Members come and go while records flow: every record is read, and none twice.
pub async fn coming_and_going_under_load_loses_nothing(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(6).await, fixture.name("group"));
    let stop = Arc::new(AtomicBool::new(false));
    let load = start_load(fixture, &topic, 6, &stop);
    let mut a = join(fixture, &group, &topic).await;
    a.until(fixture, "the first member reads", |a| a.read.len() > 100)
        .await;
    let mut b = join(fixture, &group, &topic).await;
    let mut c = join(fixture, &group, &topic).await;
    drive(
        fixture,
        "three members read",
        &mut [&mut a, &mut b, &mut c],
        |members| {
            let read_some = |member: &&mut Member| member.read.len() > 100;
            members.iter().all(read_some) && members.iter().all(|m| m.assigned.len() == 2)
        },
    )
    .await;
    c.commit(fixture).await;
    let read_by_c = c.read.len();
    c.leave(fixture).await;
    drive(
        fixture,
        "two members share",
        &mut [&mut a, &mut b],
        |members| members.iter().all(|member| member.assigned.len() == 3),
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
        |members| read_by_c + read(members) >= sent,
    )
    .await;
    assert_eq!(read_by_c + a.read.len() + b.read.len(), sent, "none twice");
}

/// Partitions are shared evenly over all topics, not in each by itself.
pub async fn it_shares_evenly_over_all_topics(fixture: &Fixture) {
    let topics = [fixture.topic(3).await, fixture.topic(3).await];
    let group = fixture.name("group");
    let ship = Membership {
        topics: topics.to_vec(),
        ..ship(fixture, &group, &topics[0])
    };
    let mut a = Member::join_as(fixture, ship.clone()).await;
    let mut b = Member::join_as(fixture, ship).await;

    share(fixture, &mut a, &mut b, 6).await;

    assert_eq!((a.assigned.len(), b.assigned.len()), (3, 3));
}

/// A static member that leaves and comes back within its session gets what it had, and the others
/// notice nothing.
pub async fn a_static_member_that_restarts_moves_nothing_here_either(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(4).await, fixture.name("group"));
    let named = |name: &str| Membership {
        instance: Some(name.to_owned()),
        ..ship(fixture, &group, &topic)
    };
    let mut a = Member::join_as(fixture, named("a")).await;
    let mut b = Member::join_as(fixture, named("b")).await;
    share(fixture, &mut a, &mut b, 4).await;
    let (had, losses) = (a.assigned.clone(), b.losses);

    a.leave(fixture).await;
    let mut back = Member::join_as(fixture, named("a")).await;
    for at in partitions(&topic, 4) {
        fixture.send_numbers(&at, 0..5).await;
    }
    drive(fixture, "both read", &mut [&mut back, &mut b], |members| {
        read(members) >= 20
    })
    .await;

    assert_eq!(back.assigned, had, "it gets what it had");
    assert_eq!(b.losses, losses, "the other one notices nothing");
}

/// A member that names another assignor than the group's fails, is told what to do about it, and
/// disturbs nobody.
pub async fn another_assignor_is_refused(fixture: &Fixture) {
    let (topic, group) = (fixture.topic(2).await, fixture.name("group"));
    let at = TopicPartition::new(topic.clone(), 0);
    let mut a = join(fixture, &group, &topic).await;
    a.until(fixture, "the first has all", |a| a.assigned.len() == 2)
        .await;

    let mut b = Member::join(fixture, &group, &[&topic]).await;
    let refused = async {
        loop {
            match b.consumer.next().await {
                Signal::Failed(error) => return error,
                Signal::Assigned(_) => panic!("it is given nothing"),
                _ => {}
            }
        }
    };
    let error = fixture.patiently("the member fails", refused).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let told = error.to_string();
    assert!(told.contains("`group.assignor`"), "{told}");
    assert!(told.contains(&format!("`{group}`")), "{told}");

    fixture.send_numbers(&at, 0..3).await;
    a.until(fixture, "the first reads on", |a| a.read.len() == 3)
        .await;
    assert_eq!((a.assignments, a.losses), (1, 0), "it has noticed nothing");
    assert_eq!(a.read.iter().map(text).collect::<Vec<_>>(), ["0", "1", "2"]);
}

/// A member's way to take part in such a group.
fn ship(fixture: &Fixture, group: &str, topic: &TopicName) -> Membership {
    Membership {
        assignor: Assignor::CooperativeSticky,
        ..Member::ship(fixture, group, &[topic])
    }
}

async fn join(fixture: &Fixture, group: &str, topic: &TopicName) -> Member {
    Member::join_as(fixture, ship(fixture, group, topic)).await
}

/// How many records they have read.
fn read(members: &[&mut Member]) -> usize {
    members.iter().map(|member| member.read.len()).sum()
}
