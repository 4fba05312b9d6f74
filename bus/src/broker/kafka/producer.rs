//! Records on their way to the cluster.
//!
//! Every record is acknowledged by all in-sync replicas, and retried by librdkafka without being
//! doubled or reordered. A sender waits only while too much is in flight; it waits in turn, so that
//! records are handed over in the order in which `send` was called, whoever called it.
//!
//! Where librdkafka's idempotent producer gives up for good, because brokers lost what they knew of
//! its sequence, all records in flight fail and the next `send` starts a new producer after the last
//! of them: none overtakes another. But a caller that publishes a failed record again does so
//! behind later ones, and it may be stored twice.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::super::{Delivery, Error, ErrorKind, Outgoing};
use super::config::Config;
use super::fault;
use super::options;
use super::records;
use super::weather::Weather;

mod flight;
mod line;

use flight::{Flight, Pending, Seat};
pub(super) use line::Line;

/// Hands records over.
pub(super) struct Producer {
    config: Arc<Config>,
    weather: Arc<Weather>,
    address: Arc<str>,
    flight: Flight,
    /// Held while a record is handed over, waiting for room included: it keeps the order.
    turn: tokio::sync::Mutex<()>,
    line: Mutex<Arc<Line>>,
}

impl Producer {
    /// Starts the client and its thread. Reaches for no broker itself.
    pub(super) fn new(
        config: Arc<Config>,
        address: Arc<str>,
        weather: Arc<Weather>,
    ) -> Result<Self, Error> {
        let options = options::producer(&config);
        let line = Line::start(&options, Arc::clone(&address), Arc::clone(&weather))?;
        Ok(Self {
            flight: Flight::new(&config),
            config,
            weather,
            address,
            turn: tokio::sync::Mutex::new(()),
            line: Mutex::new(line),
        })
    }

    /// The client at present, for questions about topics too.
    pub(super) fn line(&self) -> Arc<Line> {
        Arc::clone(&self.line.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hands a record over.
    pub(super) async fn send(&self, record: Outgoing) -> Result<Delivery, Error> {
        check(&record)?;
        let _turn = self.turn.lock().await;
        let seat = self.flight.seat(&record).await;
        let line = self.line();
        let line = match line.is_broken() {
            true => self.replace(&line).await?,
            false => line,
        };
        self.hand_over(&line, record, seat)
    }

    /// Starts a new client once the last record of the broken one has failed.
    async fn replace(&self, broken: &Line) -> Result<Arc<Line>, Error> {
        broken.give_up().await;
        let options = options::producer(&self.config);
        let (address, weather) = (Arc::clone(&self.address), Arc::clone(&self.weather));
        let line = Line::start(&options, address, weather)?;
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&line);
        Ok(line)
    }

    fn hand_over(&self, line: &Line, record: Outgoing, seat: Seat) -> Result<Delivery, Error> {
        let (done, delivery) = Delivery::new();
        let pending = Box::new(Pending::new(done, record.topic.clone(), seat));
        let result = line.client().send(BaseRecord {
            topic: record.topic.as_str(),
            partition: record.partition,
            payload: record.value.as_deref(),
            key: record.key.as_deref(),
            timestamp: record.timestamp_ms,
            headers: records::headers(&record.headers),
            delivery_opaque: pending,
        });
        match result {
            Ok(()) => Ok(delivery),
            Err((error, _)) => {
                let code = fault::code(&error);
                if code == Code::Fatal {
                    line.note_broken();
                }
                Err(refused(&self.address, &record, &error))
            }
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.line().stop();
    }
}

/// A client of librdkafka's with our callbacks.
pub(super) type Client = BaseProducer<line::Context>;

/// Refuses what librdkafka would quietly take for something else.
fn check(record: &Outgoing) -> Result<(), Error> {
    let wrong = |why: String| {
        Err(Error::new(
            ErrorKind::Invalid,
            format!("cannot publish to topic {}: {why}", record.topic),
        ))
    };
    if let Some(partition) = record.partition
        && partition < 0
    {
        return wrong(format!("partition {partition} is negative"));
    }
    if let Some(timestamp) = record.timestamp_ms
        && timestamp < 0
    {
        return wrong(format!("timestamp {timestamp} ms lies before 1970"));
    }
    match record.headers.iter().find(|(name, _)| name.contains('\0')) {
        Some((name, _)) => wrong(format!(
            "the header name {name:?} contains a null character"
        )),
        None => Ok(()),
    }
}

/// The error for a record that librdkafka did not take over.
fn refused(address: &str, record: &Outgoing, error: &KafkaError) -> Error {
    let tried = match record.partition {
        Some(partition) => format!("publish to partition {partition} of topic {}", record.topic),
        None => format!("publish {} bytes to topic {}", record.size(), record.topic),
    };
    match fault::code(error) {
        Code::Fatal => line::gave_up(&tried),
        // Our own limits leave librdkafka more room than it needs.
        Code::QueueFull => Error::new(
            ErrorKind::Other,
            format!("cannot {tried}: the kafka client's queue is full"),
        ),
        code => fault::tell(address, &tried, code, None),
    }
}
