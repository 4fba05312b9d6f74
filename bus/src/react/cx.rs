//! `Cx`: a reaction's only door to the outside.
//!
//! What a reaction loads and writes is kept here until it has returned; then settle seals the
//! context and takes the decision out. A context that was kept beyond that answers with an error,
//! so that nothing can be written behind a decision's back. There is no untyped publish on it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::Failure;
use crate::consume::delivery::Delivery;
use crate::envelope::Envelope;
use crate::id::{Caused, EffectKey, EventId, FlowId, Source};
use crate::observe::Begun;
use crate::service::host::Host;
use crate::state::{self, Error, ErrorKind, Record, RecordId, State, Stored, Write};
use crate::world::{self, Point};

#[cfg(feature = "sqlite")]
pub(super) mod joined;

/// What a reaction may ask and do. `S` is the state that its service keeps, `G` what it was given.
pub struct Cx<S = (), G = ()> {
    context: Arc<Context>,
    given: Arc<G>,
    state: PhantomData<fn() -> S>,
}

/// What one decision runs in, shared with settle.
pub(crate) struct Context {
    host: Arc<Host>,
    cause: Cause,
    attempt: u32,
    now: Timestamp,
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "for joined commits")
    )]
    delivery: Option<InDelivery>,
    work: Mutex<Work>,
}

/// The delivery that a reaction runs for, for one that commits a transaction of its own.
#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "for joined commits")
)]
pub(crate) struct InDelivery {
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) first_at: Timestamp,
    pub(crate) began: Duration,
    pub(crate) span: Option<Begun>,
}

/// What a decision follows from.
#[derive(Debug)]
pub(crate) enum Cause {
    /// An event.
    Event(Arc<Envelope>),
    /// A call from outside, which is given an id as if it were one.
    Call {
        flow: FlowId,
        source: Source,
        id: EventId,
    },
}

impl Cause {
    pub(crate) fn flow(&self) -> &FlowId {
        match self {
            Self::Event(envelope) => &envelope.flow,
            Self::Call { flow, .. } => flow,
        }
    }

    /// What ids of what follows in `service` are derived from.
    fn caused<'a>(&'a self, service: &'a str) -> Caused<'a> {
        match self {
            Self::Event(envelope) => envelope.caused(service),
            Self::Call { source, id, .. } => Caused {
                source,
                id,
                service,
            },
        }
    }
}

/// What a decision has read and written so far.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) reads: BTreeMap<RecordId, u64>,
    pub(crate) writes: BTreeMap<RecordId, Write>,
    // What was read, so that reading twice gives the same.
    texts: BTreeMap<RecordId, Option<Arc<str>>>,
    // A call was to rest on a record that is not in the store as it was read: the decision does not count.
    pub(crate) is_stale: bool,
    effects: u32,
    sealed: bool,
}

impl Context {
    pub(crate) fn new(
        host: Arc<Host>,
        cause: Cause,
        attempt: u32,
        now: Timestamp,
        delivery: Option<InDelivery>,
    ) -> Arc<Self> {
        Arc::new(Self {
            host,
            cause,
            attempt,
            now,
            delivery,
            work: Mutex::default(),
        })
    }

    /// Takes the decision out. Later use of the context is an error.
    pub(crate) fn seal(&self) -> Work {
        let mut work = self.lock();
        let decided = std::mem::take(&mut *work);
        work.sealed = true;
        decided
    }

    /// What the decision rests on, where a part of that is not so.
    pub(crate) fn stale(&self) -> Option<Vec<RecordId>> {
        let work = self.lock();
        work.is_stale.then(|| work.reads.keys().cloned().collect())
    }

    pub(crate) fn cause(&self) -> &Cause {
        &self.cause
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Waits until all that was read is in the store as it was read.
    async fn confirm(&self) -> Result<(), Failure> {
        let Some(store) = &self.host.store else {
            return Ok(());
        };
        let read: Vec<_> = {
            let work = self.work()?;
            let reads = work.reads.iter();
            let stored = reads.map(|(id, version)| {
                let (version, json) = (*version, work.texts.get(id).cloned().flatten());
                (id.clone(), Stored { version, json })
            });
            stored.collect()
        };
        for (id, stored) in read {
            if !store.confirm(&id, &stored).await? {
                self.work()?.is_stale = true;
                let what = format!("{id} is not as it was loaded: the reaction runs again");
                return Err(Failure::retry("stale", what));
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> Result<MutexGuard<'_, Work>, Error> {
        let work = self.lock();
        if work.sealed {
            return Err(Error::new(
                ErrorKind::Sealed,
                "the context was used after its reaction had returned: what a reaction starts must \
                 end before it does",
            ));
        }
        Ok(work)
    }
}

impl<S: State, G> Cx<S, G> {
    pub(crate) fn new(context: Arc<Context>, given: Arc<G>) -> Self {
        Self {
            context,
            given,
            state: PhantomData,
        }
    }

    /// The record of this key, or `None` where there is none. Sees what this reaction has written.
    ///
    /// The decision rests on what was loaded: if somebody changes it before this reaction's changes
    /// are applied, the reaction runs again.
    pub async fn load<R: Record<In = S>>(&mut self, key: &str) -> Result<Option<R>, Error> {
        let id = RecordId {
            kind: R::KIND,
            key: key.into(),
        };
        let text = match self.known(&id)? {
            Some(text) => text,
            None => self.fetch(&id).await?,
        };
        text.map(|text| state::parse(&id, &text)).transpose()
    }

    /// Writes a record, once the reaction has returned.
    pub fn put<R: Record<In = S>>(&mut self, key: &str, record: &R) -> Result<(), Error> {
        let id = RecordId {
            kind: R::KIND,
            key: key.into(),
        };
        let json = serde_json::to_string(record).map_err(|error| {
            Error::new(
                ErrorKind::Unfit,
                format!("{id} cannot be written as JSON: {error}"),
            )
        })?;
        self.write(
            id,
            Write {
                json: Some(json.into()),
                indexes: record.indexes(),
            },
        )
    }

    /// Deletes a record, once the reaction has returned.
    pub fn delete<R: Record<In = S>>(&mut self, key: &str) -> Result<(), Error> {
        let id = RecordId {
            kind: R::KIND,
            key: key.into(),
        };
        self.write(
            id,
            Write {
                json: None,
                indexes: BTreeMap::new(),
            },
        )
    }

    /// What the service was given: its ports to the outside.
    pub fn given(&self) -> &G {
        &self.given
    }

    /// The time at which this attempt began. It stands still, so that a decision is of one moment.
    pub fn now(&self) -> Timestamp {
        self.context.now
    }

    /// A random number, uniform over all 64 bits. A reaction without state must not let it decide
    /// what it emits: its repetition would emit something else.
    pub fn random(&self) -> u64 {
        self.context.host.world.random()
    }

    /// The flow that the event belongs to.
    pub fn flow(&self) -> &FlowId {
        self.context.cause.flow()
    }

    /// The envelope of the event reacted to. `None` in a decision at a door.
    pub fn envelope(&self) -> Option<&Envelope> {
        match &self.context.cause {
            Cause::Event(envelope) => Some(envelope),
            Cause::Call { .. } => None,
        }
    }

    /// Number of the attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.context.attempt
    }

    /// An idempotency key for the next call to the outside: the same on every attempt, different
    /// for every call of one reaction. Calls must be made in the same order on each attempt.
    pub fn effect_key(&mut self) -> EffectKey {
        let mut work = self.context.lock();
        let nth = work.effects;
        work.effects += 1;
        #[cfg(feature = "planted")]
        let nth = match self.context.host.world.has(world::Bug::KeyPerAttempt) {
            true => nth + 100 * self.context.attempt,
            false => nth,
        };
        let context = &self.context;
        EffectKey::caused(&context.cause.caused(&context.host.service), nth)
    }

    /// Waits for a call to the outside, once everything that was loaded is in the store: a decision may
    /// rest on one that is still on its way there, but what is done outside cannot be taken back if
    /// that one gets lost. Where it does, the reaction runs again, whatever this attempt returns.
    ///
    /// Around the call stand the points at which a test can end the instance: before it, and after its
    /// answer.
    pub async fn calling<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        self.context.confirm().await?;
        world::pass(&self.context.host.world, Point::Calling).await;
        let answer = call.await;
        world::pass(&self.context.host.world, Point::Called).await;
        Ok(answer?)
    }

    fn known(&self, id: &RecordId) -> Result<Option<Option<Arc<str>>>, Error> {
        let work = self.context.work()?;
        if let Some(write) = work.writes.get(id) {
            return Ok(Some(write.json.clone()));
        }
        Ok(work.texts.get(id).cloned())
    }

    async fn fetch(&self, id: &RecordId) -> Result<Option<Arc<str>>, Error> {
        let store = self.context.host.store.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Other,
                format!("{id} cannot be loaded: the service keeps no state"),
            )
        })?;
        let stored = store.load(id).await?;
        let (version, text) = stored.map_or((0, None), |stored| (stored.version, stored.json));
        let mut work = self.context.work()?;
        work.reads.insert(id.clone(), version);
        work.texts.insert(id.clone(), text.clone());
        Ok(text)
    }

    fn write(&self, id: RecordId, write: Write) -> Result<(), Error> {
        let mut work = self.context.work()?;
        match work.writes.entry(id) {
            Entry::Vacant(entry) => drop(entry.insert(write)),
            Entry::Occupied(mut entry) => drop(entry.insert(write)),
        }
        Ok(())
    }
}
