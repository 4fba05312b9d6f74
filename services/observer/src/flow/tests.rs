use quadrille::id::FlowId;
use quadrille::wire::Outcome;

use super::planted::{done, event, expected, receipt};
use super::status::{Word, status};
use super::tree::tree;
use super::view::view;
use super::{EVENTS_MAX, Flow};
use crate::expect::Expected;
use crate::seen::Event;

fn flow() -> Flow {
    Flow::new(FlowId::of_key("order", "4711"))
}

/// The events of an order that goes well.
fn good() -> [Event; 4] {
    [
        event("p", "orders.v1.OrderPlaced", None, 0),
        event("r", "inventory.v1.StockReserved", Some("p"), 10),
        event("c", "payments.v1.PaymentCaptured", Some("r"), 250),
        event("e", "orders.v1.OrderConfirmed", Some("c"), 1_300),
    ]
}

/// That order with its receipts.
fn completed() -> Flow {
    let [placed, reserved, captured, confirmed] = good();
    let mut flow = flow();
    flow.add_receipt(done(&captured, "orders", &[&confirmed]));
    flow.add_receipt(done(&reserved, "payments", &[&captured]));
    flow.add_receipt(done(&placed, "inventory", &[&reserved]));
    for event in [confirmed, captured, reserved, placed] {
        flow.add_event(event);
    }
    flow
}

#[test]
fn the_order_in_which_topics_are_read_does_not_matter() {
    // Shows that effects read before their causes, and receipts before their events, give the tree.
    let flow = completed();
    let tree = tree(&flow);
    let lines: Vec<_> = tree
        .iter()
        .map(|place| (place.name.id.as_str(), place.depth))
        .collect();
    assert_eq!(lines, [("p", 0), ("r", 1), ("c", 2), ("e", 3)]);
    let status = status(&flow, &expected());
    assert_eq!(status.word, Word::Completed);
    assert_eq!(status.why, "ended with OrderConfirmed");
}

#[test]
fn what_stands_twice_is_counted_once_and_said() {
    // Shows that a record written again after a crash is one event, and so is one read again.
    let [placed, ..] = good();
    let mut copy = placed.clone();
    copy.at.offset += 1;
    let mut flow = flow();
    assert!(flow.add_event(placed.clone()));
    assert!(!flow.add_event(placed.clone()));
    assert!(!flow.add_event(copy));
    let told = receipt(&placed, "inventory", 1, Outcome::Done);
    assert!(flow.add_receipt(told.clone()));
    assert!(!flow.add_receipt(told));

    let view = view(&flow, &expected());
    assert_eq!(view.events.len(), 1);
    assert_eq!(view.events[0].copies, 2);
    assert_eq!(view.events[0].reactions.len(), 1);
    assert!(view.notes[0].contains("stands 2 times"), "{:?}", view.notes);
}

#[test]
fn the_word_follows_from_receipts_and_kinds() {
    // Shows each word with its sentence, for one more receipt or event at a time.
    let [placed, reserved, captured, confirmed] = good();
    let mut flow = flow();
    let told = |flow: &Flow| {
        let status = status(flow, &expected());
        format!("{}: {}", status.word.as_str(), status.why)
    };
    flow.add_event(placed.clone());
    assert_eq!(
        told(&flow),
        "running: waits for inventory to react to OrderPlaced"
    );
    flow.add_receipt(done(&placed, "inventory", &[&reserved]));
    assert_eq!(
        told(&flow),
        "running: inventory emitted StockReserved, which has not been read yet"
    );
    flow.add_event(reserved.clone());
    flow.add_receipt(receipt(&reserved, "payments", 1, Outcome::Retry));
    assert_eq!(
        told(&flow),
        "retrying: payments failed at StockReserved, attempt 1 (gateway_down), next attempt at \
         2026-01-02T03:05:05.000Z"
    );
    flow.add_receipt(receipt(&reserved, "payments", 2, Outcome::Parked));
    assert_eq!(
        told(&flow),
        "parked: payments parked StockReserved after attempt 2 (gateway_down)"
    );
    // Released, and handled at last.
    flow.add_receipt(receipt(&reserved, "payments", 3, Outcome::Done));
    assert_eq!(
        told(&flow),
        "settled: every reaction is done, and there was no outcome"
    );
    flow.add_event(captured.clone());
    flow.add_event(confirmed);
    assert_eq!(
        told(&flow),
        "completed: ended with OrderConfirmed; orders still to react"
    );
    flow.add_event(event("x", "orders.v1.OrderCancelled", Some("c"), 2_000));
    flow.add_receipt(receipt(&captured, "orders", 1, Outcome::Done));
    assert_eq!(
        told(&flow),
        "completed: ended more than once: OrderConfirmed, OrderCancelled"
    );
}

#[test]
fn without_contracts_only_silence_is_told() {
    // Shows that nobody is named who might not exist, and that an outcome needs no reaction.
    let [placed, ..] = good();
    let mut flow = flow();
    flow.add_event(placed.clone());
    let nobody = Expected::default();
    assert_eq!(
        status(&flow, &nobody).why,
        "nobody has reacted to OrderPlaced yet"
    );
    flow.add_receipt(receipt(&placed, "inventory", 1, Outcome::Done));
    assert_eq!(status(&flow, &nobody).word, Word::Settled);
}

#[test]
fn a_repetition_that_a_service_passes_over_changes_nothing() {
    // Shows that "seen before" after "done" is still done.
    let [placed, ..] = good();
    let mut flow = flow();
    flow.add_event(placed.clone());
    flow.add_receipt(receipt(&placed, "inventory", 1, Outcome::Done));
    flow.add_receipt(receipt(&placed, "inventory", 2, Outcome::Duplicate));
    let view = view(&flow, &expected());
    let reaction = &view.events[0].reactions[0];
    assert_eq!((reaction.status.as_str(), reaction.duplicates), ("done", 1));
}

#[test]
fn several_beginnings_and_lost_causes_stand_at_the_top() {
    // Shows that a withdrawal is a second root, and that no event is left out for want of a cause.
    let mut flow = flow();
    flow.add_event(event("p", "orders.v1.OrderPlaced", None, 0));
    flow.add_event(event("w", "orders.v1.OrderWithdrawn", None, 5));
    flow.add_event(event("l", "inventory.v1.StockReleased", Some("gone"), 9));
    let tree = tree(&flow);
    let tops: Vec<_> = tree
        .iter()
        .map(|place| (place.name.id.as_str(), place.depth, place.cause_missing))
        .collect();
    assert_eq!(tops, [("p", 0, false), ("w", 0, false), ("l", 0, true)]);
}

#[test]
fn a_circle_of_causes_is_drawn_once() {
    // Shows that a foreign publisher cannot make us run in circles or lose events.
    let mut flow = flow();
    flow.add_event(event("a", "orders.v1.OrderPlaced", Some("b"), 0));
    flow.add_event(event("b", "orders.v1.OrderPlaced", Some("a"), 1));
    flow.add_event(event("s", "orders.v1.OrderPlaced", Some("s"), 2));
    let ids: Vec<_> = tree(&flow)
        .iter()
        .map(|place| place.name.id.to_string())
        .collect();
    assert_eq!(ids, ["s", "a", "b"]);
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    // Shows that a chain as long as a flow may be is built, and that what is more is counted.
    let mut flow = flow();
    for nth in 0..EVENTS_MAX + 3 {
        let cause = nth.checked_sub(1).map(|cause| cause.to_string());
        let at = i64::try_from(nth).unwrap();
        let link = event(
            &nth.to_string(),
            "orders.v1.OrderPlaced",
            cause.as_deref(),
            at,
        );
        flow.add_event(link);
    }
    assert_eq!(
        tree(&flow).last().map(|place| place.depth),
        Some(EVENTS_MAX - 1)
    );
    assert_eq!(flow.left_out(), 3);
}

#[test]
fn an_event_that_was_not_read_is_shown_by_its_receipts() {
    // Shows that a parked record of broken bytes has a place in the tree.
    let [placed, reserved, ..] = good();
    let mut flow = flow();
    flow.add_event(placed.clone());
    flow.add_receipt(done(&placed, "inventory", &[&reserved]));
    flow.add_receipt(receipt(&reserved, "payments", 1, Outcome::Parked));
    let view = view(&flow, &expected());
    assert!(!view.events[1].read);
    assert_eq!(view.events[1].parent, Some(0));
    assert_eq!(view.summary.status, Word::Parked);
}

#[test]
fn sensitive_fields_are_masked() {
    // Shows that an address never leaves through the view.
    let mut flow = flow();
    flow.add_event(good()[0].clone());
    let json = serde_json::to_string(&view(&flow, &expected())).unwrap();
    assert!(json.contains(r#""email":"***""#), "{json}");
    assert!(!json.contains("ada@example.org"), "{json}");
}

#[test]
fn an_event_that_nobody_reacts_to_blocks_and_an_undone_effect_is_told() {
    // Shows the two words that need more than receipts: contracts, and what undoes what.
    let [placed, reserved, ..] = good();
    let mut lonely = flow();
    lonely.add_event(event("s", "shipping.v1.ShipmentRecalled", None, 0));
    let told = status(&lonely, &expected());
    assert_eq!(told.word, Word::Blocked);
    assert_eq!(
        told.why,
        "nobody reacts to ShipmentRecalled: no contract names it"
    );

    let mut undone = flow();
    let released = event("l", "inventory.v1.StockReleased", Some("r"), 20);
    let cancelled = event("x", "orders.v1.OrderCancelled", Some("l"), 30);
    undone.add_receipt(done(&placed, "inventory", &[&reserved]));
    undone.add_receipt(done(&reserved, "payments", &[]));
    for event in [placed, reserved, released, cancelled] {
        undone.add_event(event);
    }
    let told = status(&undone, &expected());
    assert_eq!(told.word, Word::Compensated);
    assert_eq!(
        told.why,
        "ended with OrderCancelled after StockReserved was undone"
    );
    assert!(told.wait.is_none());
}

#[test]
fn what_one_event_led_to_is_told_up_to_a_limit_and_counted() {
    // Given an order that was tried 80 times and then caused 150 outcomes, 20 of them twice.
    let [placed, ..] = good();
    let outcome = |nth: i64| {
        let id = format!("e-{nth}");
        event(&id, "orders.v1.OrderConfirmed", Some("p"), 1_000 + nth)
    };
    let outcomes: Vec<_> = (0..150).map(outcome).collect();
    let mut flow = flow();
    for attempt in 1..=80 {
        flow.add_receipt(receipt(&placed, "orders", attempt, Outcome::Retry));
    }
    let mut last = done(&placed, "orders", &outcomes.iter().collect::<Vec<_>>());
    last.started_at += jiff::SignedDuration::from_secs(1);
    flow.add_receipt(last);
    flow.add_event(placed);
    for (nth, outcome) in (0..).zip(outcomes) {
        if nth < 20 {
            let mut copy = outcome.clone();
            copy.at.offset += 10_000;
            flow.add_event(copy);
        }
        flow.add_event(outcome);
    }

    let view = view(&flow, &expected());

    let told = &view.events[0].reactions;
    let told = told.iter().find(|told| told.service == "orders").unwrap();
    assert_eq!((told.attempts.len(), told.attempt_count), (50, 81));
    assert_eq!(told.attempts.last().unwrap().outcome, "done");
    assert_eq!((told.emitted.len(), told.emitted_count), (100, 150));
    assert!((told.ran_ms - 81.0 * 1.5).abs() < 0.001);
    // Each of them is told who emitted it, also those that are not listed there.
    let by_orders = view.events.iter().skip(1);
    assert!(
        by_orders
            .clone()
            .all(|event| event.emitted_by.as_deref() == Some("orders"))
    );
    assert_eq!(by_orders.count(), 150);
    assert_eq!(view.notes.len(), 11, "{:?}", view.notes);
    assert!(view.notes[10].starts_with("10 more events stand more than once"));
    assert_eq!(view.summary.outcomes.len(), 10);
}

#[test]
fn that_more_than_one_reaction_is_parked_is_told() {
    let [placed, ..] = good();
    let mut flow = flow();
    flow.add_receipt(receipt(&placed, "inventory", 1, Outcome::Parked));
    flow.add_receipt(receipt(&placed, "orders", 1, Outcome::Parked));
    flow.add_event(placed);
    let why = status(&flow, &expected()).why;
    let told =
        "inventory parked OrderPlaced after attempt 1 (gateway_down); 1 more reaction is parked";
    assert_eq!(why, told);
}
