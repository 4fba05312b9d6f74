//! Reacting, without state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quadrille::bus::Bus;
use quadrille::service::Running;
use quadrille::{Cx, Service};
use tokio::sync::Notify;

use super::bus;
use crate::contend::Stage;
use crate::events::bench::v1::Stored;
use crate::fault::Fault;
use crate::measure::{Measure, Watch};
use crate::work::{Facts, Ledger, Measured as _};

/// How long a reaction waits that takes 5 ms: tokio's timer rounds up by one.
pub(crate) const REACTION: Duration = Duration::from_millis(4);

/// A run of reactions, shared by all of them.
pub(crate) struct Run {
    ledger: Ledger,
    watch: Watch,
    last_ended: Notify,
}

impl Run {
    pub(crate) fn new(stage: &Stage) -> Arc<Self> {
        Arc::new(Self {
            ledger: Ledger::of(stage.order.events),
            watch: Watch::new(&stage.world),
            last_ended: Notify::new(),
        })
    }

    /// A reaction begins.
    pub(crate) fn begin(&self, facts: &Facts) {
        self.watch.start();
        self.ledger.begin(facts);
    }

    /// It ends.
    pub(crate) fn end(&self, facts: &Facts) {
        if self.ledger.end(facts) {
            self.last_ended.notify_one();
        }
    }

    /// Waits for the last one, and until all is settled and committed.
    pub(crate) async fn measure(&self, events: u64, running: Running) -> Result<Measure, Fault> {
        self.last_ended.notified().await;
        let stopped = running.stop().await;
        stopped.map_err(|error| Fault::of("stop the service", &error))?;
        let measure = self.watch.stop(events);
        self.ledger.check().map_err(Fault::new)?;
        Ok(measure)
    }
}

/// Reacts to all that is stored.
pub(crate) async fn react(stage: &Stage) -> Result<Measure, Fault> {
    let bus = bus(stage)?;
    let run = Run::new(stage);
    let kept = Arc::clone(&run);
    let service = Service::named(&stage.order.group).on(move |event: Stored, _: Cx| {
        let run = Arc::clone(&kept);
        async move {
            let facts = event.facts();
            run.begin(&facts);
            run.end(&facts);
            Ok(())
        }
    });
    run.measure(stage.order.events, service.start(&bus)).await
}

/// Reacts to all that is stored, and waits each time.
pub(crate) async fn keyed(stage: &Stage) -> Result<Measure, Fault> {
    let bus: Bus = bus(stage)?;
    let (run, spent_us) = (Run::new(stage), Arc::new(AtomicU64::new(0)));
    let kept = (Arc::clone(&run), Arc::clone(&spent_us), stage.world.clone());
    let service = Service::named(&stage.order.group).on(move |event: Stored, _: Cx| {
        let (run, spent_us, world) = kept.clone();
        async move {
            let (facts, began) = (event.facts(), world.elapsed());
            run.begin(&facts);
            world.sleep(REACTION).await;
            let took = world.elapsed().saturating_sub(began);
            let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            spent_us.fetch_add(took_us, Ordering::Relaxed);
            run.end(&facts);
            Ok(())
        }
    });
    let events = stage.order.events;
    let mut measure = run.measure(events, service.start(&bus)).await?;
    measure.reaction_us_mean = Some(spent_us.load(Ordering::Relaxed) as f64 / events as f64);
    Ok(measure)
}
