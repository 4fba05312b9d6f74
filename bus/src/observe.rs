//! Observe: every span, every metric and every log line of the bus, defined once.
//!
//! Others call functions here that are named for what happened; which span, counter or line that
//! makes is said below and nowhere else. `docs/telemetry.md` lists what comes out. Where nobody
//! listens, each call is one look at an `Option`: it allocates nothing, and asks neither clock nor
//! randomness, so that a simulation stays as it was. Nothing of a payload goes out, and no error's
//! text; a key does only where somebody has asked for it.
//!
//! The bus speaks to OpenTelemetry's API. What collects and sends is a [`Source`]'s: a program of
//! ours has the one behind the feature `telemetry`, a program of your own may bring another.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::global::BoxedTracer;
use opentelemetry::metrics::Meter;

pub(crate) mod ambient; // the trace that somebody from outside is in
mod log; // log lines
mod metric; // counters, histograms and gauges
mod observer; // what one service tells
pub mod rule; // child or link, kept or dropped
mod semconv; // names of attributes, as the conventions have them
mod span; // the two spans: send and process
mod state; // what a record says of its trace beside that
mod spot; // where a span stands: W3C trace context
pub(crate) mod watch; // how far behind a service is

pub(crate) use log::*;
pub(crate) use observer::{Handled, Observer, Origin};
pub use rule::Mode;
pub use semconv::Semconv;
pub(crate) use span::Begun;
pub(crate) use spot::Spot;
pub use spot::given_ids;

/// Name of the instrumentation scope of all that the bus tells.
pub const SCOPE: &str = "quadrille";

/// What the bus tells its spans and metrics to. Off by default; cheap to clone.
#[derive(Clone, Default)]
pub struct Telemetry(Option<Arc<Shared>>);

struct Shared {
    source: Box<dyn Source>,
    options: Options,
}

/// Gives each service of a process its tracer and its meter, since a service is a resource of its own.
pub trait Source: Send + Sync + 'static {
    /// What this service tells its spans and metrics to.
    fn instruments(&self, who: &Who<'_>) -> Instruments;

    /// Whether anybody looks at metrics. While nobody does, none are taken.
    fn is_watched(&self) -> bool {
        true
    }
}

/// A service, as a resource.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// Its name.
    pub service: &'a str,
    /// The version of its code.
    pub version: &'a str,
    /// Its instance. Empty for a publisher, which has none.
    pub instance: &'a str,
}

impl<'a> Who<'a> {
    /// A service, the version of its code, and the name of this instance of it.
    pub fn new(service: &'a str, version: &'a str, instance: &'a str) -> Self {
        Self {
            service,
            version,
            instance,
        }
    }
}

/// A tracer and a meter, each where it is wanted.
///
/// The tracer's provider must take ids from [`given_ids`] where there are some, and keep what the
/// bus gives it: whether a flow is sampled is decided by then.
pub struct Instruments {
    /// Makes spans. `None`: there are none, and a trace is handed on as it came.
    pub tracer: Option<BoxedTracer>,
    /// Takes metrics.
    pub meter: Option<Meter>,
}

/// How the bus tells what it does. See `[telemetry]` in `config.toml` for each value.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// When a reaction's span is a child of the span that published its event.
    pub mode: Mode,
    /// In mode `auto`: how old an event may be for that.
    pub join_window: Duration,
    /// Share of all flows whose spans are kept, from 0 to 1.
    pub sample_ratio: f64,
    /// Which names attributes have.
    pub semconv: Semconv,
    /// Whether and how keys stand on spans.
    pub keys: Keys,
    /// What the client is called in the brokers' logs.
    pub client_id: Option<Arc<str>>,
    /// The broker that was named first: host and port.
    pub server: Option<(Arc<str>, u16)>,
    /// How often lag is measured.
    pub lag_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            join_window: Duration::from_secs(30),
            sample_ratio: 1.0,
            semconv: Semconv::V1_45,
            keys: Keys::Off,
            client_id: None,
            server: None,
            lag_interval: Duration::from_secs(5),
        }
    }
}

/// Whether and how the keys of events stand on spans: they are often a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// Not at all.
    Off,
    /// As the first half of their SHA-256: equal keys look equal.
    Hash,
    /// As they are.
    Plain,
}

impl Telemetry {
    /// Tells nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether nothing is told.
    pub fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// Tells what the source gives instruments for.
    pub fn new(source: impl Source, options: Options) -> Self {
        Self(Some(Arc::new(Shared {
            source: Box::new(source),
            options,
        })))
    }

    /// The scope that a source gives its tracers and meters: it names the conventions that are kept.
    pub fn scope(semconv: Semconv) -> InstrumentationScope {
        let scope = InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION"));
        match semconv.schema_url() {
            Some(url) => scope.with_schema_url(url).build(),
            None => scope.build(),
        }
    }
}
