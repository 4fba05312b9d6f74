//! Planted records for tests: an order's events and receipts as services write them.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use quadrille::envelope::read::Payload;
use quadrille::envelope::{Envelope, Trace};
use quadrille::id::{EventId, FlowId, Source};
use quadrille::wire::{ContractPublished, EmittedEvent, Outcome, Reaction};
use quadrille_schemas::orders::v1::OrderPlaced;

use crate::expect::Expected;
use crate::seen::{At, Event, Promised, Receipt};

/// The moment in which planted flows begin, and some milliseconds.
pub(crate) fn after_ms(ms: i64) -> Timestamp {
    "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap() + SignedDuration::from_millis(ms)
}

/// An event of a type by its service, some milliseconds after the beginning.
pub(crate) fn event(id: &str, kind: &str, cause: Option<&str>, ms: i64) -> Event {
    let domain = kind.split('.').next().unwrap();
    let payload = OrderPlaced {
        order_id: "4711".to_owned(),
        email: "ada@example.org".to_owned(),
        ..OrderPlaced::default()
    };
    Event {
        envelope: Envelope {
            id: EventId::new(id),
            source: Source::of_service(domain),
            kind: kind.into(),
            subject: None,
            time: after_ms(ms),
            flow: FlowId::of_key("order", "4711"),
            cause: cause.map(EventId::new),
            hops: 0,
            trace: Trace::default(),
        },
        key: Some("4711".to_owned()),
        at: At {
            topic: domain.to_owned(),
            partition: 3,
            offset: ms,
        },
        payload: Some(Payload::Protobuf(Bytes::from(payload.encode_to_vec()))),
    }
}

/// A receipt for an event.
pub(crate) fn receipt(of: &Event, service: &str, attempt: u32, outcome: Outcome) -> Receipt {
    let id = format!("{}/{service}/{attempt}/{outcome:?}", of.envelope.id);
    Receipt {
        id: EventId::new(id),
        flow: of.envelope.flow.clone(),
        event: of.envelope.id.clone(),
        source: of.envelope.source.clone(),
        kind: of.envelope.kind.to_string(),
        at: of.at.clone(),
        service: service.to_owned(),
        instance: format!("{service}-1"),
        code_version: "1".to_owned(),
        reaction: "reaction".to_owned(),
        attempt,
        outcome,
        error_code: match outcome {
            Outcome::Retry | Outcome::Parked => "gateway_down".to_owned(),
            _ => String::new(),
        },
        emitted: Vec::new(),
        started_at: of.envelope.time + SignedDuration::from_millis(i64::from(attempt)),
        duration_ms: 1.5,
        next_attempt_at: (outcome == Outcome::Retry).then(|| after_ms(60_000)),
    }
}

/// A receipt that says what was emitted.
pub(crate) fn done(of: &Event, service: &str, emitted: &[&Event]) -> Receipt {
    let told = emitted.iter().map(|event| EmittedEvent {
        id: event.envelope.id.to_string(),
        r#type: event.envelope.kind.to_string(),
        new_flow_id: String::new(),
    });
    Receipt {
        emitted: told.collect(),
        ..receipt(of, service, 1, Outcome::Done)
    }
}

/// A contract that was published in the beginning.
pub(crate) fn promised(contract: ContractPublished) -> Promised {
    Promised {
        contract,
        at: after_ms(0),
        offset: 0,
    }
}

/// What the three services of an order react to.
pub(crate) fn expected() -> Expected {
    let reactions = BTreeMap::from([
        (
            "inventory",
            vec!["orders.v1.OrderPlaced", "payments.v1.PaymentDeclined"],
        ),
        ("payments", vec!["inventory.v1.StockReserved"]),
        (
            "orders",
            vec!["payments.v1.PaymentCaptured", "payments.v1.PaymentDeclined"],
        ),
    ]);
    let mut expected = Expected::default();
    for (service, types) in reactions {
        let reaction = |event: &str| Reaction {
            event: event.to_owned(),
            topic: event.split('.').next().unwrap().to_owned(),
            ..Reaction::default()
        };
        expected.note(&promised(ContractPublished {
            service: service.to_owned(),
            reactions: types.into_iter().map(reaction).collect(),
            ..ContractPublished::default()
        }));
    }
    expected
}
