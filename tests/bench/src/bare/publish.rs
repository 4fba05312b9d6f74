//! Publishing: FutureProducer, which answers for each record, and ThreadedProducer, which does not.

use std::collections::VecDeque;

use quadrille::Event as _;
use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::producer::{
    DeliveryFuture, FutureProducer, FutureRecord, Producer as _, ThreadedProducer,
};

use super::check::PATIENCE;
use super::clients::{self, Counting, Linger, is_full, rest};
use super::records::Parts;
use crate::contend::Stage;
use crate::events::bench::v1::Published;
use crate::fault::Fault;
use crate::measure::{Measure, Watch};
use crate::ours::publish::ANSWERS_AWAITED;
use crate::work::Maker;

/// Each answer is awaited, the oldest first, with many on their way.
pub(crate) async fn waiting(stage: &Stage, plain: bool) -> Result<Measure, Fault> {
    let topic = Published::SCHEMA.topic.name;
    let made = clients::producer(&stage.order.kafka, Linger::Long).create();
    let producer: FutureProducer = made.map_err(|error| Fault::of("make a producer", &error))?;
    learn(producer.client(), topic)?;
    let (mut maker, mut parts) = (Maker::new(), Parts::new(plain));
    let mut awaited: VecDeque<DeliveryFuture> = VecDeque::with_capacity(ANSWERS_AWAITED);
    let watch = Watch::new(&stage.world);
    watch.start();
    for number in 0..stage.order.events {
        if awaited.len() >= ANSWERS_AWAITED
            && let Some(oldest) = awaited.pop_front()
        {
            answered(oldest).await?;
        }
        let event: Published = maker.make(number, stage.now_us());
        parts.of(&event);
        loop {
            let record = FutureRecord::to(topic)
                .key(parts.key.as_str())
                .payload(parts.payload.as_slice());
            let record = match parts.headers::<Published>() {
                Some(headers) => record.headers(headers),
                None => record,
            };
            match producer.send_result(record) {
                Ok(delivery) => break awaited.push_back(delivery),
                Err((error, _)) if is_full(&error) => rest(&stage.world).await,
                Err((error, _)) => return Err(Fault::of("publish", &error)),
            }
        }
    }
    for delivery in awaited {
        answered(delivery).await?;
    }
    Ok(watch.stop(stage.order.events))
}

/// No answer is awaited but that all have gone out.
pub(crate) async fn non_waiting(stage: &Stage, plain: bool) -> Result<Measure, Fault> {
    let topic = Published::SCHEMA.topic.name;
    let counting = Counting::default();
    let made = clients::producer(&stage.order.kafka, Linger::Long)
        .create_with_context::<_, ThreadedProducer<Counting>>(counting.clone());
    let producer = made.map_err(|error| Fault::of("make a producer", &error))?;
    learn(producer.client(), topic)?;
    let (mut maker, mut parts) = (Maker::new(), Parts::new(plain));
    let watch = Watch::new(&stage.world);
    watch.start();
    for number in 0..stage.order.events {
        let event: Published = maker.make(number, stage.now_us());
        parts.of(&event);
        while let Err((error, _)) = producer.send(parts.record::<Published>(topic)) {
            if !is_full(&error) {
                return Err(Fault::of("publish", &error));
            }
            rest(&stage.world).await;
        }
    }
    while producer.in_flight_count() > 0 {
        rest(&stage.world).await;
    }
    counting.check()?;
    Ok(watch.stop(stage.order.events))
}

async fn answered(delivery: DeliveryFuture) -> Result<(), Fault> {
    match delivery.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(Fault::of("publish", &error)),
        Err(_) => Err(Fault::new("a producer ended before it had answered")),
    }
}

/// Learns about the topic before time is taken: whoever publishes often knows it already.
fn learn<C: ClientContext>(client: &Client<C>, topic: &str) -> Result<(), Fault> {
    let known = client.fetch_metadata(Some(topic), PATIENCE);
    known
        .map(drop)
        .map_err(|error| Fault::of("learn about the topic", &error))
}
