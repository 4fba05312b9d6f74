//! A door: how an event is born outside a reaction, because somebody asked for something.
//!
//! A decision at a door is made like a reaction: it loads and decides, and its changes and events
//! are applied together. The door's type names what may be born; the service declares it with
//! [`super::Service::originates`], and so it stands in the contract.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

use super::host::Host;
use crate::envelope::Trace;
use crate::id::{EventId, FlowId};
use crate::observe::ambient;
use crate::react::{Cause, Context, Cx, Emits, Emitted, Failure, Work};
use crate::settle::emit;
use crate::state::locks::Guard;
use crate::state::{self, Applied, Change, Committed, State};
use crate::world::{self, Point};

/// Decisions that conflict this often are given up: something changes the records all the time.
const CONFLICTS_MAX: u32 = 100;

/// The instance that a door serves: the one that was started last.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<RwLock<Option<Arc<Host>>>>);

impl Slot {
    pub(super) fn open(&self, host: &Arc<Host>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(host));
    }

    fn host(&self) -> Result<Arc<Host>, Error> {
        let host = self.0.read().unwrap_or_else(PoisonError::into_inner);
        host.clone().ok_or(Error::NotRunning)
    }
}

/// Where events of type `E` are born for a service that keeps `S`. Cheap to clone.
pub struct Door<S, E> {
    slot: Slot,
    types: PhantomData<fn(S) -> E>,
}

/// A decision at a door was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service has not started.
    #[error("the service has not started: try again in a moment")]
    NotRunning,
    /// Nothing more can be taken until the broker answers.
    #[error("{0}")]
    Full(String),
    /// The decision itself failed.
    #[error("{0:?}")]
    Decision(Failure),
    /// The store could not apply it.
    #[error(transparent)]
    Store(#[from] state::Error),
    /// Others changed the same records all the time.
    #[error("others changed the same records {CONFLICTS_MAX} times meanwhile: try again")]
    Conflicts,
}

impl<S: State, E: Emits> Door<S, E> {
    /// A door. It opens when a service that originates through it has started.
    pub fn new() -> Self {
        Self {
            slot: Slot::default(),
            types: PhantomData,
        }
    }

    /// For events that begin a flow.
    pub fn new_flow(&self) -> Through<'_, S, E> {
        Through {
            door: self,
            flow: None,
        }
    }

    /// For events of the flow of a business key, e.g. of order `4711` in the key space `order`.
    pub fn in_flow(&self, space: &str, key: &str) -> Through<'_, S, E> {
        Through {
            door: self,
            flow: Some(FlowId::of_key(space, key)),
        }
    }

    pub(crate) fn slot(&self) -> Slot {
        self.slot.clone()
    }

    /// A new id for whoever asks for something without naming it: a UUIDv7 of the service's world.
    pub fn new_id(&self) -> Result<String, Error> {
        Ok(EventId::root(&*self.slot.host()?.world).to_string())
    }

    /// Reads a record, as it is in the store, outside any decision. `None` where the service keeps
    /// nothing.
    pub async fn read<R: state::Record<In = S>>(&self, key: &str) -> Result<Option<R>, Error> {
        let host = self.slot.host()?;
        let Some(store) = &host.store else {
            return Ok(None);
        };
        let id = state::RecordId {
            kind: R::KIND,
            key: key.into(),
        };
        let stored = store.read(&id).await;
        let stored = stored.inspect_err(|error| host.note_trouble(error))?;
        let text = stored.and_then(|stored| stored.json);
        Ok(text.map(|text| state::parse(&id, &text)).transpose()?)
    }
}

impl<S: State, E: Emits> Default for Door<S, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, E> Clone for Door<S, E> {
    fn clone(&self) -> Self {
        Self {
            slot: self.slot.clone(),
            types: PhantomData,
        }
    }
}

/// A door and the flow that is to be entered through it.
pub struct Through<'a, S, E> {
    door: &'a Door<S, E>,
    flow: Option<FlowId>,
}

impl<S: State, E: Emits> Through<'_, S, E> {
    /// Decides, and applies what was decided: records and events together, or neither.
    ///
    /// The decision is made again where somebody changed meanwhile what it rests on. Returns its
    /// answer once it is in the store; the events follow at once, or as soon as the broker answers.
    pub async fn decide<A, F, Fut>(self, decide: F) -> Result<A, Error>
    where
        F: Fn(Cx<S>) -> Fut,
        Fut: Future<Output = Result<(E, A), Failure>>,
    {
        let host = &self.door.slot.host()?;
        let flow = self.flow.unwrap_or_else(|| FlowId::root(&*host.world));
        let trace = ambient::of_caller();
        let mut locks = None;
        for _ in 0..CONFLICTS_MAX {
            let context = context(host, flow.clone());
            let cx = Cx::new(Arc::clone(&context), Arc::new(()));
            let decided = decide(cx).await;
            match apply(host, (&context, &trace), decided, locks.take()).await? {
                Ok(answer) => return Ok(answer),
                Err(changed) => locks = Some(host.locks.lock(changed).await),
            }
        }
        Err(Error::Conflicts)
    }
}

#[cfg(feature = "sqlite")]
impl<S: State, E: Emits> Through<'_, S, E> {
    /// Commits a transaction of the service's own, and with it the events, which are published then:
    /// how a service with tables of its own emits events without a dual write.
    ///
    /// The bus must have its store in the same database ([`state::sqlite::Stores::within`]).
    pub async fn commit(self, tx: sqlx::SqliteTransaction<'_>, events: E) -> Result<(), Error> {
        let host = &self.door.slot.host()?;
        let store = host.store.as_ref().and_then(|store| store.as_sqlite());
        let store = store.ok_or_else(|| {
            let message = "the service keeps no state in SQLite: declare it by `keeps`, and give the \
                           bus `sqlite::Stores::within` the pool of its database";
            state::Error::new(state::ErrorKind::Other, message)
        })?;
        let flow = self.flow.unwrap_or_else(|| FlowId::root(&*host.world));
        let (context, trace) = (context(host, flow), ambient::of_caller());
        let mut emitted = Emitted::default();
        events.emit(&mut emitted);
        let change = Arc::new(change(host, (&context, &trace), Work::default(), emitted)?);
        let applied = store.commit(tx, &change).await;
        // Anything else may come from the transaction, which is not ours.
        let applied = applied.inspect_err(|error| {
            if error.kind == state::ErrorKind::Unavailable {
                host.note_trouble(error);
            }
        });
        let applied = applied.map_err(Error::of)?;
        if let Applied::Done(committed) = applied {
            world::pass(&host.world, Point::Committed).await;
            flush(host, committed, change);
        }
        Ok(())
    }
}

/// Applies a decision. The inner error: what it rests on was changed meanwhile, these records.
///
/// Locks are let go at the latest when this returns: one of them may be asked for next.
async fn apply<E: Emits, A>(
    host: &Arc<Host>,
    (context, trace): (&Context, &Trace),
    decided: Result<(E, A), Failure>,
    locks: Option<Guard>,
) -> Result<Result<A, Vec<state::RecordId>>, Error> {
    if let Some(changed) = context.stale() {
        return Ok(Err(changed));
    }
    let decided = decided.inspect_err(|failure| host.note_failure(failure));
    let (events, answer) = decided.map_err(Error::Decision)?;
    let mut emitted = Emitted::default();
    events.emit(&mut emitted);
    let work = context.seal();
    let touched: Vec<_> = work
        .reads
        .keys()
        .chain(work.writes.keys())
        .cloned()
        .collect();
    let change = Arc::new(change(host, (context, trace), work, emitted)?);
    let Some(store) = &host.store else {
        host.outbox.send_all(&change.outbox).await;
        return Ok(Ok(answer));
    };
    let submitted = store.submit(Arc::clone(&change));
    // The next may decide: it sees what this one writes.
    drop(locks);
    let applied = submitted.await;
    let applied = applied.inspect_err(|error| host.note_trouble(error));
    match applied.map_err(Error::of)? {
        Applied::Done(committed) => {
            world::pass(&host.world, Point::Committed).await;
            flush(host, committed, change);
            Ok(Ok(answer))
        }
        Applied::Duplicate | Applied::Fenced => {
            unreachable!("a decision at a door has no event to be seen before, nor a partition")
        }
        Applied::Conflict(_) => Ok(Err(touched)),
    }
}

/// What a decision amounts to.
fn change(
    host: &Host,
    (context, trace): (&Context, &Trace),
    work: Work,
    emitted: Emitted,
) -> Result<Change, Error> {
    let events =
        emit::from_door(host, context.cause().flow(), trace, emitted).map_err(Error::Decision)?;
    Ok(Change {
        reads: work.reads,
        writes: work.writes,
        outbox: events.into_iter().map(|event| event.record).collect(),
        at: context.now(),
        ..Change::default()
    })
}

/// Publishes what was decided. Not waited for: it is in the store, and goes out from there.
fn flush(host: &Arc<Host>, committed: Committed, change: Arc<Change>) {
    let Some(row) = committed.row else { return };
    let host = Arc::clone(host);
    let world = Arc::clone(&host.world);
    drop(world::spawn(&world, "door", async move {
        host.outbox
            .flush(row, &committed.after, &change.outbox)
            .await;
    }));
}

impl Error {
    fn of(error: state::Error) -> Self {
        match error.kind {
            state::ErrorKind::OutboxFull => Self::Full(error.message),
            _ => Self::Store(error),
        }
    }
}

fn context(host: &Arc<Host>, flow: FlowId) -> Arc<Context> {
    let cause = Cause::Call {
        flow,
        source: host.source.clone(),
        id: EventId::root(&*host.world),
    };
    Context::new(Arc::clone(host), cause, 1, host.world.now(), None)
}
