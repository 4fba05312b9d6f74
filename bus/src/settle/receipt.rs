//! Receipts: the record of one attempt of one reaction to one event.
//!
//! Without them, *handled but emitted nothing* and *never seen* would look the same. They hold ids,
//! codes and times, and nothing of a payload or of an error's text.

use std::time::Duration;

use jiff::Timestamp;
use prost::Message as _;

use super::{emit, timestamp};
use crate::broker::Outgoing;
use crate::consume::delivery::Delivery;
use crate::envelope::{Envelope, Trace};
use crate::event::Event as _;
use crate::id::EventId;
use crate::observe::Begun;
use crate::react::Failure;
use crate::service::host::Host;
use crate::wire;

/// One attempt, as it is told.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// When the first attempt of this event here began.
    pub(crate) first_at: Timestamp,
    /// When this one began.
    pub(crate) started_at: Timestamp,
    /// How long the reaction took.
    pub(crate) duration: Duration,
    /// Where its span stands.
    pub(crate) span: Option<Begun>,
}

impl Attempt {
    /// The first, of an event for which no reaction is run.
    pub(crate) fn without_reaction(at: Timestamp, span: Option<Begun>) -> Self {
        Self {
            number: 1,
            first_at: at,
            started_at: at,
            duration: Duration::ZERO,
            span,
        }
    }
}

/// What became of an attempt.
pub(crate) struct Verdict {
    outcome: wire::Outcome,
    code: String,
    emitted: Vec<wire::EmittedEvent>,
    next: Option<Timestamp>,
}

impl Verdict {
    pub(crate) fn of(outcome: wire::Outcome) -> Self {
        Self {
            outcome,
            code: String::new(),
            emitted: Vec::new(),
            next: None,
        }
    }

    pub(crate) fn done(events: &[emit::Event]) -> Self {
        let told = |event: &emit::Event| wire::EmittedEvent {
            id: event.id.to_string(),
            r#type: event.kind.to_owned(),
            new_flow_id: event
                .new_flow
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
        };
        Self {
            emitted: events.iter().map(told).collect(),
            ..Self::of(wire::Outcome::Done)
        }
    }

    pub(crate) fn retry(failure: &Failure, next: Timestamp) -> Self {
        let code = failure.code().to_owned();
        Self {
            code,
            next: Some(next),
            ..Self::of(wire::Outcome::Retry)
        }
    }

    pub(crate) fn parked(failure: &Failure) -> Self {
        Self {
            code: failure.code().to_owned(),
            ..Self::of(wire::Outcome::Parked)
        }
    }

    /// The receipt as a record on its topic. Its id is derived, so that a repetition shows. `None`:
    /// this service publishes none.
    pub(crate) fn record(
        self,
        host: &Host,
        delivery: &Delivery,
        attempt: &Attempt,
    ) -> Option<Outgoing> {
        host.receipts.then(|| self.written(host, delivery, attempt))
    }

    fn written(self, host: &Host, delivery: &Delivery, attempt: &Attempt) -> Outgoing {
        let from = &*delivery.envelope;
        let schema = wire::Receipt::SCHEMA;
        let flow = from.flow.to_string();
        let receipt = wire::Receipt {
            flow_id: flow.clone(),
            service: host.service.to_string(),
            instance: host.instance.to_string(),
            reaction: delivery.reaction.unwrap_or_default().to_owned(),
            code_version: host.code_version.to_owned(),
            event_id: from.id.to_string(),
            event_source: from.source.to_string(),
            event_type: from.kind.to_string(),
            topic: delivery.record.partition.topic.to_string(),
            partition: delivery.record.partition.partition,
            offset: delivery.record.offset,
            attempt: attempt.number,
            outcome: self.outcome.into(),
            error_code: self.code,
            emitted: self.emitted,
            started_at: Some(timestamp(attempt.started_at)),
            duration: prost_types::Duration::try_from(attempt.duration).ok(),
            next_attempt_at: self.next.map(timestamp),
        };
        let number = usize::try_from(attempt.number).unwrap_or(usize::MAX);
        let kind = format!("{}/{}", schema.name, self.outcome.as_str_name());
        let envelope = Envelope {
            id: EventId::caused(&delivery.caused(host), &kind, &flow, number),
            source: host.source.clone(),
            kind: schema.name.into(),
            subject: Some(flow.as_str().into()),
            time: host.world.now(),
            flow: from.flow.clone(),
            cause: Some(from.id.clone()),
            hops: from.hops.saturating_add(1),
            trace: Trace::default(),
        };
        envelope.record(schema, &flow, receipt.encode_to_vec().into())
    }
}
