//! What one running instance of a service stands on, shared by all its tasks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::broker::{Broker, Outgoing, TopicName, TopicPartition};
use crate::config::Limits;
use crate::consume::Shared;
use crate::consume::delivery::Delivery;
use crate::envelope::read::Place;
use crate::envelope::{Envelope, Trace};
use crate::event::Event;
use crate::id::{EventId, FlowId, Source};
use crate::observe::Observer;
use crate::react::Failure;
use crate::react::reaction::Reaction;
use crate::service::trouble::Trouble;
use crate::settle::outbox::Outbox;
use crate::settle::{park, retry};
use crate::state::locks::Locks;
use crate::state::{EventKey, Store};
use crate::status::Status;
use crate::world;

/// One running instance of a service.
pub(crate) struct Host {
    pub(crate) service: Arc<str>,
    pub(crate) instance: Arc<str>,
    pub(crate) code_version: &'static str,
    pub(crate) source: Source,
    pub(crate) cluster: String,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) world: world::Shared,
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) locks: Arc<Locks>,
    pub(crate) outbox: Outbox,
    pub(crate) observer: Observer,
    pub(crate) limits: Limits,
    pub(crate) retry: retry::Policy,
    /// By the type that stands on the record.
    pub(crate) reactions: BTreeMap<&'static str, Arc<Reaction>>,
    /// The one type of a topic that is declared to carry just one.
    pub(crate) single_types: BTreeMap<TopicName, &'static str>,
    pub(crate) status: Status,
    pub(crate) trouble: Trouble,
    pub(crate) receipts: bool,
    pub(crate) counts: Counts,
    pub(crate) work: Mutex<AtWork>,
}

/// What presence tells, beside counts.
#[derive(Default)]
pub(crate) struct AtWork {
    pub(crate) partitions: BTreeMap<TopicPartition, Arc<Shared>>,
    pub(crate) retrying: BTreeMap<EventKey, Retrying>,
}

/// Counts since the instance started.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    parked: AtomicU64,
    skipped: AtomicU64,
}

impl Counts {
    pub(crate) fn parked(&self) {
        self.parked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// Parked and skipped.
    pub(crate) fn read(&self) -> (u64, u64) {
        (
            self.parked.load(Ordering::Relaxed),
            self.skipped.load(Ordering::Relaxed),
        )
    }
}

/// An event that waits for its next attempt.
#[derive(Debug, Clone)]
pub(crate) struct Retrying {
    pub(crate) flow: FlowId,
    pub(crate) kind: Arc<str>,
    pub(crate) reaction: &'static str,
    pub(crate) attempts: u32,
    pub(crate) code: String,
    pub(crate) next_at: Timestamp,
}

impl Retrying {
    pub(crate) fn new(
        delivery: &Delivery,
        attempts: u32,
        failure: &Failure,
        next_at: Timestamp,
    ) -> Self {
        Self {
            flow: delivery.envelope.flow.clone(),
            kind: Arc::clone(&delivery.envelope.kind),
            reaction: delivery.reaction.unwrap_or_default(),
            attempts,
            code: failure.code().to_owned(),
            next_at,
        }
    }
}

impl Host {
    /// What is known of where a topic's records stand.
    pub(crate) fn place(&self, topic: &TopicName) -> Place<'_> {
        Place {
            cluster: &self.cluster,
            single_type: self.single_types.get(topic).copied(),
        }
    }

    /// The topic that this service's parked events of `topic` go to.
    pub(crate) fn parked_topic(&self, topic: &TopicName) -> TopicName {
        park::topic(&self.service, topic).expect("checked when the service started")
    }

    /// An event of the bus's own, in no flow but its own.
    pub(crate) fn internal<E: Event>(&self, event: &E) -> Outgoing {
        let key = event.key();
        let id = EventId::root(&*self.world);
        let envelope = Envelope {
            flow: FlowId::of_event(&self.source, &id),
            id,
            source: self.source.clone(),
            kind: E::SCHEMA.name.into(),
            subject: Some(Arc::from(&*key)),
            time: self.world.now(),
            cause: None,
            hops: 0,
            trace: Trace::default(),
        };
        envelope.record(E::SCHEMA, &key, event.encode_to_vec().into())
    }

    pub(crate) fn note_assigned(&self, partition: &Arc<Shared>) {
        self.at_work()
            .partitions
            .insert(partition.partition.clone(), Arc::clone(partition));
    }

    pub(crate) fn note_given_up(&self, partition: &TopicPartition) {
        self.at_work().partitions.remove(partition);
    }

    pub(crate) fn note_retry(&self, delivery: &Delivery, retrying: Retrying) {
        self.at_work()
            .retrying
            .insert(delivery.event_key(), retrying);
    }

    /// Forgets the event's retries when it has ended, however it ends.
    pub(crate) fn retrying(&self, delivery: &Delivery) -> RetryingGuard<'_> {
        RetryingGuard {
            host: self,
            event: delivery.event_key(),
        }
    }

    pub(crate) fn at_work(&self) -> MutexGuard<'_, AtWork> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets an event's retries when dropped.
pub(crate) struct RetryingGuard<'a> {
    host: &'a Host,
    event: EventKey,
}

impl Drop for RetryingGuard<'_> {
    fn drop(&mut self) {
        self.host.at_work().retrying.remove(&self.event);
    }
}
