//! A loop over BaseConsumer: decode, note that it is done, commit now and then.

use quadrille::Event as _;
use quadrille::prost::Message as _;
use rdkafka::Message as _;
use rdkafka::consumer::{CommitMode, Consumer as _};

use super::check::PATIENCE;
use super::clients;
use crate::contend::Stage;
use crate::events::bench::v1::Stored;
use crate::fault::Fault;
use crate::measure::{Measure, Watch};
use crate::work::{Ledger, Measured as _};

/// Consumes all that is stored.
pub(crate) async fn consume(stage: &Stage) -> Result<Measure, Fault> {
    let order = &stage.order;
    let consumer = clients::polled(&order.kafka, &order.group, Stored::SCHEMA.topic.name)?;
    let ledger = Ledger::of(order.events);
    let watch = Watch::new(&stage.world);
    loop {
        let message = match consumer.poll(PATIENCE) {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(Fault::of("consume", &error)),
            None => return Err(Fault::new("no record came for too long")),
        };
        watch.start();
        let event = Stored::decode(message.payload().unwrap_or_default())
            .map_err(|error| Fault::of("decode", &error))?;
        let facts = event.facts();
        ledger.begin(&facts);
        let is_last = ledger.end(&facts);
        consumer
            .store_offset_from_message(&message)
            .map_err(|error| Fault::of("note an offset", &error))?;
        if is_last {
            break;
        }
    }
    consumer
        .commit_consumer_state(CommitMode::Sync)
        .map_err(|error| Fault::of("commit", &error))?;
    let measure = watch.stop(order.events);
    ledger.check().map_err(Fault::new)?;
    Ok(measure)
}
