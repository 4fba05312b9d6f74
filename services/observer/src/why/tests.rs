use crate::live::InstanceView;
use crate::seen::At;

use super::*;

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn wait() -> Wait {
    Wait {
        service: "payments".to_owned(),
        kind: "inventory.v1.StockReserved".to_owned(),
        at: At {
            topic: "inventory".to_owned(),
            partition: 3,
            offset: 42,
        },
        since: Some(second(0)),
        attempts: 0,
        code: String::new(),
        next_attempt_at: None,
    }
}

fn failed(code: &str) -> Wait {
    Wait {
        attempts: 3,
        code: code.to_owned(),
        next_attempt_at: Some(second(30)),
        ..wait()
    }
}

/// Payments, whose partition has its low-water mark there, with so many events in hand.
fn snapshot(low_water: i64, unfinished: u64) -> Snapshot {
    let held = Assigned {
        topic: "inventory".to_owned(),
        partition: 3,
        paused: false,
        unfinished,
        low_water,
        end: 100,
        lag: (100 - low_water).unsigned_abs(),
        per_second: 4.0,
        moved_at: second(18),
    };
    let instance = InstanceView {
        instance: "payments-1".to_owned(),
        code_version: "1".to_owned(),
        activity: "running".to_owned(),
        at: second(19),
        alive: true,
        assignment: vec![held],
        retrying_count: 0,
        parked_count: 0,
        skipped_count: 0,
    };
    let service = Service {
        name: "payments".to_owned(),
        alive: true,
        last_seen: Some(second(19)),
        instances: vec![instance],
        ..Service::default()
    };
    Snapshot {
        now: second(20),
        services: [("payments".to_owned(), service)].into(),
        index: IndexState {
            caught_up: true,
            broker: Broker::Answers,
            ..IndexState::default()
        },
    }
}

fn held(snapshot: &mut Snapshot) -> &mut Assigned {
    let service = snapshot.services.get_mut("payments").unwrap();
    &mut service.instances[0].assignment[0]
}

fn told(wait: &Wait, snapshot: &Snapshot) -> (Word, String) {
    explain(Word::Running, "as topics tell", Some(wait), snapshot)
}

#[test]
fn a_service_that_is_down_blocks_and_one_that_was_never_seen_too() {
    let mut snapshot = snapshot(42, 1);
    snapshot.services.get_mut("payments").unwrap().alive = false;
    let (word, why) = told(&wait(), &snapshot);
    assert_eq!(word, Word::Blocked);
    assert_eq!(
        why,
        "payments is down (last seen 1.0 s ago): StockReserved (inventory/3@42) waits for it"
    );
    let (_, why) = told(&failed("timeout"), &snapshot);
    assert!(
        why.ends_with(", after 3 failed attempts (timeout)"),
        "{why}"
    );
    snapshot.services.clear();
    let (word, why) = told(&wait(), &snapshot);
    assert_eq!(word, Word::Blocked);
    assert!(
        why.contains("nobody of it was seen in the last hour"),
        "{why}"
    );
}

#[test]
fn what_holds_an_event_up_is_told_by_where_its_service_is() {
    let cases = [
        (
            42,
            1,
            "payments has taken StockReserved and is not done with it after 20 s",
        ),
        (
            10,
            33,
            "payments has taken StockReserved and is not done with it after 20 s: up to 32 events \
             before it are in hand too",
        ),
        (
            10,
            4,
            "payments lags: 32 events stand before StockReserved in inventory/3, about 8.0 s at 4/s",
        ),
        (42, 0, "waits for payments to react to StockReserved"),
        (
            43,
            0,
            "payments is past StockReserved (inventory/3@42), and has not told what became of it",
        ),
    ];
    for (low_water, unfinished, why) in cases {
        assert_eq!(told(&wait(), &snapshot(low_water, unfinished)).1, why);
    }
    let fresh = Wait {
        since: Some(second(19)),
        ..wait()
    };
    assert_eq!(
        told(&fresh, &snapshot(42, 1)).1,
        "payments is reacting to StockReserved"
    );
}

#[test]
fn a_partition_that_is_paused_stuck_or_nobodys_is_told() {
    let mut paused = snapshot(10, 4);
    held(&mut paused).paused = true;
    assert_eq!(
        told(&wait(), &paused).1,
        "payments has paused: 4 events before StockReserved (inventory/3@42) are not finished"
    );
    let mut stuck = snapshot(10, 4);
    held(&mut stuck).moved_at = second(-100);
    assert_eq!(
        told(&wait(), &stuck).1,
        "payments is stuck: 32 events stand before StockReserved in inventory/3, and none was \
         finished for 2 min"
    );
    let mut nobodys = snapshot(10, 4);
    held(&mut nobodys).partition = 4;
    let (word, why) = told(&wait(), &nobodys);
    assert_eq!(word, Word::Running);
    assert!(
        why.contains("none of its instances has the partition"),
        "{why}"
    );
}

#[test]
fn a_retry_tells_the_outside_party_where_it_is_one() {
    let snapshot = snapshot(42, 1);
    let why = |code| explain(Word::Retrying, "", Some(&failed(code)), &snapshot);
    assert_eq!(
        why("gateway_unreachable"),
        (
            Word::Retrying,
            "gateway cannot be reached: payments goes on trying for StockReserved, attempt 3, \
             next in 10 s"
                .to_owned()
        )
    );
    assert!(why("gateway_down").1.starts_with("gateway is out of order"));
    let silent = why("gateway_silent").1;
    assert!(
        silent.starts_with("gateway does not answer in time"),
        "{silent}"
    );
    assert_eq!(
        why("timeout").1,
        "payments failed at StockReserved (timeout), attempt 3, next in 10 s"
    );
}

#[test]
fn an_index_that_is_behind_says_so_before_anything_else() {
    let mut snapshot = snapshot(42, 1);
    snapshot.index.behind_ms = 12_000.0;
    snapshot.index.behind_records = 7;
    let (word, why) = told(&wait(), &snapshot);
    assert_eq!(word, Word::Unknown);
    assert_eq!(
        why,
        "the index is 12 s behind, by 7 records; last known: as topics tell"
    );
    snapshot.index.caught_up = false;
    snapshot.index.read_percent = Some(43.4);
    assert!(
        told(&wait(), &snapshot)
            .1
            .starts_with("the index is being built, 43 % read")
    );
    snapshot.index.trouble = Some("no broker answers".to_owned());
    assert!(
        told(&wait(), &snapshot)
            .1
            .starts_with("topics cannot be read: no broker answers")
    );
}

#[test]
fn spans_are_told_in_two_digits() {
    let spans = [
        12.4,
        1_250.0,
        95_000.0,
        240_000.0,
        10_800_000.0,
        400_000_000.0,
    ];
    let told = spans.map(span);
    assert_eq!(told, ["12 ms", "1.2 s", "95 s", "4 min", "3 h", "5 d"]);
}

#[test]
fn a_broker_that_has_not_answered_yet_is_told_with_what_was_known() {
    let mut snapshot = snapshot(42, 1);
    snapshot.index = IndexState {
        broker: Broker::Waiting,
        broker_since: Some(second(8)),
        trouble: Some("cannot reach it".to_owned()),
        ..IndexState::default()
    };
    let (word, why) = told(&wait(), &snapshot);
    assert_eq!(word, Word::Unknown);
    assert_eq!(
        why,
        "the broker has not answered yet (12 s by now); last known: as topics tell"
    );
    // When it goes away later, a retry is told without when it would be due.
    snapshot.index.broker = Broker::Away;
    assert_eq!(
        told(&failed("gateway_unreachable"), &snapshot).1,
        "the broker does not answer any more (12 s by now); last known: gateway cannot be reached: \
         payments goes on trying for StockReserved, attempt 3"
    );
}
