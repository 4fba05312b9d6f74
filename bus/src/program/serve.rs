//! Runs one service as a program of its own: its broker, its state, and the end of it.

use std::path::Path;
use std::sync::Arc;

use super::{Exit, Failure, Host};
use crate::broker::Broker;
use crate::bus::{Bus, Settings};
use crate::config::{self, Loaded, Place};
use crate::service::{self, Service};
use crate::state::memory::MemoryStores;
#[cfg(feature = "sqlite")]
use crate::state::sqlite;
use crate::state::{ErrorKind, State, Stores};
use crate::world;

/// Whether a service could run with this configuration: it names a cluster, and what it keeps
/// outlives it, or its loss is accepted. For a program's `check`.
pub fn check(loaded: &Loaded, keeps_state: bool) -> Result<(), config::Errors> {
    let mut errors = Vec::new();
    let bus = loaded.bus();
    if bus.kafka.brokers.is_empty() {
        errors.push(loaded.missing("kafka.brokers"));
    }
    if keeps_state {
        let state = [loaded.check_state_outlives(), loaded.check_state_folder()];
        errors.extend(state.into_iter().filter_map(Result::err));
    }
    config::Errors::none_of(errors)
}

impl Host {
    /// Runs a service until the program is asked to stop.
    pub async fn serve<S: State, G: Send + Sync + 'static>(
        &self,
        service: Service<S, G>,
    ) -> Result<(), Failure> {
        let broker = self.broker()?;
        let stores = stores(&self.world, &self.loaded.bus().state)?;
        let settings = Settings::of(self.loaded.bus());
        let bus = Bus::new(broker, Arc::clone(&self.world), stores, settings);
        let bus = bus.told_to(self.telemetry.clone());
        let ran = service.run(bus, self.stop.clone(), self.health.clone());
        ran.await.map_err(Failure::from)
    }
}

/// Where the configuration says that state is kept.
pub fn stores(world: &world::Shared, state: &config::State) -> Result<Arc<dyn Stores>, Failure> {
    match &state.url {
        Place::Memory => Ok(Arc::new(MemoryStores::new(state.outbox_rows_max))),
        Place::Folder(folder) => in_folder(world, folder, state),
    }
}

#[cfg(feature = "sqlite")]
fn in_folder(
    world: &world::Shared,
    folder: &Path,
    state: &config::State,
) -> Result<Arc<dyn Stores>, Failure> {
    let options = sqlite::Options {
        outbox_rows_max: state.outbox_rows_max,
        busy_timeout: state.busy_timeout(),
    };
    let world = Arc::clone(world);
    Ok(Arc::new(sqlite::Stores::in_folder(world, folder, options)))
}

/// There are none without SQLite.
#[cfg(not(feature = "sqlite"))]
fn in_folder(
    _: &world::Shared,
    folder: &Path,
    _: &config::State,
) -> Result<Arc<dyn Stores>, Failure> {
    let message = format!(
        "this program was built without SQLite, which {} needs",
        folder.display()
    );
    Err(Failure::new(Exit::Configuration, message).mend("build it with the cargo feature `sqlite`"))
}

impl Host {
    /// The cluster that the configuration names. Nothing is connected yet.
    #[cfg(feature = "kafka")]
    pub fn broker(&self) -> Result<Arc<dyn Broker>, Failure> {
        let broker = crate::broker::kafka::Broker::new(kafka(self.loaded.bus()));
        match broker {
            Ok(broker) => Ok(Arc::new(broker)),
            Err(error) => Err(Failure::of(Exit::Configuration, &error)),
        }
    }

    /// There is none without the adapter.
    #[cfg(not(feature = "kafka"))]
    pub fn broker(&self) -> Result<Arc<dyn Broker>, Failure> {
        Err(Failure::new(
            Exit::Configuration,
            "this program was built without the Kafka adapter",
        )
        .mend("build it with the cargo feature `kafka`"))
    }
}

/// The adapter's configuration, from the options of the bus.
#[cfg(feature = "kafka")]
fn kafka(config: &config::Config) -> crate::broker::kafka::Config {
    use crate::broker::kafka::{Config, Sasl, Security, Tls};

    // Both sets of words are those of the option file, which has checked them.
    fn word<T: serde::de::DeserializeOwned>(word: &str) -> T {
        serde_json::from_value(word.into()).expect("a word of the option file")
    }

    let config::Config { kafka, limits, .. } = config;
    // The option file keeps these within 32 bits.
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let tls = kafka.tls.then(|| Tls {
        ca_file: kafka.tls_ca_file.clone(),
        certificate_file: kafka.tls_certificate_file.clone(),
        key_file: kafka.tls_key_file.clone(),
        key_password: kafka.tls_key_password.clone(),
        accept_any_host: false,
    });
    let sasl = (kafka.sasl_mechanism != "none").then(|| Sasl {
        mechanism: word(&kafka.sasl_mechanism),
        user: kafka.sasl_user.clone().unwrap_or_default(),
        password: kafka.sasl_password.clone().unwrap_or_default(),
    });
    Config {
        client_id: kafka.client_id.clone(),
        security: Security { tls, sasl },
        linger_ms: kafka.linger_ms,
        record_bytes_max: small(kafka.record_bytes_max),
        compression: word(&kafka.compression),
        in_flight_records_max: small(limits.in_flight_records_max),
        in_flight_bytes_max: small(limits.in_flight_bytes_max),
        request_timeout_ms: kafka.request_timeout_ms,
        delivery_timeout_ms: kafka.delivery_timeout_ms,
        ..Config::of(kafka.brokers.clone())
    }
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        let exit = match &error {
            service::Error::Unreachable { .. } => Exit::Unreachable,
            service::Error::Name(_) | service::Error::Inbox { .. } => Exit::Configuration,
            service::Error::State { source, .. } => match source.kind {
                ErrorKind::Unavailable => Exit::Unreachable,
                // It will be no other database when it is tried again.
                _ => Exit::Configuration,
            },
            service::Error::TwoReactions { .. }
            | service::Error::Topic(_)
            | service::Error::Ended(_) => Exit::Failed,
        };
        Self::of(exit, &error)
    }
}
