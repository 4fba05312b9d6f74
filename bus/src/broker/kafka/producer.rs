//! Records on their way to the cluster.
//!
//! Every record is acknowledged by all in-sync replicas, and retried by librdkafka without being
//! doubled or reordered. A sender waits while too much is in flight, and, as long as this client has
//! never had an acknowledgement of a partition, behind its first record (`lanes`). It waits in
//! turn, so that the records of a partition are handed over in the order in which `send` was
//! called, whoever called it. Records that come while others of their partition are under way go out
//! together (`gather`).
//!
//! Where librdkafka's idempotent producer gives up for good, because brokers lost what they knew of
//! its sequence, all records in flight fail and the next `send` starts a new producer after the last
//! of them: none overtakes another. But a caller that publishes a failed record again does so
//! behind later ones, and it may be stored twice.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::producer::BaseProducer;
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::oneshot;

use super::super::{Delivery, Error, ErrorKind, Outgoing, TopicName};
use super::admin::Admin;
use super::blocking::Blocking;
use super::clock::Moment;
use super::config::Config;
use super::fault;
use super::options;
use super::weather::Weather;

mod flight;
mod gather;
mod lanes;
mod line;

use flight::{Flight, Pending, Ready, Seat};
use lanes::{Lanes, Topic, Way};
pub(super) use line::Line;

/// Hands records over.
pub(super) struct Producer {
    config: Arc<Config>,
    weather: Arc<Weather>,
    address: Arc<str>,
    /// Its own, since it may have to ask for as long as a record may wait.
    blocking: Blocking,
    flight: Flight,
    lanes: Arc<Lanes>,
    /// Held while a client that failed for good is replaced.
    replacing: tokio::sync::Mutex<()>,
    line: Mutex<Arc<Line>>,
}

impl Producer {
    /// Starts the client and its thread. Reaches for no broker itself.
    pub(super) fn new(
        config: Arc<Config>,
        address: Arc<str>,
        weather: Arc<Weather>,
    ) -> Result<Self, Error> {
        let lanes = Arc::new(Lanes::default());
        let options = options::producer(&config);
        let (of_line, at) = (Arc::clone(&weather), Arc::clone(&address));
        let line = Line::start(&options, at, of_line, Arc::clone(&lanes), 1)?;
        Ok(Self {
            flight: Flight::new(&config),
            config,
            weather,
            address,
            blocking: Blocking::new(),
            lanes,
            replacing: tokio::sync::Mutex::new(()),
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
        let way = self.way(&record).await?;
        let mut left = Some(record);
        if let Some(answer) = self.send_at_once(&mut left, &way) {
            return answer;
        }
        let record = left.expect("only an answer takes it");
        let mut lane = way.turn().await;
        let seat = self.flight.seat(&record).await;
        let line = self.working_line().await?;
        let opens = lane.enter(line.number()).await;
        self.hand_over(&line, record, &way, seat, opens)
    }

    /// Takes a record and hands it over if it need not wait for anything. `None`: it must, and is left.
    fn send_at_once(
        &self,
        left: &mut Option<Outgoing>,
        way: &Way,
    ) -> Option<Result<Delivery, Error>> {
        let line = self.line();
        if line.is_broken() {
            return None;
        }
        way.at_once(line.number(), || {
            let seat = self.flight.seat_at_once(left.as_ref()?)?;
            Some(self.hand_over(&line, left.take()?, way, seat, None))
        })
    }

    /// Where a record goes. Asks the cluster about a topic that is new to this client.
    async fn way(&self, record: &Outgoing) -> Result<Way, Error> {
        let topic = self.lanes.topic(&record.topic);
        if let Some(way) = topic.way(record) {
            return Ok(way);
        }
        self.learn(&topic, &record.topic).await?;
        topic
            .way(record)
            .ok_or_else(|| self.no_topic(&record.topic))
    }

    /// Learns how many partitions a topic has. A topic that is not there is given a moment, as new
    /// ones take one to get around; a cluster that is away is waited for as long as a record would
    /// be.
    async fn learn(&self, topic: &Topic, name: &TopicName) -> Result<(), Error> {
        let began = Moment::now();
        let mut asked = topic.asking.lock().await;
        if topic.is_known() {
            return Ok(());
        }
        let after = |ms: u32| began.plus(Duration::from_millis(ms.into()));
        // Those who waited behind somebody who asked have waited long enough.
        let grace = match asked.is_missing {
            true => began,
            false => after(self.config.unknown_topic_after_ms),
        };
        let give_up = after(self.config.delivery_timeout_ms);
        loop {
            let (admin, name) = (self.admin(), name.clone());
            let found = self
                .blocking
                .run(move || (admin.partitions_of(&name, grace), ()));
            match found.await {
                Ok(found) => {
                    asked.is_missing = found.is_none();
                    topic.has(found.unwrap_or(0));
                    return Ok(());
                }
                Err(error) if error.is_transient() && !give_up.has_come() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Who asks about topics.
    pub(super) fn admin(&self) -> Admin {
        Admin {
            address: Arc::clone(&self.address),
            config: Arc::clone(&self.config),
            weather: Arc::clone(&self.weather),
            line: self.line(),
        }
    }

    fn no_topic(&self, topic: &TopicName) -> Error {
        let tried = format!("publish to topic {topic}");
        fault::tell(&self.address, &tried, Code::UnknownTopic, None)
    }

    /// The client; a new one where the last has failed for good.
    async fn working_line(&self) -> Result<Arc<Line>, Error> {
        let line = self.line();
        if !line.is_broken() {
            return Ok(line);
        }
        let _replacing = self.replacing.lock().await;
        let line = self.line();
        if !line.is_broken() {
            return Ok(line);
        }
        // The last record of the broken one fails before the first goes to the new one.
        line.give_up().await;
        let options = options::producer(&self.config);
        let (address, weather) = (Arc::clone(&self.address), Arc::clone(&self.weather));
        let lanes = Arc::clone(&self.lanes);
        let line = Line::start(&options, address, weather, lanes, line.number() + 1)?;
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&line);
        Ok(line)
    }

    fn hand_over(
        &self,
        line: &Line,
        record: Outgoing,
        way: &Way,
        seat: Seat,
        opens: Option<oneshot::Sender<bool>>,
    ) -> Result<Delivery, Error> {
        let (done, delivery) = Delivery::new();
        let bytes = record.size();
        let pending = Box::new(Pending {
            done,
            topic: record.topic.clone(),
            expected: way.expected,
            opens,
            lanes: Arc::clone(&self.lanes),
            gather: None,
            seat,
        });
        let ready = Ready {
            record,
            asked: way.asked,
            pending,
        };
        let refused = match self.config.linger_ms {
            0 => way.gather().pass(
                ready,
                bytes,
                |ready| line.hand_over(ready, Some(way.gather())),
                |ready| line.hand_over_later(ready, way.gather()),
            ),
            _ => line.hand_over(ready, None),
        };
        match refused {
            Ok(()) => Ok(delivery),
            // Dropping what comes back tells the lane that nothing was sent.
            Err((error, pending)) => {
                if error.kind() == ErrorKind::UnknownTopic {
                    self.lanes.forget(&pending.topic);
                }
                Err(error)
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
