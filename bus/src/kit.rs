//! The kit: a service on the bench, for tests of what its reactions decide.
//!
//! ```text
//! let bench = Bench::of(inventory::service(&Deliveries::new()));
//! bench.put("apple", &Item { on_hand: 5, reserved: 0 }).await;
//!
//! let told = bench.react(placed("4711", "apple", 3)).await?;
//!
//! assert_eq!(told.only::<StockReserved>().order_id, "4711");
//! assert_eq!(bench.get::<Item>("apple").await.unwrap().reserved, 3);
//! ```
//! The bench runs the service as it is wired, one event at a time, on a store in memory: the event
//! goes in, what the reaction emits comes back, and its changes are there for the next event. Its
//! doors are open. There is no broker, no retry and no background work; time stands still. What
//! needs these runs on the in-memory broker.
//!
//! It refuses what a test must not rest on, by a panic: a service that could not start, an event
//! that the service does not react to, a record that does not fit its type.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use futures::FutureExt as _;
use jiff::Timestamp;

mod still;
mod told;

pub use told::Told;

use crate::bus::{Bus, Settings};
use crate::config::Config;
use crate::envelope::read::Payload;
use crate::envelope::{Envelope, Trace};
use crate::event::Event;
use crate::id::{EventId, FlowId, Source};
use crate::react::reaction::{Failed, Reaction};
use crate::react::{Cause, Context, Cx, Emitted, Failure, Reacted, Work};
use crate::service::Service;
use crate::service::host::Host;
use crate::state::memory::MemoryStores;
use crate::state::{Applied, Change, EventKey, Record, State};
use still::{NoBroker, StillWorld};

/// Rows of the outbox that are read at once.
const ROWS: usize = 1000;

/// A service on the bench. `S` is the state that it keeps.
pub struct Bench<S = ()> {
    host: Arc<Host>,
    world: Arc<StillWorld>,
    events: AtomicU64,
    rows_told: AtomicU64,
    state: PhantomData<fn() -> S>,
}

/// An event on its way to a service: attempted again, it is the same event, with the same id.
#[derive(Debug)]
pub struct Sent<E> {
    event: E,
    envelope: Arc<Envelope>,
    attempts: AtomicU32,
}

impl<S: State> Bench<S> {
    /// Puts a service on the bench, as it is wired, with its doors open.
    ///
    /// # Panics
    ///
    /// Where the service could not start, e.g. because it has two reactions to one event.
    pub fn of<G: Send + Sync + 'static>(service: Service<S, G>) -> Self {
        let world = Arc::new(StillWorld::default());
        let bus = Bus::new(
            Arc::new(NoBroker),
            Arc::clone(&world) as Arc<_>,
            Arc::new(MemoryStores::default()),
            Settings::of(&Config::default()),
        );
        let hosted = service.hosted(&bus, "bench".to_owned()).now_or_never();
        let host = hosted
            .expect("memory does not keep anybody waiting")
            .unwrap_or_else(|error| panic!("the service could not start: {error}"));
        Self {
            host,
            world,
            events: AtomicU64::new(0),
            rows_told: AtomicU64::new(0),
            state: PhantomData,
        }
    }

    /// Writes a record, as if an earlier reaction had.
    pub async fn put<R: Record<In = S>>(&self, key: &str, record: &R) {
        let context = self.context(self.nobody(), 1);
        let mut cx: Cx<S> = Cx::new(Arc::clone(&context), Arc::new(()));
        cx.put(key, record)
            .unwrap_or_else(|error| panic!("{error}"));
        self.apply(None, context.seal()).await;
    }

    /// Reads a record.
    pub async fn get<R: Record<In = S>>(&self, key: &str) -> Option<R> {
        let mut cx: Cx<S> = Cx::new(self.context(self.nobody(), 1), Arc::new(()));
        let record = cx.load(key).await;
        record.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Lets the service react to a new event.
    pub async fn react<E: Event>(&self, event: E) -> Reacted<Told> {
        self.attempt(&self.sent(event)).await
    }

    /// An event on its way, for tests in which it is attempted more than once.
    pub fn sent<E: Event>(&self, event: E) -> Sent<E> {
        let nth = self.events.fetch_add(1, Ordering::Relaxed);
        let (source, id) = (Source::new("/bench"), EventId::new(nth.to_string()));
        let envelope = Envelope {
            kind: E::SCHEMA.wire_type().into(),
            subject: Some(Arc::from(&*event.key())),
            time: self.now(),
            flow: FlowId::of_event(&source, &id),
            id,
            source,
            cause: None,
            hops: 0,
            trace: Trace::default(),
        };
        Sent {
            event,
            envelope: Arc::new(envelope),
            attempts: AtomicU32::new(0),
        }
    }

    /// One attempt at an event. Once an attempt has succeeded, another one tells nothing, as the
    /// inbox has the event.
    pub async fn attempt<E: Event>(&self, sent: &Sent<E>) -> Reacted<Told> {
        let event = sent.key();
        if self.store_has(&event).await {
            return Ok(Told::default());
        }
        let number = sent.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        loop {
            let (emitted, work) = self.run(sent, number).await?;
            // What somebody changed meanwhile is decided again, as the same attempt.
            if self.apply(Some(&event), work).await {
                return Ok(Told::from_reaction(emitted));
            }
        }
    }

    /// An attempt that is cut off: the reaction runs to its end, and a crash loses what it decided.
    /// What it did outside has been done.
    pub async fn crash<E: Event>(&self, sent: &Sent<E>) -> Reacted<()> {
        let number = sent.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        self.run(sent, number).await.map(drop)
    }

    /// What was born at the service's doors since this was last asked.
    pub async fn born(&self) -> Told {
        let Some(store) = &self.host.store else {
            return Told::default();
        };
        let after = self.rows_told.load(Ordering::Relaxed);
        let rows = store.unflushed(after, ROWS).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}"));
        let last = rows.last().map_or(after, |row| row.id);
        self.rows_told.store(last, Ordering::Relaxed);
        Told::from_records(rows.into_iter().flat_map(|row| row.records))
    }

    /// The time that it is on the bench.
    pub fn now(&self) -> Timestamp {
        self.host.world.now()
    }

    /// Lets time pass.
    pub fn pass(&self, time: std::time::Duration) {
        self.world.pass(time);
    }

    async fn run<E: Event>(&self, sent: &Sent<E>, number: u32) -> Reacted<(Emitted, Work)> {
        let payload = Payload::Protobuf(sent.event.encode_to_vec().into());
        let context = self.context(Cause::Event(Arc::clone(&sent.envelope)), number);
        let running = self.reaction::<E>().run(payload, Arc::clone(&context));
        match running.await {
            Ok(emitted) => Ok((emitted, context.seal())),
            Err(Failed::Reaction(failure)) => Err(failure),
            Err(Failed::Undecodable(what)) => Err(Failure::park("undecodable", what)),
        }
    }

    fn reaction<E: Event>(&self) -> &Reaction {
        let (service, event) = (&self.host.service, E::SCHEMA.wire_type());
        let reaction = self.host.reactions.get(event);
        reaction.unwrap_or_else(|| panic!("{service} does not react to {event}"))
    }

    fn context(&self, cause: Cause, number: u32) -> Arc<Context> {
        Context::new(Arc::clone(&self.host), cause, number, self.now(), None)
    }

    /// The cause of what the test itself does.
    fn nobody(&self) -> Cause {
        Cause::Call {
            flow: FlowId::new(""),
            source: Source::new("/bench"),
            id: EventId::new(""),
        }
    }

    async fn store_has(&self, event: &EventKey) -> bool {
        let Some(store) = &self.host.store else {
            return false;
        };
        let seen = store.seen(event).await;
        seen.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Applies changes. `false`: somebody changed meanwhile what they rest on.
    async fn apply(&self, event: Option<&EventKey>, work: Work) -> bool {
        let Some(store) = &self.host.store else {
            return true;
        };
        let change = Change {
            event: event.cloned(),
            reads: work.reads,
            writes: work.writes,
            at: self.now(),
            ..Change::default()
        };
        let applied = store.apply(change).await;
        let applied = applied.unwrap_or_else(|error| panic!("{error}"));
        !matches!(applied, Applied::Conflict(_))
    }
}

impl<E: Event> Sent<E> {
    /// The same event in another flow. Each is in one of its own otherwise.
    #[must_use]
    pub fn in_flow(mut self, flow: &FlowId) -> Self {
        Arc::make_mut(&mut self.envelope).flow = flow.clone();
        self
    }

    /// The flow that it belongs to.
    pub fn flow(&self) -> &FlowId {
        &self.envelope.flow
    }

    fn key(&self) -> EventKey {
        EventKey {
            source: self.envelope.source.clone(),
            id: self.envelope.id.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
