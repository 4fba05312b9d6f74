//! One event at a time, there and back: ThreadedProducer that does not linger, StreamConsumer.

use std::sync::Arc;

use quadrille::Event as _;
use quadrille::prost::Message as _;
use rdkafka::Message as _;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::producer::ThreadedProducer;

use super::clients::{self, Counting, Linger};
use super::records::Parts;
use crate::contend::Stage;
use crate::events::bench::v1::Timed;
use crate::fault::Fault;
use crate::measure::Measure;
use crate::ours::latency::{Journey, pace};
use crate::work::{Maker, Measured as _};

/// Publishes at the pace that is asked for, and takes the time of each.
pub(crate) async fn latency(stage: &Arc<Stage>) -> Result<Measure, Fault> {
    let order = &stage.order;
    let topic = Timed::SCHEMA.topic.name;
    let consumer = clients::streamed(&order.kafka, &order.group, topic)?;
    let counting = Counting::default();
    let made = clients::producer(&order.kafka, Linger::None)
        .create_with_context::<_, ThreadedProducer<Counting>>(counting.clone());
    let producer = made.map_err(|error| Fault::of("make a producer", &error))?;
    assigned(stage, &consumer).await?;
    let journey = Journey::new(stage);
    let (mut maker, mut parts) = (Maker::new(), Parts::new(false));
    let publishing = pace(stage, |number| {
        let event: Timed = maker.make(number, stage.now_us());
        parts.of(&event);
        let sent = producer.send(parts.record::<Timed>(topic));
        let sent = sent.map_err(|(error, _)| Fault::of("publish", &error));
        std::future::ready(sent)
    });
    let reading = async {
        loop {
            let message = consumer.recv().await;
            let message = message.map_err(|error| Fault::of("consume", &error))?;
            let event = Timed::decode(message.payload().unwrap_or_default())
                .map_err(|error| Fault::of("decode", &error))?;
            let is_last = journey.arrived(&event.facts());
            consumer
                .store_offset_from_message(&message)
                .map_err(|error| Fault::of("note an offset", &error))?;
            if is_last {
                return Ok::<_, Fault>(());
            }
        }
    };
    futures::future::try_join(publishing, reading).await?;
    clients::commit(&consumer)?;
    counting.check()?;
    journey.measure()
}

/// Waits until the group has given out partitions.
async fn assigned(stage: &Stage, consumer: &StreamConsumer) -> Result<(), Fault> {
    loop {
        let assigned = consumer.assignment();
        let assigned = assigned.map_err(|error| Fault::of("ask for partitions", &error))?;
        if assigned.count() > 0 {
            return Ok(());
        }
        // Nothing is in the topic yet: this only lets the consumer do its work.
        let receive = std::pin::pin!(consumer.recv());
        futures::future::select(receive, stage.world.sleep(clients::LOOK_AGAIN)).await;
    }
}
