//! One client of librdkafka's for publishing, with the thread that serves its callbacks.
//!
//! The thread ends by itself once it was asked to and nothing is in flight any more. What is in
//! flight when the process drops its broker is thus still delivered, for as long as the process
//! lives and no longer than the client is waited for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::watch;

use super::super::super::{Error, ErrorKind, Position, TopicName};
use super::super::clock::Moment;
use super::super::fault;
use super::super::log::Log;
use super::super::options;
use super::super::records;
use super::super::weather::Weather;
use super::flight::{Pending, Ready};
use super::gather::{self, Gather};
use super::lanes::Lanes;
use super::{Client, refused};
use crate::observe;

/// Longest time between two looks at whether to end. Callbacks are served as they come.
const SLICE: Duration = Duration::from_millis(100);
/// Longest that records in flight are waited for once nobody sends any more.
const LINGER: Duration = Duration::from_secs(10);

/// One client of librdkafka's for publishing.
pub(in super::super) struct Line {
    client: Client,
    number: u64,
    ending: watch::Sender<Ending>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It serves.
    No,
    /// It ends once nothing is in flight.
    Asked,
    /// It fails what is in flight, and ends.
    GivenUp,
    /// It has ended.
    Ended,
}

impl Line {
    /// Starts a client and its thread. Numbers tell clients apart: brokers know each as another
    /// producer.
    pub(super) fn start(
        options: &ClientConfig,
        address: Arc<str>,
        weather: Arc<Weather>,
        lanes: Arc<Lanes>,
        number: u64,
    ) -> Result<Arc<Self>, Error> {
        let context = Context {
            address,
            weather,
            lanes,
            line: OnceLock::new(),
            log: Log::of("producer"),
            is_broken: AtomicBool::new(false),
            why: OnceLock::new(),
        };
        let client = options
            .create_with_context::<_, Client>(context)
            .map_err(|error| options::refused(&error))?;
        let line = Arc::new(Self {
            client,
            number,
            ending: watch::Sender::new(Ending::No),
        });
        let _ = line.client.context().line.set(Arc::downgrade(&line));
        let served = Arc::clone(&line);
        let started = thread::Builder::new()
            .name("publish kafka".to_owned())
            .spawn(move || served.serve());
        started.map(|_| line).map_err(|error| {
            let message = format!("cannot start a thread to publish to kafka: {error}");
            Error::new(ErrorKind::Other, message)
        })
    }

    /// The client.
    pub(in super::super) fn client(&self) -> &Client {
        &self.client
    }

    /// The number it was started with.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether the client has failed for good.
    pub(super) fn is_broken(&self) -> bool {
        self.client.context().is_broken.load(Ordering::Acquire)
    }

    /// Notes that the client has failed for good.
    pub(super) fn note_broken(&self) {
        self.client.context().note_broken("fatal error");
    }

    /// Nobody sends any more: lets the thread end once what is in flight has been delivered.
    pub(super) fn stop(&self) {
        self.ending.send_if_modified(|ending| {
            let first = *ending == Ending::No;
            if first {
                *ending = Ending::Asked;
            }
            first
        });
    }

    /// Fails what is in flight and waits until the last of it has failed.
    pub(super) async fn give_up(&self) {
        self.ending.send_if_modified(|ending| {
            let runs = *ending != Ending::Ended;
            if runs {
                *ending = Ending::GivenUp;
            }
            runs
        });
        let mut ending = self.ending.subscribe();
        // The sender is ours, so it cannot be gone.
        let _ = ending.wait_for(|ending| *ending == Ending::Ended).await;
    }

    /// Gives a record to the client. What it does not take comes back, with the reason. Who waits for
    /// an answer to it does so there.
    pub(super) fn hand_over(
        &self,
        ready: Ready,
        gather: Option<&Arc<Gather<Ready>>>,
    ) -> Result<(), (Error, Box<Pending>)> {
        let Ready {
            record,
            asked,
            mut pending,
        } = ready;
        pending.gather = gather.map(Arc::clone);
        let sent = self.client.send(BaseRecord {
            topic: record.topic.as_str(),
            partition: asked,
            payload: record.value.as_deref(),
            key: record.key.as_deref(),
            timestamp: record.timestamp_ms,
            headers: records::owned_headers(&record.headers),
            delivery_opaque: pending,
        });
        sent.map_err(|(error, back)| {
            if fault::code(&error) == Code::Fatal {
                self.note_broken();
            }
            let error = refused(&self.client.context().address, &record, &error);
            (error, back.delivery_opaque)
        })
    }

    /// The same for one that has waited, and is told of what became of it. Whether it is under way.
    pub(super) fn hand_over_later(&self, ready: Ready, gather: &Arc<Gather<Ready>>) -> bool {
        match self.hand_over(ready, Some(gather)) {
            Ok(()) => true,
            Err((error, pending)) => {
                pending.end(Err(error));
                false
            }
        }
    }

    fn serve(&self) {
        let mut deadline = None;
        let mut look = Moment::within(gather::WAIT_MAX);
        loop {
            self.client.poll(SLICE);
            if look.has_come() {
                let lanes = &self.client.context().lanes;
                lanes.overdue(|ready, gather| self.hand_over_later(ready, gather));
                look = Moment::within(gather::WAIT_MAX);
            }
            let ending = *self.ending.borrow();
            if ending == Ending::No {
                continue;
            }
            let deadline = *deadline.get_or_insert_with(|| Moment::within(LINGER));
            if ending == Ending::GivenUp || deadline.has_come() {
                self.client.purge(PurgeConfig::default().queue().inflight());
                self.client.poll(SLICE);
            }
            if self.client.in_flight_count() == 0 || deadline.has_come() {
                break;
            }
        }
        self.ending.send_replace(Ending::Ended);
    }
}

/// What the callbacks of a publishing client work on.
pub(in super::super) struct Context {
    address: Arc<str>,
    weather: Arc<Weather>,
    lanes: Arc<Lanes>,
    /// Whose callbacks these are.
    line: OnceLock<Weak<Line>>,
    log: Log,
    is_broken: AtomicBool,
    why: OnceLock<String>,
}

impl Context {
    fn note_broken(&self, why: &str) {
        if !self.is_broken.swap(true, Ordering::AcqRel) {
            let _ = self.why.set(why.to_owned());
            observe::producer_broken(why);
        }
    }

    /// The error for a record that the cluster did not acknowledge.
    fn undelivered(&self, topic: &TopicName, partition: i32, code: Code) -> Error {
        let tried = match partition {
            0.. => format!("publish to partition {partition} of topic {topic}"),
            _ => format!("publish to topic {topic}"),
        };
        match code {
            // What is known of the reason was said when the connection broke, long before.
            Code::MessageTimedOut => fault::tell(
                &self.address,
                &tried,
                code,
                Some("the record was not acknowledged in time, and may or may not be stored"),
            ),
            Code::Fatal | Code::PurgeQueue | Code::PurgeInflight
                if self.is_broken.load(Ordering::Acquire) =>
            {
                gave_up(&tried)
            }
            // Sequence numbers are between librdkafka and the brokers: nobody replaced this producer.
            Code::OutOfOrderSequenceNumber
            | Code::UnknownProducerId
            | Code::InvalidProducerEpoch
            | Code::ProducerFenced
            | Code::Fenced => gave_up(&tried),
            code => fault::tell(&self.address, &tried, code, None),
        }
    }
}

/// The error for a record that was in flight when the idempotent producer gave up.
pub(super) fn gave_up(tried: &str) -> Error {
    Error::new(
        ErrorKind::Other,
        format!(
            "cannot {tried}: the brokers no longer know this producer's sequence; it is replaced, \
             and the record may or may not be stored"
        ),
    )
}

/// The error for a record that brokers took for a repetition, and of which nobody knows where it is.
///
/// librdkafka calls that a success. It is not: see [`lanes`](super::lanes).
fn unplaced(topic: &TopicName) -> Error {
    Error::new(
        ErrorKind::Other,
        format!(
            "cannot publish to topic {topic}: the brokers took the record for a repetition of one \
             that they do not have; it may or may not be stored, so publish it again"
        ),
    )
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, kind: &str, text: &str) {
        self.log.line(level, kind, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = fault::code(&error);
        self.weather.note(code, reason);
        if code == Code::Fatal {
            self.note_broken(reason);
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, mut pending: Self::DeliveryOpaque) {
        let gather = pending.gather.take();
        let result = match result {
            Ok(message) if message.offset() < 0 => Err(unplaced(&pending.topic)),
            Ok(message) => Ok(Position {
                partition: message.partition(),
                offset: message.offset(),
            }),
            Err((error, message)) => {
                let code = fault::code(error);
                if code == Code::Fatal {
                    self.note_broken("a delivery failed for good");
                }
                Err(self.undelivered(&pending.topic, message.partition(), code))
            }
        };
        pending.end(result);
        if let Some(gather) = gather {
            let line = self.line.get().and_then(Weak::upgrade);
            // Where the client is gone, those who wait are dropped, and told so.
            gather.answered(|ready| {
                line.as_ref()
                    .is_some_and(|line| line.hand_over_later(ready, &gather))
            });
        }
    }
}
