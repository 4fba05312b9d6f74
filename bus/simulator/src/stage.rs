//! What a simulation consists of, built anew for every run: services, steps, and what must hold.

use std::fmt::Display;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use quadrille::broker::Broker;
use quadrille::bus::{Bus, Settings};
use quadrille::config::Config;
use quadrille::contract::Contract;
use quadrille::service::{self, Service};
use quadrille::state::State;
use quadrille::status::Status;
use quadrille::stop::Stop;

use crate::draw::Draw;
use crate::end::End;
use crate::invariants::{self, Breach, Invariant};
use crate::outside::Outside;

type Run =
    Box<dyn Fn(Bus, Stop, Status) -> BoxFuture<'static, Result<(), service::Error>> + Send + Sync>;

/// What happens where a step is taken.
pub(crate) type Act = Arc<dyn Fn(&str) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A service, and how its instances are made.
pub(crate) struct Part {
    pub(crate) name: Arc<str>,
    pub(crate) contract: Contract,
    pub(crate) run: Run,
}

/// What a simulation consists of.
pub struct Stage {
    draw: Draw,
    script: Option<Vec<String>>,
    outside: Outside,
    broker: Arc<dyn Broker>,
    calls: bool,
    pub(crate) parts: Vec<Part>,
    pub(crate) planned: Vec<String>,
    pub(crate) act: Option<Act>,
    pub(crate) invariants: Vec<Invariant>,
    pub(crate) settings: Settings,
}

impl Stage {
    pub(crate) fn new(
        seed: u64,
        script: Option<Vec<String>>,
        outside: Outside,
        broker: Arc<dyn Broker>,
    ) -> Self {
        Self {
            draw: Draw::new(seed),
            script,
            outside,
            broker,
            calls: false,
            parts: Vec::new(),
            planned: Vec::new(),
            act: None,
            invariants: invariants::all(),
            settings: settings(),
        }
    }

    /// A service. It is made anew for every instance that starts.
    pub fn service<S: State, G: Send + Sync + 'static>(
        &mut self,
        make: impl Fn() -> Service<S, G> + Send + Sync + 'static,
    ) {
        let contract = make().contract();
        self.parts.push(Part {
            name: contract.service.as_str().into(),
            contract,
            run: Box::new(move |bus, stop, status| make().run(bus, stop, status).boxed()),
        });
    }

    /// What happens: a plan, drawn from the seed, of steps that can be written down and read again,
    /// and what happens with each. A step that fails, or does not end in time, is taken again: it
    /// must be one that can be.
    pub fn steps<A, E, F>(
        &mut self,
        plan: impl FnOnce(&mut Draw) -> Vec<A>,
        act: impl Fn(A) -> F + Send + Sync + 'static,
    ) where
        A: Display + FromStr,
        A::Err: Display,
        E: Display,
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        self.planned = match self.script.take() {
            Some(written) => written,
            None => plan(&mut self.draw).iter().map(A::to_string).collect(),
        };
        self.act = Some(Arc::new(move |text| match text.parse::<A>() {
            Ok(step) => act(step)
                .map(|result| result.map_err(|error| error.to_string()))
                .boxed(),
            Err(error) => panic!("`{text}` is no step of this scenario: {error}"),
        }));
    }

    /// What must hold at the end, beside what must hold of any services.
    pub fn holds(
        &mut self,
        name: impl Into<String>,
        holds: impl Fn(&End) -> Result<(), Breach> + Send + Sync + 'static,
    ) {
        self.invariants.push(Invariant::new(name, holds));
    }

    /// The same, made elsewhere.
    pub fn invariant(&mut self, invariant: Invariant) {
        self.invariants.push(invariant);
    }

    /// Leaves an invariant of the library out, by its name.
    pub fn without(&mut self, name: &str) {
        self.invariants.retain(|invariant| invariant.name() != name);
    }

    /// The way to the outside, for ports that services are given.
    pub fn outside(&mut self) -> Outside {
        self.calls = true;
        self.outside.clone()
    }

    /// The broker as somebody else's client sees it, who publishes what services never would.
    pub fn broker(&self) -> Arc<dyn Broker> {
        Arc::clone(&self.broker)
    }

    /// Numbers from the seed.
    pub fn draw(&mut self) -> &mut Draw {
        &mut self.draw
    }

    /// How services take part.
    pub fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    pub(crate) fn calls(&self) -> bool {
        self.calls
    }

    pub(crate) fn contracts(&self) -> Vec<Contract> {
        self.parts
            .iter()
            .map(|part| part.contract.clone())
            .collect()
    }
}

/// Limits that are reached and timeouts that are short beside a run, in the relations that a configuration must have.
fn settings() -> Settings {
    let mut config = Config::default();
    // Few enough that a partition is paused, and a key's events wait outside their lane.
    config.limits.partition_events_max = 4;
    config.limits.key_events_max = 2;
    config.limits.retry_base_ms = 20;
    config.limits.retry_max_ms = 2_000;
    config.limits.commit_interval_ms = 400;
    config.limits.drain_timeout_ms = 5_000;
    config.limits.reaction_timeout_ms = 8_000;
    config.group.session_timeout_ms = 6_000;
    config.group.rebalance_timeout_ms = 12_000;
    config.kafka.connect_timeout_ms = 10_000;
    Settings::of(&config)
}
