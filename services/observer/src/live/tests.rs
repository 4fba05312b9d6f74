use prost_types as wkt;
use quadrille::wire::AssignedPartition;

use super::*;
use crate::flow::planted::expected;

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn orders() -> TopicPartition {
    TopicPartition::new(TopicName::parse("orders").unwrap(), 0)
}

fn said(at: i64, low_water: i64, activity: Activity) -> PresenceAnnounced {
    PresenceAnnounced {
        instance: "inventory-1".to_owned(),
        service: "inventory".to_owned(),
        at: Some(wkt::Timestamp {
            seconds: second(at).as_second(),
            nanos: 0,
        }),
        lease: Some(wkt::Duration {
            seconds: 6,
            nanos: 0,
        }),
        activity: activity.into(),
        assignment: vec![AssignedPartition {
            topic: "orders".to_owned(),
            partition: 0,
            low_water,
            ..AssignedPartition::default()
        }],
        ..PresenceAnnounced::default()
    }
}

fn presence(offset: i64) -> At {
    At {
        topic: "quadrille.presence".to_owned(),
        partition: 0,
        offset,
    }
}

fn look(live: &Live, now: i64) -> Snapshot {
    live.snapshot(second(now), &expected(), 1, &Counts::default(), 0)
}

#[test]
fn an_instance_is_alive_until_its_lease_is_over_by_our_clock() {
    // Given an instance whose clock is an hour behind ours.
    let live = Live::default();
    live.note_ends(&BTreeMap::from([(orders(), 10)]), second(3_600));
    live.note(said(0, 4, Activity::Running), &presence(0), second(3_600));

    let service = |now| look(&live, now).services.remove("inventory").unwrap();
    assert!(service(3_606).alive);
    assert!(!service(3_607).alive);
    assert_eq!(
        look(&live, 3_607).down(),
        ["inventory", "orders", "payments"]
    );
    let held = service(3_606);
    let held = held.held("orders", 0).unwrap();
    assert_eq!((held.low_water, held.end, held.lag), (4, 10, 6));
    assert!(service(3_607).held("orders", 0).is_none());
    // Its last word is no sign of life.
    live.note(said(1, 4, Activity::Stopped), &presence(1), second(3_601));
    assert!(!service(3_602).alive);
}

#[test]
fn words_that_were_read_late_count_from_when_they_were_written() {
    let live = Live::default();
    let at = TopicPartition::new(TopicName::parse("quadrille.presence").unwrap(), 0);
    live.note_ends(&BTreeMap::from([(at, 5)]), second(100));
    live.note(said(0, 4, Activity::Running), &presence(4), second(100));
    assert!(!look(&live, 100).services["inventory"].alive);
    // One that was written meanwhile counts from now.
    live.note(said(1, 4, Activity::Running), &presence(5), second(100));
    assert!(look(&live, 100).services["inventory"].alive);
    // An older one that comes after it changes nothing.
    live.note(said(0, 2, Activity::Stopped), &presence(6), second(101));
    assert!(look(&live, 101).services["inventory"].alive);
}

#[test]
fn a_mark_that_moves_gives_a_rate_and_one_that_stands_still_a_time() {
    let live = Live::default();
    live.note_ends(&BTreeMap::from([(orders(), 100)]), second(0));
    for (at, low_water) in [(0, 0), (2, 40), (4, 40)] {
        live.note(
            said(at, low_water, Activity::Running),
            &presence(at),
            second(at),
        );
    }
    let snapshot = look(&live, 4);
    let held = snapshot.services["inventory"].held("orders", 0).unwrap();
    assert_eq!(held.moved_at, second(2));
    assert!((held.per_second - 10.0).abs() < 0.01, "{}", held.per_second);
    assert!((snapshot.services["inventory"].lag_ms - 6_000.0).abs() < 1.0);
    // Once it has not moved for long, there is no pace to reckon with.
    for at in (6..=60).step_by(2) {
        live.note(said(at, 40, Activity::Running), &presence(at), second(at));
    }
    let service = look(&live, 60).services["inventory"].clone();
    assert_eq!((service.lag, service.lag_ms), (60, 0.0));
}

#[test]
fn the_index_says_how_far_behind_it_is() {
    let live = Live::default();
    let read = |next| live.note_positions(&BTreeMap::from([(orders(), next)]));
    read(0);
    live.note_ends(&BTreeMap::from([(orders(), 100)]), second(0));
    let index = look(&live, 0).index;
    assert!(!index.caught_up && index.is_behind());
    read(50);
    let index = look(&live, 1).index;
    assert_eq!((index.behind_records, index.read_percent), (50, Some(50.0)));
    assert_eq!(index.eta_ms, Some(1_000.0));
    // It has read all that was there at first; what came since is not old yet.
    read(100);
    live.note_ends(&BTreeMap::from([(orders(), 120)]), second(2));
    let index = look(&live, 3).index;
    assert!(index.caught_up && !index.is_behind());
    assert_eq!((index.behind_records, index.behind_ms), (20, 1_000.0));
    assert!(look(&live, 8).index.is_behind());
    read(120);
    assert!(!look(&live, 8).index.is_behind());
    live.set_trouble("reading", Some("no broker answers".to_owned()));
    assert!(look(&live, 8).index.is_behind());
    live.set_trouble("reading", None);
    assert!(!look(&live, 8).index.is_behind());
}

#[test]
fn the_broker_is_waited_for_then_answers_and_then_may_be_away_each_since_a_moment() {
    let live = Live::default();
    let told = |at| {
        let index = look(&live, at).index;
        (index.broker, index.broker_since)
    };
    live.note_broker(false, second(0));
    live.note_broker(false, second(1));
    assert_eq!(told(2), (Broker::Waiting, Some(second(0))));
    live.note_broker(true, second(3));
    live.note_broker(true, second(4));
    assert_eq!(told(5), (Broker::Answers, Some(second(3))));
    live.note_broker(false, second(6));
    live.note_broker(false, second(7));
    assert_eq!(told(8), (Broker::Away, Some(second(6))));
}

#[test]
fn a_service_is_told_how_many_flows_wait_for_it_and_of_how_many_it_has_parked_an_event() {
    let live = Live::default();
    let mut counts = Counts::default();
    for word in [Word::Running, Word::Retrying, Word::Parked] {
        counts.count(word, Some("inventory"));
    }
    let snapshot = live.snapshot(second(0), &expected(), 1, &counts, 0);
    let service = &snapshot.services["inventory"];
    assert_eq!((service.waiting_flows, service.parked_flows), (2, 1));
}
