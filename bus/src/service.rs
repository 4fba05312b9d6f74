//! A service: a name, its state, its reactions, and the doors through which its events are born.
//!
//! Whoever reads the lines that build one knows its contract:
//! ```text
//! Service::named("inventory").keeps(Stock).on(order_placed).on(payment_declined).run(bus).await
//! ```

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

pub mod door;
pub(crate) mod host;
mod run;
mod running;
pub(crate) mod trouble;

use crate::bus::Bus;
use crate::contract::{self, Contract, EventType};
use crate::event::{Event, Schema};
use crate::react::reaction::Reaction;
use crate::react::{Cx, Emits, Reacted};
use crate::state::State;
use crate::status::Status;
use crate::stop::Stop;
use door::Door;
pub use run::Error;
pub use running::Running;

/// A service, not yet running. `S` is the state that it keeps, `G` what it was given.
pub struct Service<S = (), G = ()> {
    name: String,
    code_version: &'static str,
    given: Arc<G>,
    keeps_state: bool,
    reactions: Vec<Reaction>,
    originates: Vec<&'static Schema>,
    doors: Vec<door::Slot>,
    state: PhantomData<fn() -> S>,
}

impl Service {
    /// A service under a name of letters, digits, `-` and `_`: its consumer group.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            code_version: "unversioned",
            given: Arc::new(()),
            keeps_state: false,
            reactions: Vec::new(),
            originates: Vec::new(),
            doors: Vec::new(),
            state: PhantomData,
        }
    }
}

impl<S: State, G: Send + Sync + 'static> Service<S, G> {
    /// The version of the service's code, e.g. `env!("CARGO_PKG_VERSION")`. Stands in receipts.
    #[must_use]
    pub fn version(mut self, version: &'static str) -> Self {
        self.code_version = version;
        self
    }

    /// The state that the service keeps. Reactions added from here on can use it.
    #[must_use]
    pub fn keeps<T: State>(self, _: T) -> Service<T, G> {
        let given = Arc::clone(&self.given);
        Service {
            keeps_state: true,
            ..self.retyped(given)
        }
    }

    /// What the service is given: its ports to the outside. Reactions added from here on can use it.
    #[must_use]
    pub fn given<T: Send + Sync + 'static>(self, given: T) -> Service<S, T> {
        self.retyped(Arc::new(given))
    }

    /// A reaction. What it reacts to and what it may emit is read from its types.
    #[must_use]
    pub fn on<E, O, F, Fut>(mut self, react: F) -> Self
    where
        E: Event,
        O: Emits,
        F: Fn(E, Cx<S, G>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Reacted<O>> + Send + 'static,
    {
        self.reactions
            .push(Reaction::new(react, Arc::clone(&self.given)));
        self
    }

    /// A door through which events of the service are born outside a reaction.
    #[must_use]
    pub fn originates<E: Emits>(mut self, door: &Door<S, E>) -> Self {
        E::schemas(&mut self.originates);
        self.doors.push(door.slot());
        self
    }

    /// What the service promises.
    pub fn contract(&self) -> Contract {
        let mut reactions: Vec<_> = self
            .reactions
            .iter()
            .map(|reaction| contract::Reaction {
                name: reaction.name,
                event: EventType::of(reaction.reacts_to),
                emits: EventType::of_all(&reaction.emits),
            })
            .collect();
        reactions.sort_by_key(|reaction| reaction.event.name);
        Contract {
            service: self.name.clone(),
            reactions,
            originates: EventType::of_all(&self.originates),
            owns: self.owned_topics().into_keys().collect(),
            keeps_state: self.keeps_state,
        }
    }

    /// Runs until asked to stop, and says in `status` how it is.
    pub async fn run(self, bus: Bus, stop: Stop, status: Status) -> Result<(), Error> {
        run::run(self, bus, stop, status).await
    }

    /// Runs in a task of its own.
    pub fn start(self, bus: &Bus) -> Running {
        Running::new(self, bus)
    }

    /// What the service stands on, with its doors open, but taking part in nothing yet.
    pub(crate) async fn hosted(self, bus: &Bus, cluster: String) -> Result<Arc<host::Host>, Error> {
        let doors = self.doors.clone();
        let store = run::open_store(&self, bus, &cluster).await?;
        let host = run::host(self, bus, cluster, Status::starting(), store)?;
        for door in doors {
            door.open(&host);
        }
        Ok(host)
    }

    /// All schemas that the contract names.
    fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        let emitted = self
            .reactions
            .iter()
            .flat_map(|reaction| reaction.emits.iter().copied());
        let reacted = self.reactions.iter().map(|reaction| reaction.reacts_to);
        emitted
            .chain(reacted)
            .chain(self.originates.iter().copied())
    }

    fn owned_topics(&self) -> BTreeMap<&'static str, &'static crate::event::Topic> {
        let topics = self.schemas().map(|schema| schema.topic);
        let owned = topics.filter(|topic| topic.owner == Some(self.name.as_str()));
        owned.map(|topic| (topic.name, topic)).collect()
    }

    fn retyped<T, H>(self, given: Arc<H>) -> Service<T, H> {
        Service {
            name: self.name,
            code_version: self.code_version,
            given,
            keeps_state: self.keeps_state,
            reactions: self.reactions,
            originates: self.originates,
            doors: self.doors,
            state: PhantomData,
        }
    }
}
