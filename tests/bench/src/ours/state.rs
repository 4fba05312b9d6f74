//! Reacting, by changing a record of the service's state.

use std::sync::Arc;

use quadrille::state::memory::MemoryStores;
use quadrille::state::{Stores, sqlite};
use quadrille::{Cx, Record, Service, State};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::bus_with;
use super::react::Run;
use crate::case::Contender;
use crate::contend::Stage;
use crate::events::bench::v1::Stored;
use crate::fault::Fault;
use crate::measure::Measure;
use crate::work::Measured as _;

/// What there is of each customer.
struct Tallies;

impl State for Tallies {}

/// One customer's events, by key.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tally {
    events: u64,
    bytes: u64,
}

impl Record for Tally {
    type In = Tallies;
    const KIND: &'static str = "tally";
}

/// Where the contender keeps its state.
fn stores(stage: &Stage, folder: &TempDir) -> Arc<dyn Stores> {
    match stage.order.contender {
        Contender::OursSqlite => {
            let (world, options) = (Arc::clone(&stage.world), sqlite::Options::default());
            Arc::new(sqlite::Stores::in_folder(world, folder.path(), options))
        }
        _ => Arc::new(MemoryStores::default()),
    }
}

/// Reacts to all that is stored.
pub(crate) async fn state(stage: &Stage) -> Result<Measure, Fault> {
    let folder = tempfile::tempdir().map_err(|error| Fault::of("make a folder", &error))?;
    let stores = stores(stage, &folder);
    let bus = bus_with(stage, stores)?;
    let run = Run::new(stage);
    let kept = Arc::clone(&run);
    let service = Service::named(&stage.order.group).keeps(Tallies);
    let service = service.on(move |event: Stored, mut cx: Cx<Tallies>| {
        let run = Arc::clone(&kept);
        async move {
            let facts = event.facts();
            run.begin(&facts);
            let mut tally = cx.load::<Tally>(&event.customer).await?.unwrap_or_default();
            tally.events += 1;
            tally.bytes += event.filling.len() as u64;
            cx.put(&event.customer, &tally)?;
            run.end(&facts);
            Ok(())
        }
    });
    run.measure(stage.order.events, service.start(&bus)).await
}
