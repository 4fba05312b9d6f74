//! One event at a time, there and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quadrille::{Cx, Service};
use tokio::sync::Notify;

use super::bus;
use crate::contend::Stage;
use crate::events::bench::v1::Timed;
use crate::fault::Fault;
use crate::measure::{Latency, Measure, Watch};
use crate::work::{Facts, Ledger, Maker, Measured as _};

/// Events a second.
pub(crate) const RATE: u64 = 1_000;

/// How long each event was under way.
pub(crate) struct Journey {
    stage: Arc<Stage>,
    watch: Watch,
    ledger: Ledger,
    under_way_us: Vec<AtomicU64>,
    last_arrived: Notify,
}

impl Journey {
    pub(crate) fn new(stage: &Arc<Stage>) -> Arc<Self> {
        let events = stage.order.events;
        Arc::new(Self {
            stage: Arc::clone(stage),
            watch: Watch::new(&stage.world),
            ledger: Ledger::of(events),
            under_way_us: (0..events).map(|_| AtomicU64::new(0)).collect(),
            last_arrived: Notify::new(),
        })
    }

    /// An event has arrived. Returns whether it was the last one missing.
    pub(crate) fn arrived(&self, facts: &Facts) -> bool {
        let under_way = self.stage.now_us().saturating_sub(facts.made_us);
        self.watch.start();
        self.ledger.begin(facts);
        if let Some(slot) = self.under_way_us.get(facts.number as usize) {
            slot.store(under_way, Ordering::Relaxed);
        }
        let is_last = self.ledger.end(facts);
        if is_last {
            self.last_arrived.notify_one();
        }
        is_last
    }

    /// What came out, without those that only warm up.
    pub(crate) fn measure(&self) -> Result<Measure, Fault> {
        let mut measure = self.watch.stop(self.stage.order.events);
        self.ledger.check().map_err(Fault::new)?;
        let warm_up = self.stage.order.warm_up_events as usize;
        let measured = self.under_way_us.iter().skip(warm_up);
        let measured = measured.map(|us| us.load(Ordering::Relaxed)).collect();
        measure.latency = Latency::of(measured);
        Ok(measure)
    }
}

/// Calls for one event after the other, as many a second as asked for. One that is late is not left
/// out: the next ones follow at once.
pub(crate) async fn pace<F: Future<Output = Result<(), Fault>>>(
    stage: &Stage,
    mut publish: impl FnMut(u64) -> F,
) -> Result<(), Fault> {
    let began = stage.world.elapsed();
    let mut number = 0;
    while number < stage.order.events {
        let gone = stage.world.elapsed().saturating_sub(began);
        let due = u64::try_from(gone.as_micros()).unwrap_or(u64::MAX) * RATE / 1_000_000;
        while number < due.min(stage.order.events) {
            publish(number).await?;
            number += 1;
        }
        stage.world.sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Publishes at the pace that is asked for, and takes the time of each.
pub(crate) async fn latency(stage: &Arc<Stage>) -> Result<Measure, Fault> {
    let bus = bus(stage)?;
    let journey = Journey::new(stage);
    let kept = Arc::clone(&journey);
    let service = Service::named(&stage.order.group).on(move |event: Timed, _: Cx| {
        kept.arrived(&event.facts());
        std::future::ready(Ok(()))
    });
    let running = service.start(&bus);
    running.status().until(|report| report.ready).await;
    let publisher = bus.publisher("bench");
    let mut maker = Maker::new();
    pace(stage, |number| {
        let event: Timed = maker.make(number, stage.now_us());
        let publisher = publisher.clone();
        async move {
            let published = publisher.enqueue(event, None).await;
            let published = published.map(drop);
            published.map_err(|error| Fault::of("publish", &error))
        }
    })
    .await?;
    journey.last_arrived.notified().await;
    let measure = journey.measure();
    let stopped = running.stop().await;
    stopped.map_err(|error| Fault::of("stop the service", &error))?;
    measure
}
