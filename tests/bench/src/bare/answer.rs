//! A loop that consumes, and produces one record for each: at least once, by hand.
//!
//! What was consumed counts as done once the cluster has the answer, so that a crash loses none.

use std::sync::{Arc, Mutex, PoisonError};

use quadrille::Event as _;
use quadrille::prost::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::{ClientContext, Message as _};

use super::clients::{self, Counting, Linger, is_full, rest};
use super::low_water::LowWater;
use super::records::{headers, write_id};
use crate::contend::Stage;
use crate::events::bench::v1::Stored;
use crate::fault::Fault;
use crate::measure::{Measure, Watch};
use crate::ours::topics;
use crate::work::{Facts, Ledger, Measured as _, mix};

/// Answers that may be on their way, as with us.
const ON_THEIR_WAY_MAX: i32 = 10_000;
/// Bytes of an answer's payload: those of a receipt.
const ANSWER_BYTES: usize = 240;

/// Answers all that is stored.
pub(crate) async fn answer(stage: &Stage, plain: bool) -> Result<Measure, Fault> {
    let order = &stage.order;
    let topic = Stored::SCHEMA.topic.name;
    let consumer = Arc::new(clients::polled(&order.kafka, &order.group, topic)?);
    let context = Answering {
        consumer: Arc::clone(&consumer),
        water: Arc::default(),
        counting: Counting::default(),
    };
    let (water, counting) = (Arc::clone(&context.water), context.counting.clone());
    let made = clients::producer(&order.kafka, Linger::Long)
        .create_with_context::<_, ThreadedProducer<Answering>>(context);
    let producer = made.map_err(|error| Fault::of("make a producer", &error))?;
    let ledger = Ledger::of(order.events);
    let watch = Watch::new(&stage.world);
    loop {
        let message = clients::next(&consumer, &stage.world)?;
        watch.start();
        let event = Stored::decode(message.payload().unwrap_or_default())
            .map_err(|error| Fault::of("decode", &error))?;
        let facts = event.facts();
        ledger.begin(&facts);
        let at = (message.partition(), message.offset());
        lock(&water).begin(at.0, at.1);
        let answer = Answer::to(&facts, &event.filling);
        while producer.in_flight_count() >= ON_THEIR_WAY_MAX {
            rest(&stage.world).await;
        }
        while let Err((error, _)) = producer.send(answer.record(at, plain)) {
            if !is_full(&error) {
                return Err(Fault::of("publish", &error));
            }
            rest(&stage.world).await;
        }
        if ledger.end(&facts) {
            break;
        }
    }
    while producer.in_flight_count() > 0 {
        rest(&stage.world).await;
    }
    counting.check()?;
    clients::commit(&*consumer)?;
    let measure = watch.stop(order.events);
    ledger.check().map_err(Fault::new)?;
    Ok(measure)
}

/// What is told of an event: as large as a receipt.
struct Answer<'a> {
    id: String,
    flow: String,
    filling: &'a [u8],
}

impl<'a> Answer<'a> {
    fn to(facts: &Facts, filling: &'a [u8]) -> Self {
        let (mut id, mut flow) = (String::new(), String::new());
        write_id(&mut id, mix(facts.number), mix(!facts.number));
        write_id(&mut flow, mix(facts.number << 1), mix(!facts.number << 1));
        Self { id, flow, filling }
    }

    fn record(&self, at: (i32, i64), plain: bool) -> BaseRecord<'_, str, [u8], Box<(i32, i64)>> {
        let record = BaseRecord::with_opaque_to(topics::ANSWERS, Box::new(at));
        let record = record.key(self.flow.as_str());
        let record = record.payload(&self.filling[..ANSWER_BYTES.min(self.filling.len())]);
        match plain {
            true => record,
            false => record.headers(headers(&[
                ("ce_specversion", "1.0"),
                ("ce_id", &self.id),
                ("ce_type", "quadrille.v1.Receipt"),
                ("ce_source", "/quadrille/bench-react"),
                ("ce_subject", &self.flow),
                ("ce_time", "2026-01-31T12:00:00.123456789Z"),
                ("ce_dataschema", "proto:quadrille.v1.Receipt"),
                ("content-type", "application/protobuf"),
                ("ce_correlationid", &self.flow),
                ("ce_causationid", &self.id),
                ("ce_partitionkey", &self.flow),
                ("ce_hops", "1"),
            ])),
        }
    }
}

/// Notes what was consumed as done when its answer has arrived.
struct Answering {
    consumer: Arc<BaseConsumer>,
    water: Arc<Mutex<LowWater>>,
    counting: Counting,
}

impl ClientContext for Answering {}

impl ProducerContext for Answering {
    type DeliveryOpaque = Box<(i32, i64)>;

    fn delivery(&self, result: &DeliveryResult<'_>, at: Box<(i32, i64)>) {
        self.counting.delivery(result, ());
        if result.is_err() {
            return;
        }
        let (partition, offset) = *at;
        let done = lock(&self.water).end(partition, offset);
        if let Some(done) = done {
            let topic = Stored::SCHEMA.topic.name;
            // A partition that was lost meanwhile is somebody else's to commit.
            let _ = self.consumer.store_offset(topic, partition, done);
        }
    }
}

fn lock(water: &Mutex<LowWater>) -> std::sync::MutexGuard<'_, LowWater> {
    water.lock().unwrap_or_else(PoisonError::into_inner)
}
