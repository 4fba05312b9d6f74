use quadrille::wire::{ContractPublished, Outcome, Reaction};

use super::*;
use crate::flow::planted::{after_ms, event, receipt};

const PLACED: &str = "orders.v1.OrderPlaced";
const WITHDRAWN: &str = "orders.v1.OrderWithdrawn";
const RESERVED: &str = "inventory.v1.StockReserved";

/// The nth contract of audit, published so many milliseconds after the beginning.
fn audit(offset: i64, ms: i64, start: &str, kinds: &[&str]) -> Promised {
    let reaction = |kind: &&str| Reaction {
        event: (*kind).to_owned(),
        topic: kind.split('.').next().unwrap().to_owned(),
        ..Reaction::default()
    };
    Promised {
        contract: ContractPublished {
            service: "audit".to_owned(),
            reactions: kinds.iter().map(reaction).collect(),
            start: start.to_owned(),
            ..ContractPublished::default()
        },
        at: after_ms(ms),
        offset,
    }
}

fn comes(expected: &Expected, kind: &str, ms: i64) -> bool {
    let reactors = expected.reactors_at(kind, Some(after_ms(ms)));
    reactors.eq(["audit"])
}

#[test]
fn a_new_service_reads_what_its_start_says() {
    let of = |start: &str| {
        let mut expected = Expected::default();
        assert!(expected.note(&audit(0, 1_000, start, &[PLACED])));
        expected
    };
    for start in ["", "beginning"] {
        assert!(comes(&of(start), PLACED, 0), "{start}");
    }
    let now = of("now");
    assert!(!comes(&now, PLACED, 999) && comes(&now, PLACED, 1_000));
    // It is known all the same that there is somebody for such events.
    assert!(now.reactors(PLACED).eq(["audit"]));
    let time = of(&after_ms(500).to_string());
    assert!(!comes(&time, PLACED, 499) && comes(&time, PLACED, 500));
}

#[test]
fn what_a_service_learns_counts_from_then_in_topics_that_it_has_read_before() {
    let mut expected = Expected::default();
    expected.note(&audit(0, 0, "beginning", &[PLACED]));
    let second = audit(1, 1_000, "beginning", &[PLACED, WITHDRAWN, RESERVED]);
    assert!(expected.note(&second));
    assert!(comes(&expected, PLACED, -1));
    assert!(!comes(&expected, WITHDRAWN, 999) && comes(&expected, WITHDRAWN, 1_000));
    assert!(comes(&expected, RESERVED, 0), "that topic is new to it");
    // The same ones again, as after a start of the observer, change nothing.
    assert!(!expected.note(&audit(0, 0, "beginning", &[PLACED])));
    assert!(!expected.note(&second));
    assert!(!comes(&expected, WITHDRAWN, 999));
    // Nor does its next start with the same contract.
    assert!(!expected.note(&audit(
        2,
        5_000,
        "beginning",
        &[PLACED, WITHDRAWN, RESERVED]
    )));
    assert!(comes(&expected, WITHDRAWN, 1_000));
    // A topic that was made anew begins at 0.
    assert!(expected.note(&audit(0, 9_000, "beginning", &[PLACED])));
}

#[test]
fn whoever_has_told_of_an_event_was_there_before() {
    // Given a service that starts now, whose contract is of its last start, and an older receipt of it.
    let mut expected = Expected::default();
    expected.note(&audit(7, 60_000, "now", &[PLACED]));
    let placed = event("p", PLACED, None, 1_000);
    assert!(expected.note_receipt(&receipt(&placed, "audit", 1, Outcome::Done)));
    assert!(!expected.note_receipt(&receipt(&placed, "audit", 1, Outcome::Done)));
    assert!(comes(&expected, PLACED, 2_000) && !comes(&expected, PLACED, 0));
    // And that is known again after a restart of the observer.
    let since = expected.since("audit");
    let mut again = Expected::default();
    again.note(&audit(7, 60_000, "now", &[PLACED]));
    again.set_since("audit", &since);
    assert_eq!(again.since("audit"), since);
}
