//! The bus at work, with the limits that it is shipped with.

use std::sync::Arc;

use quadrille::broker::{Broker, kafka};
use quadrille::bus::{Bus, Settings};
use quadrille::config::{Config, Layout, Sources};
use quadrille::state::Stores;
use quadrille::state::memory::MemoryStores;

pub(crate) mod latency; // one event at a time, there and back
pub(crate) mod publish; // waiting for answers, and not
pub(crate) mod react; // without state
pub(crate) mod state; // with state, wherever it is kept
pub(crate) mod topics; // made and filled before anybody is measured

use crate::case::Contender;
use crate::contend::{Order, Stage};
use crate::fault::Fault;

/// How long the bare producers wait for company in a batch, in milliseconds.
pub(crate) const LINGER_MS: u32 = 5;

/// A client of the cluster.
pub(crate) fn broker(kafka: &str, config: &Config) -> Result<Arc<dyn Broker>, Fault> {
    let limits = &config.limits;
    let within_32_bits = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let broker = kafka::Broker::new(kafka::Config {
        in_flight_records_max: within_32_bits(limits.in_flight_records_max),
        in_flight_bytes_max: within_32_bits(limits.in_flight_bytes_max),
        linger_ms: config.kafka.linger_ms,
        ..kafka::Config::of(kafka)
    });
    let broker = broker.map_err(|error| Fault::of("make a broker", &error))?;
    Ok(Arc::new(broker))
}

/// The options that the bus is shipped with, and those that the contender has otherwise.
fn config(order: &Order) -> Result<Config, Fault> {
    let mut sources = Sources::none();
    for (path, value) in &order.set {
        sources = sources.set(path, value);
    }
    if order.contender == Contender::OursLingering {
        sources = sources.set("kafka.linger_ms", &LINGER_MS.to_string());
    }
    let loaded = Layout::bus().load(sources);
    let loaded = loaded.map_err(|errors| Fault::of("set options of the bus", &errors))?;
    Ok(loaded.bus().clone())
}

/// A bus without state.
pub(crate) fn bus(stage: &Stage) -> Result<Bus, Fault> {
    bus_with(stage, Arc::new(MemoryStores::default()))
}

/// A bus whose services keep their state there.
pub(crate) fn bus_with(stage: &Stage, stores: Arc<dyn Stores>) -> Result<Bus, Fault> {
    let config = config(&stage.order)?;
    let broker = broker(&stage.order.kafka, &config)?;
    let mut settings = Settings::of(&config);
    settings.receipts = stage.order.contender != Contender::OursSilent;
    Ok(Bus::new(broker, stage.world.clone(), stores, settings))
}
