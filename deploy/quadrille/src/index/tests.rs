use quadrille::id::FlowId;
use quadrille::wire::Outcome;

use super::{Index, Limits};
use crate::flow::planted::{event, receipt};
use crate::flow::status::Word;
use crate::seen::{Event, Seen};

fn placed(order: &str, ms: i64) -> Event {
    let mut event = event(order, "orders.v1.OrderPlaced", None, ms);
    event.envelope.flow = FlowId::of_key("order", order);
    event.key = Some(order.to_owned());
    event
}

fn index(flows_max: usize) -> Index {
    Index::new(Limits {
        flows_max,
        ..Limits::default()
    })
}

#[test]
fn a_flow_is_found_by_id_and_by_key() {
    // Shows that people may ask with what they have in hand.
    let index = index(10);
    index.take(Seen::Event(placed("4711", 0)));
    let id = FlowId::of_key("order", "4711").to_string();
    assert_eq!(
        index.find("4711").map(|view| view.summary.id),
        Some(id.clone())
    );
    assert_eq!(index.find(&id).map(|view| view.summary.id), Some(id));
    assert!(index.find("4712").is_none());
}

#[test]
fn one_key_of_several_flows_gives_the_newest_and_names_the_others() {
    // Shows that nothing is hidden where a key does not say which flow.
    let index = index(10);
    for (flow, ms) in [("a", 0), ("b", 10)] {
        let mut event = placed("4711", ms);
        event.envelope.id = quadrille::id::EventId::new(flow);
        event.envelope.flow = FlowId::new(flow);
        index.take(Seen::Event(event));
    }
    let view = index.find("4711").unwrap();
    assert_eq!(view.summary.id, "b");
    assert_eq!(
        view.notes,
        ["other flows have the key 4711 too (1), each is shown by its id: a"]
    );
}

#[test]
fn what_others_emit_under_a_key_does_not_hide_the_flow_that_was_opened_for_it() {
    // Given the flow of an order, and a later event of a stranger in a flow of its own.
    let index = index(10);
    let own = placed("4711", 0);
    let own_flow = own.envelope.flow.clone();
    index.take(Seen::Event(own));
    let mut stranger = placed("4711", 10);
    stranger.envelope.id = quadrille::id::EventId::new("stranger");
    stranger.envelope.flow = FlowId::new("of-a-stranger");
    index.take(Seen::Event(stranger));

    let view = index.find("4711").unwrap();

    assert_eq!(view.summary.id, own_flow.as_str());
    assert_eq!(view.notes.len(), 1);
    assert!(view.notes[0].contains("of-a-stranger"), "{:?}", view.notes);
}

#[test]
fn the_flow_that_was_silent_longest_makes_room() {
    // Shows the bound, and that a flow that goes on stays.
    let index = index(2);
    index.take(Seen::Event(placed("1", 0)));
    index.take(Seen::Event(placed("2", 1)));
    let told = receipt(&placed("1", 0), "inventory", 1, Outcome::Done);
    index.take(Seen::Receipt(told));
    index.take(Seen::Event(placed("3", 2)));

    assert!(index.find("2").is_none());
    let list = index.list(10, None);
    let keys: Vec<_> = list.flows.iter().map(|flow| &flow.keys[0].key).collect();
    assert_eq!(keys, ["3", "1"]);
    assert_eq!(list.dropped, 1);
}

#[test]
fn bytes_are_bounded_too() {
    // Shows that few flows of large events do not fill the memory.
    let index = Index::new(Limits {
        flows_max: 100,
        bytes_max: 2_000,
    });
    for order in 0..10 {
        index.take(Seen::Event(placed(&order.to_string(), order)));
    }
    let list = index.list(100, None);
    assert!(list.flows.len() < 4, "{} are kept", list.flows.len());
    assert_eq!(list.flows.len() as u64 + list.dropped, 10);
}

#[test]
fn lists_tell_by_status_and_what_changed_since() {
    // Shows both questions that the page asks.
    let index = index(10);
    index.take(Seen::Event(placed("1", 0)));
    index.take(Seen::Event(placed("2", 1)));
    let before = index.list(10, None).change;
    let parked = receipt(&placed("1", 0), "inventory", 1, Outcome::Parked);
    index.take(Seen::Receipt(parked));

    let list = index.list(10, Some(Word::Parked));
    assert_eq!(list.flows.len(), 1);
    assert_eq!(list.counts["parked"], 1);
    assert_eq!(list.counts["running"], 1);
    let changed = index.list_after(before, 10, None);
    assert_eq!(changed.flows.len(), 1);
    assert_eq!(changed.flows[0].keys[0].key, "1");
}

#[test]
fn a_late_receipt_does_not_bring_a_part_of_a_flow_back() {
    // Shows that a flow that made room stays away until something new happens in it.
    let index = index(1);
    let first = placed("1", 0);
    index.take(Seen::Event(first.clone()));
    index.take(Seen::Event(placed("2", 1)));
    index.take(Seen::Receipt(receipt(
        &first,
        "inventory",
        1,
        Outcome::Done,
    )));
    assert!(index.find("1").is_none());
    assert_eq!(index.list(10, None).dropped, 1);
}
