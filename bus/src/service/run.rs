//! A service's life: prepare topics, tell the contract, take part, drain, leave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Service;
use super::host::{AtWork, Counts, Host};
use super::trouble::{self, Trouble};
use crate::broker::{self, Membership, Start, TopicName};
use crate::bus::{Bus, Settings};
use crate::consume::consume;
use crate::contract::Contract;
use crate::event::{Event as _, Retention};
use crate::id::Source;
use crate::observe::{self, Observer, Who};
use crate::presence;
use crate::react::reaction::Reaction;
use crate::settle::outbox::Outbox;
use crate::settle::{park, retry};
use crate::state::{self, State, Store, inbox};
use crate::status::{Status, chain};
use crate::stop::Stop;
use crate::topic::{self, Topics};
use crate::wire;
use crate::world::{self, Ended};

/// Time between two tries to reach the broker at the start.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Time between two sweeps of the outbox.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// A service could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name cannot be a service's.
    #[error("`{0}` cannot be a service's name: use 1 to 100 letters, digits, '-' and '_'")]
    Name(String),
    /// One event type has two reactions.
    #[error(
        "service `{service}` reacts to {event} twice, as `{first}` and as `{second}`: one service has \
         one reaction per event type"
    )]
    TwoReactions {
        /// The service.
        service: String,
        /// The event type.
        event: &'static str,
        /// One reaction.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// The broker did not answer in time.
    #[error("{broker} did not answer for {seconds} s: is it running, and is the address right?")]
    Unreachable {
        /// What the broker is called.
        broker: String,
        /// How long was waited.
        seconds: u64,
        /// The last answer.
        #[source]
        source: broker::Error,
    },
    /// A topic is not what the service needs.
    #[error(transparent)]
    Topic(#[from] topic::Error),
    /// The inbox forgets an event before its topic does.
    #[error(
        "service `{service}` remembers events for {hours} h, but topic `{topic}` keeps them {kept}: \
         a second copy of an old one would be handled again. Raise `state.inbox_hours`, or let the \
         topic keep less"
    )]
    Inbox {
        /// The service.
        service: String,
        /// `state.inbox_hours`.
        hours: u64,
        /// The topic.
        topic: &'static str,
        /// How long it keeps events.
        kept: Retention,
    },
    /// The state cannot be opened.
    #[error("cannot open the state of service `{service}`")]
    State {
        /// The service.
        service: String,
        /// Why.
        #[source]
        source: state::Error,
    },
    /// The task that it ran in ended early.
    #[error("service ended early: {0}")]
    Ended(Ended),
}

/// Runs a service until asked to stop. Where it cannot run, its status says so too.
pub(super) async fn run<S: State, G: Send + Sync + 'static>(
    service: Service<S, G>,
    bus: Bus,
    stop: Stop,
    status: Status,
) -> Result<(), Error> {
    let ended = Box::pin(run_to_the_end(service, bus, stop, status.clone())).await;
    if let Err(error) = &ended {
        status.fail(chain(error));
    }
    ended
}

async fn run_to_the_end<S: State, G: Send + Sync + 'static>(
    service: Service<S, G>,
    bus: Bus,
    stop: Stop,
    status: Status,
) -> Result<(), Error> {
    check_name(&service.name)?;
    if service.keeps_state {
        let reactions = service.reactions.iter();
        let reacted = reactions.map(|reaction| reaction.reacts_to.topic);
        inbox::check(&service.name, bus.settings.inbox_keep, reacted)?;
    }
    status.set_waiting("broker", "it has not answered yet");
    let Some(cluster) = connect(&bus, &status, &stop).await? else {
        return Ok(());
    };
    // Before anything is waited for or made: what is wrong with it is told at once.
    let store = open_store(&service, &bus, &cluster).await?;
    let name = service.name.clone();
    let ended = take_part(service, bus, stop, status, cluster, store.clone()).await;
    // However it ended.
    if let Some(store) = store {
        store.close().await;
    }
    observe::stopped(&name);
    ended
}

/// What a service does once the broker has answered and its state is open.
async fn take_part<S: State, G: Send + Sync + 'static>(
    service: Service<S, G>,
    bus: Bus,
    stop: Stop,
    status: Status,
    cluster: String,
    store: Option<Arc<dyn Store>>,
) -> Result<(), Error> {
    let contract = service.contract();
    if !have_topics(&service, &bus, &status, &stop).await? {
        return Ok(());
    }
    let topics = topics_of(&service);
    let doors = service.doors.clone();
    let host = host(service, &bus, cluster, status, store)?;
    tell_contract(&host, &contract, bus.settings.start).await;
    match host.outbox.sweep().await {
        Ok(rows) => observe::swept(&host.service, rows),
        Err(error) => observe::store_in_trouble(&host.service, &error, SWEEP_INTERVAL),
    }
    for door in doors {
        door.open(&host);
    }
    if !topics.is_empty() {
        host.status
            .set_waiting("assignment", "the group has not given out partitions yet");
    }
    host.status.started();
    let told = stop.clone();
    let announcing = world::spawn(
        &bus.world,
        "presence",
        presence::announce(
            Arc::clone(&host),
            contract.hash(),
            bus.settings.presence,
            told,
        ),
    )
    .scoped();
    let sweeping = world::spawn(&bus.world, "sweep", sweep(Arc::clone(&host))).scoped();
    let trying = world::spawn(&bus.world, "trouble", trouble::watch(Arc::clone(&host))).scoped();
    let watching = host.observer.is_on().then(|| {
        let watching = observe::watch::keep(Arc::clone(&host));
        world::spawn(&bus.world, "telemetry", watching).scoped()
    });
    let keep = bus.settings.inbox_keep;
    let trimming = world::spawn(&bus.world, "inbox", inbox::trim(Arc::clone(&host), keep)).scoped();
    if topics.is_empty() {
        stop.requested().await;
    } else {
        consume(
            Arc::clone(&host),
            membership(&bus.settings, &host, topics),
            stop,
        )
        .await;
    }
    // Whoever is told that the service has ended finds nothing of it at work any more.
    for task in [sweeping, trying, trimming].into_iter().chain(watching) {
        task.stop().await;
    }
    // Announcing ends by itself with the stop; an error means that it has ended even earlier.
    let _ = announcing.await;
    let rhythm = bus.settings.presence;
    presence::tell(&host, &contract.hash(), rhythm, wire::Activity::Stopped).await;
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 100 || !name.chars().all(legal) {
        return Err(Error::Name(name.to_owned()));
    }
    Ok(())
}

/// Waits for the broker. Returns the cluster's id; `None`: asked to stop first.
async fn connect(bus: &Bus, status: &Status, stop: &Stop) -> Result<Option<String>, Error> {
    let limit = bus.settings.connect_timeout;
    let began = bus.world.elapsed();
    loop {
        let source = match bus.broker.cluster_id().await {
            Ok(cluster) => {
                status.clear("broker");
                bus.waiting.over();
                return Ok(Some(cluster));
            }
            Err(error) => error,
        };
        status.set_waiting("broker", source.to_string());
        if stop.is_requested() {
            return Ok(None);
        }
        if !source.is_transient() || bus.world.elapsed().saturating_sub(began) >= limit {
            let broker = bus.broker.name().to_owned();
            return Err(Error::Unreachable {
                broker,
                seconds: limit.as_secs(),
                source,
            });
        }
        if bus.waiting.is_new(&source.to_string()) {
            observe::broker_in_trouble("start", &source);
        }
        stop.unless(bus.world.sleep(LOOK_AGAIN)).await;
    }
}

/// Prepares topics, for as long as the broker is in trouble. `false`: asked to stop first.
async fn have_topics<S: State, G: Send + Sync + 'static>(
    service: &Service<S, G>,
    bus: &Bus,
    status: &Status,
    stop: &Stop,
) -> Result<bool, Error> {
    loop {
        match prepare_topics(service, bus, status, stop).await {
            Err(Error::Topic(topic::Error::Broker(error))) if error.is_transient() => {
                observe::broker_in_trouble(&service.name, &error);
                status.set_waiting("broker", error.to_string());
                bus.world.sleep(LOOK_AGAIN).await;
            }
            prepared => {
                status.clear("broker");
                return prepared;
            }
        }
        if stop.is_requested() {
            return Ok(false);
        }
    }
}

/// Creates what is the service's own, and waits for what is not. `false`: asked to stop first.
async fn prepare_topics<S: State, G: Send + Sync + 'static>(
    service: &Service<S, G>,
    bus: &Bus,
    status: &Status,
    stop: &Stop,
) -> Result<bool, Error> {
    let topics = Topics {
        service: &service.name,
        broker: &*bus.broker,
        world: &bus.world,
        status,
        create: bus.settings.create_topics,
        durability: &bus.durability,
    };
    for schema in [
        wire::Receipt::SCHEMA,
        wire::ContractPublished::SCHEMA,
        wire::PresenceAnnounced::SCHEMA,
    ] {
        topics.own(schema.topic).await?;
    }
    for topic in service.owned_topics().values() {
        topics.own(topic).await?;
    }
    let mut others = BTreeMap::new();
    for schema in service.schemas() {
        others.insert(schema.topic.name, schema.topic);
    }
    let mut partitions = BTreeMap::new();
    for (name, topic) in others {
        let Some(found) = topics.others(topic, stop).await? else {
            return Ok(false);
        };
        partitions.insert(name, found.partitions);
    }
    for topic in topics_of(service) {
        let parked = park::topic(&service.name, &topic).map_err(topic::Error::Name)?;
        topics.parked(parked, partitions[topic.as_str()]).await?;
    }
    bus.durability.tell();
    Ok(true)
}

/// Topics that the service reads.
fn topics_of<S: State, G: Send + Sync + 'static>(service: &Service<S, G>) -> Vec<TopicName> {
    let mut topics: Vec<_> = service
        .reactions
        .iter()
        .map(|reaction| TopicName::checked(reaction.reacts_to.topic.name))
        .collect();
    topics.sort();
    topics.dedup();
    topics
}

/// Opens what the service keeps. `None`: it keeps nothing.
pub(super) async fn open_store<S, G>(
    service: &Service<S, G>,
    bus: &Bus,
    cluster: &str,
) -> Result<Option<Arc<dyn Store>>, Error> {
    if !service.keeps_state {
        return Ok(None);
    }
    let opened = bus.stores.open(&service.name, cluster).await;
    let store = opened.map_err(|source| Error::State {
        service: service.name.clone(),
        source,
    })?;
    Ok(Some(store))
}

pub(super) fn host<S: State, G>(
    service: Service<S, G>,
    bus: &Bus,
    cluster: String,
    status: Status,
    store: Option<Arc<dyn Store>>,
) -> Result<Arc<Host>, Error> {
    let Service {
        name,
        code_version,
        reactions,
        ..
    } = service;
    let limits = bus.settings.limits.clone();
    let retry = retry::Policy {
        attempts_max: limits.attempts_max,
        base: Duration::from_millis(limits.retry_base_ms),
        max: Duration::from_millis(limits.retry_max_ms),
    };
    let (broker, world) = (Arc::clone(&bus.broker), Arc::clone(&bus.world));
    let instance = bus
        .settings
        .instance
        .clone()
        .unwrap_or_else(|| format!("{name}-{:08x}", world.random() >> 32));
    let who = Who::new(&name, code_version, &instance);
    let attempts_max = limits.attempts_max;
    let observer = Observer::of(&bus.telemetry, &who, Some(&cluster), attempts_max, &world);
    let outbox = Outbox::new(
        broker,
        store.clone(),
        Arc::clone(&world),
        retry,
        status.clone(),
        observer.clone(),
    );
    Ok(Arc::new(Host {
        source: Source::of_service(&name),
        instance: instance.into(),
        code_version,
        cluster,
        broker: Arc::clone(&bus.broker),
        single_types: single_types(&reactions),
        reactions: by_type(&name, reactions)?,
        service: name.into(),
        world,
        store,
        locks: Arc::default(),
        outbox,
        observer,
        limits,
        retry,
        status,
        trouble: Trouble::default(),
        receipts: bus.settings.receipts,
        counts: Counts::default(),
        work: Mutex::new(AtWork::default()),
    }))
}

fn by_type(
    service: &str,
    reactions: Vec<Reaction>,
) -> Result<BTreeMap<&'static str, Arc<Reaction>>, Error> {
    let mut by_type: BTreeMap<&'static str, Arc<Reaction>> = BTreeMap::new();
    for reaction in reactions {
        let event = reaction.reacts_to.wire_type();
        let second = reaction.name;
        if let Some(first) = by_type.insert(event, Arc::new(reaction)) {
            let service = service.to_owned();
            return Err(Error::TwoReactions {
                service,
                event,
                first: first.name,
                second,
            });
        }
    }
    Ok(by_type)
}

fn single_types(reactions: &[Reaction]) -> BTreeMap<TopicName, &'static str> {
    let topics = reactions.iter().map(|reaction| reaction.reacts_to.topic);
    let single = topics.filter_map(|topic| match topic.events {
        [event] => Some((TopicName::checked(topic.name), *event)),
        _ => None,
    });
    single.collect()
}

fn membership(settings: &Settings, host: &Host, topics: Vec<TopicName>) -> Membership {
    Membership {
        group: host.service.to_string(),
        topics,
        start: settings.start,
        assignor: settings.assignor,
        instance: settings.instance.clone(),
        session_timeout: settings.session_timeout,
        rebalance_timeout: settings.rebalance_timeout,
    }
}

/// Publishes what was left behind while running, e.g. by a drain that cut a flush off.
async fn sweep(host: Arc<Host>) {
    loop {
        host.world.sleep(SWEEP_INTERVAL).await;
        if let Err(error) = host.outbox.sweep().await {
            observe::store_in_trouble(&host.service, &error, SWEEP_INTERVAL);
        }
    }
}

async fn tell_contract(host: &Host, contract: &Contract, start: Start) {
    let record = host.internal(&contract.published(host.code_version, start));
    host.outbox.send_all(&[record]).await;
}
