//! Publish: an event becomes a record on its topic.
//!
//! [`Publisher`] is for services that already exist and want to tell the world what happened. A
//! reaction does not use it: what a reaction returns is published by [`crate::settle`]. Whatever
//! cannot be published comes back as an [`Error`] that says what to do; nothing is dropped.

use std::future::Future;
use std::sync::Arc;

use crate::broker::{self, Broker, Outgoing, Position};
use crate::envelope::{Envelope, header};
use crate::event::{Event, Schema};
use crate::id::{EventId, FlowId, Source};
use crate::observe::{Observer, Origin, Spot, ambient};
use crate::world;

/// Longest key of an event, in bytes. It names something, stands in headers and logs, and is looked for: whatever is
/// longer is no name. Records of others may have longer ones; they are read all the same.
pub const KEY_BYTES_MAX: usize = 1024;

/// Publishes events that are born outside a reaction.
#[derive(Clone)]
pub struct Publisher {
    broker: Arc<dyn Broker>,
    world: world::Shared,
    source: Source,
    event_bytes_max: usize,
    observer: Observer,
}

/// A published event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub id: EventId,
    /// The flow that it belongs to.
    pub flow: FlowId,
    /// Where it stands.
    pub position: Position,
}

/// An event could not be published.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The event has no key.
    #[error("{event} has no key: set its field `{field}`")]
    MissingKey {
        /// Full name of the event type.
        event: &'static str,
        /// The key field.
        field: &'static str,
    },
    /// The event's key is too long. The key itself is not repeated.
    #[error(
        "{event} has a key of {bytes} bytes in its field `{field}`, at most {KEY_BYTES_MAX} are allowed: \
         give it a short id, and what is long a field of its own"
    )]
    LongKey {
        /// Full name of the event type.
        event: &'static str,
        /// The key field.
        field: &'static str,
        /// Bytes of the key.
        bytes: usize,
    },
    /// The event is too large.
    #[error(
        "{event} with key `{key}` has {bytes} bytes, at most {limit} are allowed: send less, or \
         raise limits.event_bytes_max together with the topic's max.message.bytes"
    )]
    TooLarge {
        /// Full name of the event type.
        event: &'static str,
        /// The event's key.
        key: String,
        /// Size of key, value and headers together, in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The broker has not taken it.
    #[error("cannot publish {event} with key `{key}` to topic `{topic}`")]
    Broker {
        /// Full name of the event type.
        event: &'static str,
        /// The event's key.
        key: String,
        /// The topic.
        topic: &'static str,
        /// Why.
        #[source]
        source: broker::Error,
    },
}

impl Publisher {
    /// A publisher under a name of its own, which shows in every event's source.
    pub fn new(
        name: &str,
        broker: Arc<dyn Broker>,
        world: world::Shared,
        event_bytes_max: usize,
    ) -> Self {
        Self {
            broker,
            world,
            source: Source::of_service(name),
            event_bytes_max,
            observer: Observer::default(),
        }
    }

    /// The same publisher, telling spans and metrics of what it publishes.
    #[must_use]
    pub(crate) fn told_to(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Publishes an event that begins a flow. Returns once the broker has it for good.
    pub async fn publish<E: Event>(&self, event: E) -> Result<Published, Error> {
        self.enqueue(event, None).await?.await
    }

    /// Publishes an event into a flow that is there already.
    pub async fn publish_in<E: Event>(&self, flow: FlowId, event: E) -> Result<Published, Error> {
        self.enqueue(event, Some(flow)).await?.await
    }

    /// Publishes many events, each beginning a flow, and returns once the broker has answered for
    /// all of them. The results stand in the order of the events.
    pub async fn publish_all<E: Event>(
        &self,
        events: impl IntoIterator<Item = E>,
    ) -> Vec<Result<Published, Error>> {
        let mut on_their_way = Vec::new();
        for event in events {
            on_their_way.push(self.enqueue(event, None).await);
        }
        let mut results = Vec::with_capacity(on_their_way.len());
        for published in on_their_way {
            results.push(match published {
                Ok(delivery) => delivery.await,
                Err(error) => Err(error),
            });
        }
        results
    }

    /// Publishes a record that somebody else's event has become. Source and id stay theirs, and so does
    /// the trace that it names, if it names one; else it is in the caller's.
    pub async fn forward(&self, mut record: Outgoing) -> Result<Position, broker::Error> {
        let is_traced = record.headers.get(header::TRACE_PARENT).is_some();
        let caller = ambient::of_caller();
        let within = caller.parent.as_deref().and_then(Spot::parse);
        if !is_traced {
            let flow = record.headers.get(header::CORRELATION_ID);
            let flow = String::from_utf8_lossy(flow.unwrap_or_default());
            let origin = Origin {
                trace: &caller,
                within,
            };
            let trace = self.observer.packed(origin, &FlowId::new(&*flow));
            trace.put(&mut record.headers);
        }
        let told = self.observer.is_on().then(|| record.clone());
        let started = self.observer.moment();
        let position = self.broker.send(record).await?.await?;
        match told {
            Some(record) if is_traced => self.observer.sent_as_given(&record, &position, started),
            Some(record) => self.observer.sent(&record, &position, started),
            None => {}
        }
        Ok(position)
    }

    /// Hands an event over without waiting for the broker's answer: waits only while too many
    /// records are in flight. The returned future gives the answer.
    pub async fn enqueue<E: Event>(
        &self,
        event: E,
        flow: Option<FlowId>,
    ) -> Result<impl Future<Output = Result<Published, Error>> + Send + use<E>, Error> {
        let key = event.key().into_owned();
        let payload = event.encode_to_vec();
        let id = EventId::root(&*self.world);
        let flow = flow.unwrap_or_else(|| FlowId::of_event(&self.source, &id));
        let caller = ambient::of_caller();
        let within = caller.parent.as_deref().and_then(Spot::parse);
        let origin = Origin {
            trace: &caller,
            within,
        };
        let envelope = Envelope {
            id: id.clone(),
            source: self.source.clone(),
            kind: E::SCHEMA.wire_type().into(),
            subject: Some(key.as_str().into()),
            time: self.world.now(),
            flow: flow.clone(),
            cause: None,
            hops: 0,
            trace: self.observer.packed(origin, &flow),
        };
        let record = envelope.record(E::SCHEMA, &key, payload.into());
        check(E::SCHEMA, &key, &record, self.event_bytes_max)?;
        // What its span says stands on the record, which the broker takes away.
        let observer = self.observer.clone();
        let told = observer.is_on().then(|| record.clone());
        let started = observer.moment();
        let delivery = self.broker.send(record).await;
        let named = move |source| Error::Broker {
            event: E::SCHEMA.name,
            key,
            topic: E::SCHEMA.topic.name,
            source,
        };
        let delivery = match delivery {
            Ok(delivery) => delivery,
            Err(error) => return Err(named(error)),
        };
        Ok(async move {
            let position = delivery.await.map_err(named)?;
            if let Some(record) = told {
                observer.sent(&record, &position, started);
            }
            Ok(Published { id, flow, position })
        })
    }
}

/// What must hold of every event before it goes out.
pub(crate) fn check(
    schema: &'static Schema,
    key: &str,
    record: &Outgoing,
    limit: usize,
) -> Result<(), Error> {
    if key.is_empty() {
        return Err(Error::MissingKey {
            event: schema.name,
            field: schema.key_field,
        });
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(Error::LongKey {
            event: schema.name,
            field: schema.key_field,
            bytes: key.len(),
        });
    }
    let bytes = record.size();
    if bytes > limit {
        return Err(Error::TooLarge {
            event: schema.name,
            key: key.to_owned(),
            bytes,
            limit,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{Headers, TopicName};
    use crate::wire::ContractPublished;

    #[test]
    fn a_key_names_something_and_is_short() {
        let checked = |key: &str| {
            let record = Outgoing {
                topic: TopicName::parse("contracts").unwrap(),
                partition: None,
                key: Some(key.to_owned().into()),
                value: None,
                headers: Headers::default(),
                timestamp_ms: None,
            };
            check(ContractPublished::SCHEMA, key, &record, 1024 * 1024)
        };
        assert!(checked(&"k".repeat(KEY_BYTES_MAX)).is_ok());
        let wrong = checked(&"k".repeat(20_000)).unwrap_err().to_string();
        assert!(wrong.contains("has a key of 20000 bytes"), "{wrong}");
        assert!(wrong.contains("at most 1024 are allowed"), "{wrong}");
        assert!(!wrong.contains("kkk"), "{wrong}");
        assert!(matches!(checked(""), Err(Error::MissingKey { .. })));
    }
}
