//! A loop over BaseConsumer: decode, note that it is done, commit now and then.

use quadrille::Event as _;
use quadrille::prost::Message as _;
use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;

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
        let message = clients::next(&consumer, &stage.world)?;
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
    clients::commit(&consumer)?;
    let measure = watch.stop(order.events);
    ledger.check().map_err(Fault::new)?;
    Ok(measure)
}
