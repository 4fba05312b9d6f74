//! Emitted events become records: ids derived from their cause, the flow, the hop count.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::broker::Outgoing;
use crate::consume::delivery::Delivery;
use crate::envelope::{Envelope, Trace};
use crate::id::{EventId, FlowId};
use crate::observe::{Begun, Origin, Spot};
use crate::publish;
use crate::react::{Born, Emitted, Failure};
use crate::service::host::Host;

/// An emitted event, ready to be published.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: EventId,
    pub(crate) kind: &'static str,
    pub(crate) new_flow: Option<FlowId>,
    pub(crate) record: Outgoing,
}

/// What a reaction emitted. Fails where an event cannot be published: trying again would not help.
pub(crate) fn from_reaction(
    host: &Host,
    delivery: &Delivery,
    span: Option<Begun>,
    emitted: Emitted,
) -> Result<Vec<Event>, Failure> {
    let caused = delivery.caused(host);
    let hops = delivery.envelope.hops.saturating_add(1);
    let events = emitted.into_events();
    if !events.is_empty() && hops > host.limits.hops_max {
        return Err(Failure::park(
            "hops_exceeded",
            format!(
                "the flow has come {hops} reactions deep, at most {} are allowed: does it go round \
                 in a circle?",
                host.limits.hops_max
            ),
        ));
    }
    let origin = Origin {
        trace: &delivery.envelope.trace,
        within: span.map(|begun| begun.spot),
    };
    let mut nth = BTreeMap::new();
    let mut ready = Vec::with_capacity(events.len());
    for born in events {
        let nth = nth.entry((born.schema.name, born.key.clone())).or_insert(0);
        let id = EventId::caused(&caused, born.schema.name, &born.key, *nth);
        *nth += 1;
        ready.push(event(
            (host, origin),
            &delivery.envelope.flow,
            id,
            Some(delivery.envelope.id.clone()),
            hops,
            born,
        )?);
    }
    Ok(ready)
}

/// What a decision at a door let be born. Ids are new, and there is no cause.
pub(crate) fn from_door(
    host: &Host,
    flow: &FlowId,
    trace: &Trace,
    emitted: Emitted,
) -> Result<Vec<Event>, Failure> {
    let origin = Origin {
        trace,
        within: trace.parent.as_deref().and_then(Spot::parse),
    };
    let born = emitted.into_events().into_iter();
    born.map(|born| {
        let id = EventId::root(&*host.world);
        event((host, origin), flow, id, None, 0, born)
    })
    .collect()
}

fn event(
    (host, origin): (&Host, Origin<'_>),
    flow: &FlowId,
    id: EventId,
    caused_by: Option<EventId>,
    hops: u32,
    born: Born,
) -> Result<Event, Failure> {
    let schema = born.schema;
    let new_flow = born.new_flow.then(|| FlowId::of_event(&host.source, &id));
    let flow = new_flow.clone().unwrap_or_else(|| flow.clone());
    let trace = host.observer.packed(origin, &flow);
    let envelope = Envelope {
        id: id.clone(),
        source: host.source.clone(),
        kind: schema.wire_type().into(),
        subject: Some(Arc::from(born.key.as_str())),
        time: host.world.now(),
        flow,
        cause: caused_by,
        hops: if born.new_flow { 0 } else { hops },
        trace,
    };
    let record = envelope.record(schema, &born.key, born.payload);
    publish::check(schema, &born.key, &record, host.limits.event_bytes_max)
        .map_err(|error| Failure::park("cannot_emit", error))?;
    Ok(Event {
        id,
        kind: schema.name,
        new_flow,
        record,
    })
}
