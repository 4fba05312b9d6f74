//! All that is known of one flow, in few bytes.
//!
//! Names stand as numbers, ids are packed, and a receipt names its event by its place. Payloads stay
//! on their topics.

use prost::Message;
use prost::bytes::Bytes;
use quadrille::envelope::{Envelope, Trace};
use quadrille::id::{EventId, FlowId, Source};
use quadrille::wire::{EmittedEvent, Outcome};

use super::brief::{nanoseconds, time};
use super::names::{Names, pack, unpack};
use crate::flow::{Flow, Name, Node};
use crate::seen::{At, Event, Receipt};

/// A flow's facts.
#[derive(Clone, PartialEq, Message)]
struct Facts {
    #[prost(message, repeated, tag = "1")]
    events: Vec<EventFact>,
    #[prost(message, repeated, tag = "2")]
    receipts: Vec<ReceiptFact>,
    #[prost(uint64, tag = "3")]
    left_out: u64,
    #[prost(bool, tag = "4")]
    made_room: bool,
}

/// An event, or what receipts tell of one that was not read.
#[derive(Clone, PartialEq, Message)]
struct EventFact {
    #[prost(bytes = "bytes", tag = "1")]
    id: Bytes,
    #[prost(uint32, tag = "2")]
    source: u32,
    #[prost(uint32, tag = "3")]
    kind: u32,
    #[prost(message, repeated, tag = "4")]
    places: Vec<Place>,
    #[prost(bool, tag = "5")]
    was_read: bool,
    #[prost(sfixed64, tag = "6")]
    time_ns: i64,
    #[prost(bytes = "bytes", optional, tag = "7")]
    cause: Option<Bytes>,
    #[prost(string, optional, tag = "8")]
    key: Option<String>,
    #[prost(uint32, tag = "9")]
    hops: u32,
    #[prost(bytes = "bytes", optional, tag = "10")]
    trace: Option<Bytes>,
}

/// Where a record stands.
#[derive(Clone, PartialEq, Message)]
struct Place {
    #[prost(uint32, tag = "1")]
    topic: u32,
    #[prost(int32, tag = "2")]
    partition: i32,
    #[prost(int64, tag = "3")]
    offset: i64,
}

/// A receipt.
#[derive(Clone, PartialEq, Message)]
struct ReceiptFact {
    #[prost(bytes = "bytes", tag = "1")]
    id: Bytes,
    // Place of the event among the events.
    #[prost(uint32, tag = "2")]
    event: u32,
    #[prost(uint32, tag = "3")]
    service: u32,
    #[prost(uint32, tag = "4")]
    instance: u32,
    #[prost(uint32, tag = "5")]
    code_version: u32,
    #[prost(uint32, tag = "6")]
    reaction: u32,
    #[prost(uint32, tag = "7")]
    attempt: u32,
    #[prost(int32, tag = "8")]
    outcome: i32,
    #[prost(uint32, tag = "9")]
    error_code: u32,
    #[prost(message, repeated, tag = "10")]
    emitted: Vec<EmittedFact>,
    #[prost(sfixed64, tag = "11")]
    started_ns: i64,
    #[prost(double, tag = "12")]
    duration_ms: f64,
    #[prost(sfixed64, optional, tag = "13")]
    next_attempt_ns: Option<i64>,
}

/// An event that was emitted.
#[derive(Clone, PartialEq, Message)]
struct EmittedFact {
    #[prost(bytes = "bytes", tag = "1")]
    id: Bytes,
    #[prost(uint32, tag = "2")]
    kind: u32,
    #[prost(bytes = "bytes", optional, tag = "3")]
    new_flow: Option<Bytes>,
}

/// A flow as bytes.
pub(super) fn encode(flow: &Flow, names: &mut Names) -> Vec<u8> {
    let mut facts = Facts {
        left_out: flow.left_out(),
        made_room: flow.has_made_room(),
        ..Facts::default()
    };
    for (place, (name, node)) in (0..).zip(flow.nodes()) {
        facts.events.push(event_fact(name, node, names));
        let receipts = node.reactions.values().flat_map(|told| &told.attempts);
        let receipts = receipts.map(|receipt| receipt_fact(receipt, place, names));
        facts.receipts.extend(receipts);
    }
    facts.encode_to_vec()
}

/// The flow that was encoded. The error says what is wrong with the bytes.
pub(super) fn decode(id: FlowId, bytes: &[u8], names: &Names) -> Result<Flow, String> {
    let facts = Facts::decode(bytes).map_err(|error| error.to_string())?;
    let mut flow = Flow::new(id.clone());
    let known: Vec<_> = facts.events.iter().map(|fact| known(fact, names)).collect();
    for (fact, known) in facts.events.iter().zip(&known) {
        if fact.was_read {
            // Each of its places, so that copies count.
            for at in &known.places {
                flow.add_event(event(&id, fact, known, at.clone()));
            }
        }
    }
    for fact in &facts.receipts {
        let known = known.get(fact.event as usize);
        let known = known.ok_or("a receipt names an event that is not there")?;
        flow.add_receipt(receipt(&id, fact, known, names));
    }
    flow.set_left_out(facts.left_out);
    flow.set_made_room(facts.made_room);
    Ok(flow)
}

fn event_fact(name: &Name, node: &Node, names: &mut Names) -> EventFact {
    let read = node.event.as_ref();
    let envelope = read.map(|event| &event.envelope);
    let mut places: Vec<_> = node.places.iter().collect();
    // That of the event itself comes first: the flow tells where it was met first.
    places.sort_by_key(|at| **at != node.at);
    if places.is_empty() {
        places.push(&node.at);
    }
    EventFact {
        id: pack(name.id.as_str()),
        source: names.number(name.source.as_str()),
        kind: names.number(&node.kind),
        places: places
            .into_iter()
            .map(|at| Place {
                topic: names.number(&at.topic),
                partition: at.partition,
                offset: at.offset,
            })
            .collect(),
        was_read: read.is_some(),
        time_ns: envelope.map_or(0, |envelope| nanoseconds(envelope.time)),
        cause: envelope.and_then(|envelope| Some(pack(envelope.cause.as_ref()?.as_str()))),
        key: read.and_then(|event| event.key.clone()),
        hops: envelope.map_or(0, |envelope| envelope.hops),
        trace: read.and_then(|event| trace_bytes(event.trace_id()?)),
    }
}

/// A trace id in its 16 bytes. `None`: it is none.
pub(super) fn trace_bytes(id: &str) -> Option<Bytes> {
    let id = (id.len() == 32).then(|| u128::from_str_radix(id, 16).ok())??;
    Some(Bytes::copy_from_slice(&id.to_be_bytes()))
}

fn receipt_fact(receipt: &Receipt, event: u32, names: &mut Names) -> ReceiptFact {
    let emitted = receipt.emitted.iter().map(|emitted| EmittedFact {
        id: pack(&emitted.id),
        kind: names.number(&emitted.r#type),
        new_flow: (!emitted.new_flow_id.is_empty()).then(|| pack(&emitted.new_flow_id)),
    });
    ReceiptFact {
        emitted: emitted.collect(),
        id: pack(receipt.id.as_str()),
        event,
        service: names.number(&receipt.service),
        instance: names.number(&receipt.instance),
        code_version: names.number(&receipt.code_version),
        reaction: names.number(&receipt.reaction),
        attempt: receipt.attempt,
        outcome: receipt.outcome.into(),
        error_code: names.number(&receipt.error_code),
        started_ns: nanoseconds(receipt.started_at),
        duration_ms: receipt.duration_ms,
        next_attempt_ns: receipt.next_attempt_at.map(nanoseconds),
    }
}

/// What receipts of an event say of it.
struct Known {
    id: EventId,
    source: Source,
    kind: String,
    places: Vec<At>,
}

fn known(fact: &EventFact, names: &Names) -> Known {
    let places = fact.places.iter().map(|place| At {
        topic: names.text(place.topic).to_owned(),
        partition: place.partition,
        offset: place.offset,
    });
    Known {
        id: EventId::new(unpack(&fact.id)),
        source: Source::new(names.text(fact.source)),
        kind: names.text(fact.kind).to_owned(),
        places: places.collect(),
    }
}

fn event(flow: &FlowId, fact: &EventFact, known: &Known, at: At) -> Event {
    let parent = fact.trace.as_ref().map(|id| {
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        // What is not kept reads as zeros: only the trace is of use here.
        format!("00-{id}-0000000000000000-00").into()
    });
    Event {
        envelope: Envelope {
            id: known.id.clone(),
            source: known.source.clone(),
            kind: known.kind.as_str().into(),
            subject: None,
            time: time(fact.time_ns),
            flow: flow.clone(),
            cause: fact.cause.as_ref().map(|id| EventId::new(unpack(id))),
            hops: fact.hops,
            trace: Trace {
                parent,
                ..Trace::default()
            },
        },
        key: fact.key.clone(),
        at,
        payload: None,
    }
}

fn receipt(flow: &FlowId, fact: &ReceiptFact, known: &Known, names: &Names) -> Receipt {
    let text = |number| names.text(number).to_owned();
    let emitted = fact.emitted.iter().map(|emitted| EmittedEvent {
        id: unpack(&emitted.id),
        r#type: text(emitted.kind),
        new_flow_id: emitted.new_flow.as_deref().map_or_else(String::new, unpack),
    });
    Receipt {
        id: EventId::new(unpack(&fact.id)),
        flow: flow.clone(),
        event: known.id.clone(),
        source: known.source.clone(),
        kind: known.kind.clone(),
        at: known.places.first().cloned().unwrap_or_else(At::nowhere),
        service: text(fact.service),
        instance: text(fact.instance),
        code_version: text(fact.code_version),
        reaction: text(fact.reaction),
        attempt: fact.attempt,
        outcome: Outcome::try_from(fact.outcome).unwrap_or_default(),
        error_code: text(fact.error_code),
        emitted: emitted.collect(),
        started_at: time(fact.started_ns),
        duration_ms: fact.duration_ms,
        next_attempt_at: fact.next_attempt_ns.map(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::planted::{done, event, expected, receipt};
    use crate::flow::view::view;

    #[test]
    fn a_flow_comes_back_as_it_was_but_for_payloads() {
        // Given a flow with a copy, a retry, and an event of which only a receipt tells.
        let mut placed = event("p", "orders.v1.OrderPlaced", None, 0);
        placed.envelope.trace.parent =
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
        placed.payload = None;
        let reserved = event("r", "inventory.v1.StockReserved", Some("p"), 10);
        let mut copy = placed.clone();
        copy.at.offset += 1;
        let mut flow = Flow::new(placed.envelope.flow.clone());
        flow.add_event(placed.clone());
        flow.add_event(copy);
        flow.add_receipt(receipt(&placed, "inventory", 1, Outcome::Retry));
        flow.add_receipt(done(&placed, "inventory", &[&reserved]));
        flow.add_receipt(receipt(&reserved, "payments", 1, Outcome::Parked));

        let mut names = Names::default();
        let bytes = encode(&flow, &mut names);
        let back = decode(flow.id.clone(), &bytes, &names).unwrap();

        let told = |flow: &Flow| serde_json::to_string(&view(flow, &expected())).unwrap();
        assert_eq!(told(&back), told(&flow));
        assert!(told(&back).contains("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(encode(&back, &mut names), bytes);
    }

    #[test]
    fn bytes_that_are_no_facts_are_refused() {
        assert!(decode(FlowId::new("f"), &[0xff], &Names::default()).is_err());
    }
}
