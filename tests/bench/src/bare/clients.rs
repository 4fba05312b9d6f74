//! How producers and consumers are set up: the tuning that peers of ours were measured with.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quadrille::world;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use super::check::PATIENCE;
use crate::fault::Fault;
use crate::ours::LINGER_MS;

/// Time between two looks at something that takes a while.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long a full queue is given to empty a little.
const FULL_QUEUE_REST: Duration = Duration::from_millis(1);

/// Longest wait of one poll.
const POLL: Duration = Duration::from_secs(1);

/// How long a producer waits for company in a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Linger {
    /// As long as is good for throughput.
    Long,
    /// Not at all.
    None,
}

/// A producer's options.
pub(crate) fn producer(kafka: &str, linger: Linger) -> ClientConfig {
    let linger_ms = match linger {
        Linger::Long => LINGER_MS.to_string(),
        Linger::None => "0".to_owned(),
    };
    let mut config = ClientConfig::new();
    for (option, value) in [
        ("bootstrap.servers", kafka),
        ("acks", "all"),
        ("enable.idempotence", "true"),
        ("partitioner", "murmur2_random"),
        ("compression.type", "lz4"),
        ("linger.ms", &linger_ms),
        ("batch.size", "1000000"),
        ("queue.buffering.max.messages", "1000000"),
        ("queue.buffering.max.kbytes", "1048576"),
    ] {
        config.set(option, value);
    }
    config
}

/// A consumer's options. It commits every second what was stored as done.
fn consumer(kafka: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (option, value) in [
        ("bootstrap.servers", kafka),
        ("group.id", group),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "1000"),
        ("enable.auto.offset.store", "false"),
        // The defaults make a quick consumer rest for most of its time.
        ("fetch.queue.backoff.ms", "2"),
        ("queued.min.messages", "20000"),
    ] {
        config.set(option, value);
    }
    config
}

/// A consumer to be polled, member of a group.
pub(crate) fn polled(kafka: &str, group: &str, topic: &str) -> Result<BaseConsumer, Fault> {
    let made = consumer(kafka, group).create();
    let consumer: BaseConsumer = made.map_err(|error| Fault::of("make a consumer", &error))?;
    let subscribed = consumer.subscribe(&[topic]);
    subscribed.map_err(|error| Fault::of("subscribe", &error))?;
    Ok(consumer)
}

/// A consumer that is a stream, member of a group.
pub(crate) fn streamed(kafka: &str, group: &str, topic: &str) -> Result<StreamConsumer, Fault> {
    let made = consumer(kafka, group).create();
    let consumer: StreamConsumer = made.map_err(|error| Fault::of("make a consumer", &error))?;
    let subscribed = consumer.subscribe(&[topic]);
    subscribed.map_err(|error| Fault::of("subscribe", &error))?;
    Ok(consumer)
}

/// The next record. A poll may come back with nothing where it has served a callback.
pub(crate) fn next<'a>(
    consumer: &'a BaseConsumer,
    world: &world::Shared,
) -> Result<BorrowedMessage<'a>, Fault> {
    let began = world.elapsed();
    loop {
        match consumer.poll(POLL) {
            Some(Ok(message)) => return Ok(message),
            Some(Err(error)) => return Err(Fault::of("consume", &error)),
            None if world.elapsed().saturating_sub(began) > PATIENCE => {
                return Err(Fault::new("no record came for too long"));
            }
            None => {}
        }
    }
}

/// Commits what was noted as done and not committed yet.
pub(crate) fn commit<X: ConsumerContext>(consumer: &impl Consumer<X>) -> Result<(), Fault> {
    match consumer.commit_consumer_state(CommitMode::Sync) {
        // The consumer had just done it by itself.
        Ok(()) | Err(KafkaError::ConsumerCommit(Code::NoOffset)) => Ok(()),
        Err(error) => Err(Fault::of("commit", &error)),
    }
}

/// A consumer without subscription, for questions and for reading from where one likes.
pub(crate) fn asking(kafka: &str, group: &str) -> Result<BaseConsumer, Fault> {
    let made = consumer(kafka, group)
        .set("enable.auto.commit", "false")
        .create();
    made.map_err(|error| Fault::of("make a consumer", &error))
}

/// Who changes topics.
pub(crate) fn admin(kafka: &str) -> Result<AdminClient<DefaultClientContext>, Fault> {
    let made = ClientConfig::new().set("bootstrap.servers", kafka).create();
    made.map_err(|error| Fault::of("make an admin client", &error))
}

/// Counts answers, as somebody does who waits for none in particular.
#[derive(Clone, Default)]
pub(crate) struct Counting {
    failed: Arc<AtomicU64>,
}

impl Counting {
    /// Fails where a record was not taken.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match self.failed.load(Ordering::Acquire) {
            0 => Ok(()),
            failed => Err(Fault::new(format!("{failed} records were not delivered"))),
        }
    }
}

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Whether a record was refused only because the queue is full.
pub(crate) fn is_full(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageProduction(Code::QueueFull))
}

/// Gives a full queue the time to empty a little.
pub(crate) fn rest(world: &world::Shared) -> impl Future<Output = ()> + use<> {
    world.sleep(FULL_QUEUE_REST)
}
