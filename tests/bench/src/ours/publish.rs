//! Publishing, as a service does that is there already: waiting for answers, and not.

use std::collections::VecDeque;

use quadrille::publish;

use super::bus;
use crate::contend::Stage;
use crate::events::bench::v1::Published;
use crate::fault::Fault;
use crate::measure::{Measure, Watch};
use crate::work::Maker;

/// Answers that are awaited at once by those who wait for each.
pub(crate) const ANSWERS_AWAITED: usize = 10_000;
/// The last events of a run, whose answers are awaited also where nobody waits: once they are there,
/// all are. Twice what may be in flight.
const LAST: u64 = 20_000;

/// Each answer is awaited, the oldest first, with many on their way.
pub(crate) async fn waiting(stage: &Stage) -> Result<Measure, Fault> {
    let bus = bus(stage)?;
    let publisher = bus.publisher("bench");
    let failed = |error: publish::Error| Fault::of("publish", &error);
    let mut maker = Maker::new();
    let mut awaited = VecDeque::with_capacity(ANSWERS_AWAITED);
    let watch = Watch::new(&stage.world);
    watch.start();
    for number in 0..stage.order.events {
        let event: Published = maker.make(number, stage.now_us());
        awaited.push_back(publisher.enqueue(event, None).await.map_err(failed)?);
        if awaited.len() >= ANSWERS_AWAITED
            && let Some(oldest) = awaited.pop_front()
        {
            oldest.await.map_err(failed)?;
        }
    }
    for delivery in awaited {
        delivery.await.map_err(failed)?;
    }
    Ok(watch.stop(stage.order.events))
}

/// No answer is awaited but that all have gone out.
pub(crate) async fn non_waiting(stage: &Stage) -> Result<Measure, Fault> {
    let bus = bus(stage)?;
    let publisher = bus.publisher("bench");
    let failed = |error: publish::Error| Fault::of("publish", &error);
    let mut maker = Maker::new();
    let events = stage.order.events;
    let mut last = Vec::new();
    let watch = Watch::new(&stage.world);
    watch.start();
    for number in 0..events {
        let event: Published = maker.make(number, stage.now_us());
        let delivery = publisher.enqueue(event, None).await.map_err(failed)?;
        if number + LAST >= events {
            last.push(delivery);
        }
    }
    for delivery in last {
        delivery.await.map_err(failed)?;
    }
    Ok(watch.stop(events))
}
