//! Rebalances in which only what must move is given up.

use super::*;

fn cooperative() -> Membership {
    Membership {
        assignor: Assignor::CooperativeSticky,
        ..membership()
    }
}

/// Two members that share four partitions, as a group comes to it.
fn sharing(bench: &mut Bench) -> (ClientId, ClientId) {
    let a = bench.reading_as(cooperative());
    let b = bench.join_as(cooperative());
    assert_eq!(bench.hears(b), "assigned", "nothing is free yet");
    assert_eq!(bench.hears(a), "revoked t-2 t-3");
    bench.release(a, &[]);
    assert_eq!(bench.hears(b), "assigned t-2 t-3");
    bench.start(b);
    (a, b)
}

#[test]
fn what_moves_is_given_up_first_and_given_to_others_then() {
    let mut bench = Bench::new();
    let a = bench.reading_as(cooperative());
    let b = bench.join_as(cooperative());
    bench.send("t-0", 1);
    bench.send("t-2", 7);
    bench.send("t-3", 1);

    assert_eq!(bench.hears(b), "assigned", "nothing is free yet");
    assert_eq!(bench.hears(a), "revoked t-2 t-3");
    assert_eq!(bench.hears(b), "wait until 60");
    assert_eq!(bench.hears(a), "1 records", "t-0 goes on, t-3 does not");
    assert!(bench.commit(a, &[("t-0", 1), ("t-3", 0)]).is_ok());
    bench.release(a, &[("t-2", 7), ("t-0", 9)]);

    assert_eq!(bench.group.committed(&partition("t-2")), Some(7));
    assert_eq!(
        bench.group.committed(&partition("t-0")),
        Some(1),
        "what stays is not released"
    );
    assert!(is_fenced(bench.commit(a, &[("t-3", 1)])));
    assert_eq!(bench.hears(b), "assigned t-2 t-3");
    let heard = bench.hears(a);
    assert!(
        heard.starts_with("wait"),
        "nothing has moved to it: {heard}"
    );
    bench.start(b);
    assert_eq!(bench.hears(b), "1 records");
    bench.send("t-1", 2);
    assert_eq!(
        bench.hears(a),
        "2 records",
        "and it reads on where it stood"
    );
}

#[test]
fn what_somebody_has_left_behind_comes_on_top() {
    let mut bench = Bench::new();
    let (a, b) = sharing(&mut bench);
    bench.send("t-0", 1);

    bench.group.leave(b, bench.now, &bench.topics);

    assert_eq!(bench.hears(a), "assigned t-2 t-3");
    assert_eq!(bench.hears(a), "1 records", "before it has answered");
    bench.start(a);
    bench.send("t-2", 1);
    assert_eq!(bench.hears(a), "1 records");
}

#[test]
fn others_go_on_while_a_member_that_is_gone_is_waited_for() {
    let mut bench = Bench::new();
    let (a, b) = sharing(&mut bench);
    bench.group.gone(b, bench.now);
    let c = bench.join_as(cooperative());

    bench.send("t-1", 1);
    assert_eq!(bench.hears(a), "1 records");
    assert_eq!(bench.hears(c), "wait until 10");
    bench.wait(10);

    assert_eq!(bench.hears(c), "assigned t-2 t-3");
    let heard = bench.hears(a);
    assert!(heard.starts_with("wait"), "nothing of it moves: {heard}");
}

#[test]
fn who_does_not_release_in_time_loses_what_would_have_stayed_too() {
    let mut bench = Bench::new();
    let a = bench.reading_as(cooperative());
    let b = bench.join_as(cooperative());
    assert_eq!(bench.hears(b), "assigned");
    assert_eq!(bench.hears(a), "revoked t-2 t-3");

    assert_eq!(bench.hears(b), "wait until 60");
    bench.wait(60);

    assert_eq!(bench.hears(b), "assigned t-0 t-1 t-2 t-3");
    assert!(is_fenced(bench.commit(a, &[("t-0", 5)])));
    assert_eq!(bench.hears(a), "lost t-0 t-1 t-2 t-3");
    bench.start(b);
    assert_eq!(bench.hears(a), "assigned", "it has joined again");
    assert_eq!(bench.hears(b), "revoked t-2 t-3");
}

#[test]
fn whoever_gives_up_some_may_be_given_others() {
    // Given: what nobody has comes with the same rebalance in which something is to be given up.
    let mut bench = Bench::new();
    bench.create("u", 4);
    let only_u = Membership {
        topics: vec![TopicName::parse("u").unwrap()],
        ..cooperative()
    };
    let both = Membership {
        topics: ["t", "u"]
            .map(|name| TopicName::parse(name).unwrap())
            .into(),
        ..cooperative()
    };
    let a = bench.join_as(only_u);
    assert_eq!(bench.hears(a), "assigned u-0 u-1 u-2 u-3");
    bench.start(a);
    let b = bench.join_as(both);
    assert_eq!(bench.hears(b), "assigned t-0 t-1 t-2 t-3");
    bench.start(b);

    // When: what b has moves to c, while what a had is free.
    bench.group.gone(a, bench.now);
    let c = bench.join_as(Membership {
        topics: vec![TopicName::parse("t").unwrap()],
        ..cooperative()
    });
    bench.wait(10);

    // Then: b hears of both, one after the other.
    assert_eq!(bench.hears(b), "revoked t-0 t-1 t-2 t-3");
    assert_eq!(bench.hears(c), "assigned");
    bench.release(b, &[]);
    assert!(
        bench.commit(b, &[("u-0", 1)]).is_err(),
        "before it has heard"
    );
    assert_eq!(bench.hears(b), "assigned u-0 u-1 u-2 u-3");
    bench.start(b);
    assert_eq!(bench.hears(c), "assigned t-0 t-1 t-2 t-3");
    let owned = |id| bench.group.members[&id].owned.len();
    assert_eq!((owned(b), owned(c)), (4, 4));
}

#[test]
fn a_pause_lasts_for_what_stays() {
    let mut bench = Bench::new();
    let a = bench.reading_as(cooperative());
    let all: Vec<_> = ["t-0", "t-1", "t-2", "t-3"].map(partition).into();
    bench.group.set_paused(a, &all, true);
    bench.send("t-0", 1);
    let b = bench.join_as(cooperative());
    assert_eq!(bench.hears(b), "assigned");
    assert_eq!(bench.hears(a), "revoked t-2 t-3");
    bench.release(a, &[]);
    assert_eq!(bench.hears(a), "wait until 60", "still paused");
    bench.group.set_paused(a, &all, false);
    assert_eq!(bench.hears(a), "1 records");
}

#[test]
fn a_member_with_another_assignor_is_refused_and_disturbs_nobody() {
    let mut bench = Bench::new();
    let a = bench.reading_as(cooperative());
    let b = bench.join();

    let heard = bench.hears(b);
    assert!(
        heard.starts_with("failed: cannot join group `g`"),
        "{heard}"
    );
    assert!(heard.contains("`group.assignor`"), "{heard}");
    assert!(heard.contains("\"cooperative-sticky\""), "{heard}");
    assert_eq!(bench.hears(b), "wait", "nothing follows");
    assert_eq!(bench.hears(a), "wait");

    // Once the others are gone, it is taken in as it is.
    bench.group.leave(a, bench.now, &bench.topics);
    let b = bench.join();
    assert_eq!(bench.hears(b), "assigned t-0 t-1 t-2 t-3");
}
