//! The bus: what all services of a process share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::broker::{Assignor, Broker, Start};
use crate::config::{Config, Limits};
use crate::observe::{Observer, Telemetry, Who};
use crate::presence::Rhythm;
use crate::publish::Publisher;
use crate::state::Stores;
use crate::topic::Durability;
use crate::world;

/// A broker, a world, a place for state, and settings. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) world: world::Shared,
    pub(crate) stores: Arc<dyn Stores>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) durability: Arc<Durability>,
    pub(crate) telemetry: Telemetry,
    pub(crate) waiting: Arc<Waiting>,
    // What publishers tell, by their name: each has a tracer and a meter once, however often it is asked for.
    publishers: Arc<Mutex<BTreeMap<String, Observer>>>,
}

/// What was said last of a broker that is waited for. Services of one process wait for the same one, and it is
/// said once.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Option<String>>);

impl Waiting {
    /// Whether nobody has said this since something else was said, or since the broker answered.
    pub(crate) fn is_new(&self, why: &str) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = said.as_deref() != Some(why);
        *said = Some(why.to_owned());
        is_new
    }

    /// The broker answers.
    pub(crate) fn over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// How services take part. See `config.toml` for each value's meaning and default.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Limits of everything.
    pub limits: Limits,
    /// Where a service starts that has never run.
    pub start: Start,
    /// See [`crate::broker::Membership::assignor`].
    pub assignor: Assignor,
    /// Name of this instance that is the same after a restart. `None`: drawn anew at every start,
    /// and the instance is a dynamic member.
    pub instance: Option<String>,
    /// See [`crate::broker::Membership::session_timeout`].
    pub session_timeout: Duration,
    /// See [`crate::broker::Membership::rebalance_timeout`].
    pub rebalance_timeout: Duration,
    /// How long a start may wait for the broker.
    pub connect_timeout: Duration,
    /// Whether missing topics of one's own are created.
    pub create_topics: bool,
    /// Whether a receipt is published for each attempt.
    pub receipts: bool,
    /// How long the inbox remembers an event.
    pub inbox_keep: Duration,
    /// Presence.
    pub presence: Rhythm,
}

impl Settings {
    /// As a configuration says.
    pub fn of(config: &Config) -> Self {
        Self {
            limits: config.limits.clone(),
            start: config.group.start,
            assignor: config.group.assignor,
            instance: config.group.instance.clone(),
            session_timeout: config.group.session_timeout(),
            rebalance_timeout: config.group.rebalance_timeout(),
            connect_timeout: config.kafka.connect_timeout(),
            create_topics: config.topics.create,
            receipts: config.topics.receipts,
            inbox_keep: config.state.inbox_keep(),
            presence: Rhythm {
                interval: config.presence.interval(),
                lease: config.presence.lease(),
            },
        }
    }
}

impl Bus {
    /// A bus.
    pub fn new(
        broker: Arc<dyn Broker>,
        world: world::Shared,
        stores: Arc<dyn Stores>,
        settings: Settings,
    ) -> Self {
        Self {
            broker,
            world,
            stores,
            settings: Arc::new(settings),
            durability: Arc::default(),
            telemetry: Telemetry::off(),
            waiting: Arc::default(),
            publishers: Arc::default(),
        }
    }

    /// The same bus, telling spans and metrics of what happens on it.
    #[must_use]
    pub fn told_to(self, telemetry: Telemetry) -> Self {
        Self {
            telemetry,
            publishers: Arc::default(),
            ..self
        }
    }

    /// What spans and metrics are told to.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The same bus with other settings.
    pub fn with(&self, settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            ..self.clone()
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The broker.
    pub fn broker(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    /// The world.
    pub fn world(&self) -> &world::Shared {
        &self.world
    }

    /// A publisher for events of a service that is there already, under its name.
    pub fn publisher(&self, name: &str) -> Publisher {
        let (broker, world) = (Arc::clone(&self.broker), Arc::clone(&self.world));
        let publisher = Publisher::new(name, broker, world, self.settings.limits.event_bytes_max);
        publisher.told_to(self.observer(name))
    }

    fn observer(&self, name: &str) -> Observer {
        if self.telemetry.is_off() {
            return Observer::default();
        }
        let publishers = self.publishers.lock();
        let mut publishers = publishers.unwrap_or_else(PoisonError::into_inner);
        let observer = publishers.entry(name.to_owned()).or_insert_with(|| {
            let who = Who::new(name, "", "");
            Observer::of(&self.telemetry, &who, None, 1, &self.world)
        });
        observer.clone()
    }
}
