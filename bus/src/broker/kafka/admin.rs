//! Questions about offsets and groups; those about topics, and the making of topics, are in `topics`.
//!
//! Every function here blocks, for no longer than the configured time, and runs on a thread made for
//! it. Most ask through the producer's client, which has its connections; what only a consumer can
//! ask makes one for the question.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::Producer as _;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::super::{Error, ErrorKind, TopicPartition};
use super::clock::Moment;
use super::commits::Offsets;
use super::config::Config;
use super::fault;
use super::log::Log;
use super::options;
use super::partitions;
use super::producer::Line;
use super::start::offsets_in;
use super::wait;
use super::weather::Weather;

mod topics;

/// Time between two looks at what takes a moment to get around.
const AGAIN: Duration = Duration::from_millis(20);

/// Asks a cluster.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) address: Arc<str>,
    pub(super) config: Arc<Config>,
    pub(super) weather: Arc<Weather>,
    pub(super) line: Arc<Line>,
}

/// What is asked, for how long, and since when.
struct Question<'a> {
    admin: &'a Admin,
    tried: String,
    began: Moment,
}

impl Question<'_> {
    /// What is left of the time.
    fn left(&self) -> Duration {
        self.began.plus(self.admin.config.metadata_timeout()).left()
    }

    fn told(&self, code: Code) -> Error {
        let trouble = self.admin.weather.since(self.began);
        fault::tell_with(&self.admin.address, &self.tried, code, trouble.as_ref())
    }

    /// Asks, and asks again where a leader or a coordinator has just moved, until the time is up.
    fn ask<T>(&self, ask: impl Fn(Duration) -> KafkaResult<T>) -> Result<T, Error> {
        loop {
            let code = match ask(self.left()) {
                Ok(answer) => return Ok(answer),
                Err(error) => fault::code(&error),
            };
            let moved = matches!(
                fault::kind(code),
                ErrorKind::Unreachable | ErrorKind::UnknownTopic
            );
            if !moved || !wait::pause(AGAIN, || self.left().is_zero()) {
                return Err(self.told(code));
            }
        }
    }
}

impl Admin {
    fn question(&self, tried: impl Into<String>) -> Question<'_> {
        Question {
            admin: self,
            tried: tried.into(),
            began: Moment::now(),
        }
    }

    fn client(&self) -> &Client<impl ClientContext + use<>> {
        self.line.client().client()
    }

    /// The cluster's own id.
    pub(super) fn cluster_id(&self) -> Result<String, Error> {
        let question = self.question("ask for the cluster's id");
        let id = self.client().fetch_cluster_id(question.left());
        id.ok_or_else(|| question.told(Code::OperationTimedOut))
    }

    /// First offset that is there, and the offset that the next record will get.
    pub(super) fn watermarks(&self, partition: &TopicPartition) -> Result<(i64, i64), Error> {
        let question = self.question(format!("ask where {partition} begins and ends"));
        self.ends_of(&question, partition)
    }

    fn ends_of(
        &self,
        question: &Question<'_>,
        partition: &TopicPartition,
    ) -> Result<(i64, i64), Error> {
        // librdkafka waits for the leader of a partition that will never be there.
        self.check_partition(question, partition)?;
        let (topic, number) = (partition.topic.as_str(), partition.partition);
        question.ask(|limit| self.client().fetch_watermarks(topic, number, limit))
    }

    fn check_partition(
        &self,
        question: &Question<'_>,
        partition: &TopicPartition,
    ) -> Result<(), Error> {
        match self.shape(question, &partition.topic)? {
            Some(shape) if (0..shape.partitions).contains(&partition.partition) => Ok(()),
            Some(shape) => Err(Error::new(
                ErrorKind::UnknownTopic,
                format!(
                    "cannot {}: topic {} has partitions 0 to {}",
                    question.tried,
                    partition.topic,
                    shape.partitions - 1
                ),
            )),
            None => Err(question.told(Code::UnknownTopicOrPartition)),
        }
    }

    /// The given offsets, moved to what is there.
    pub(super) fn clamped(&self, from: &Offsets) -> Result<Offsets, Error> {
        let mut clamped = Offsets::new();
        for (partition, offset) in from {
            let question = self.question(format!("read {partition}"));
            let (low, high) = self.ends_of(&question, partition)?;
            clamped.insert(partition.clone(), (*offset).clamp(low, high.max(low)));
        }
        Ok(clamped)
    }

    /// First offset with a timestamp at or after the given one; the end where there is none.
    pub(super) fn offset_at(
        &self,
        partition: &TopicPartition,
        timestamp_ms: i64,
    ) -> (Result<i64, Error>, Rest) {
        let question = self.question(format!("look up a time in {partition}"));
        // The end comes first: what arrives between the two questions may be of that time.
        let end = match self.ends_of(&question, partition) {
            Ok((_, end)) => end,
            Err(error) => return (Err(error), Rest::default()),
        };
        let client = match self.consumer(None) {
            Ok(client) => client,
            Err(error) => return (Err(error), Rest::default()),
        };
        let found = question.ask(|limit| {
            let mut list = TopicPartitionList::new();
            partitions::add(&mut list, partition, Offset::Offset(timestamp_ms.max(0)));
            offsets_in(&client.offsets_for_times(list, limit)?)
        });
        let offset = found.map(|found| found.get(partition).copied().unwrap_or(end));
        (offset, Rest::of(client))
    }

    /// Offsets that a group has committed.
    pub(super) fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> (Result<BTreeMap<TopicPartition, i64>, Error>, Rest) {
        let question = self.question(format!("ask what group `{group}` has committed"));
        let client = match self.consumer(Some(group)) {
            Ok(client) => client,
            Err(error) => return (Err(error), Rest::default()),
        };
        let found = question.ask(|limit| {
            let list = partitions::list_of(partitions);
            offsets_in(&client.committed_offsets(list, limit)?)
        });
        (found, Rest::of(client))
    }

    fn admin_client(&self) -> Result<AdminClient<Quiet>, Error> {
        self.made(&options::common(&self.config))
    }

    fn consumer(&self, group: Option<&str>) -> Result<BaseConsumer<Quiet>, Error> {
        let mut options = options::reader(&self.config, group.unwrap_or_default());
        if group.is_none() {
            options.remove("group.id");
        }
        self.made(&options)
    }

    fn made<T>(&self, options: &ClientConfig) -> Result<T, Error>
    where
        T: rdkafka::config::FromClientConfigAndContext<Quiet>,
    {
        let context = Quiet {
            log: Log::of("admin"),
            weather: Arc::clone(&self.weather),
        };
        let made = options.create_with_context(context);
        made.map_err(|error: KafkaError| options::refused(&error))
    }
}

/// A client that is dropped after its answer was given.
#[derive(Default)]
pub(super) struct Rest(
    #[expect(dead_code, reason = "it is kept to be dropped")] Option<Box<dyn Send>>,
);

impl Rest {
    fn of(client: impl Send + 'static) -> Self {
        Self(Some(Box::new(client)))
    }
}

/// Callbacks of a client that asks one question.
struct Quiet {
    log: Log,
    weather: Arc<Weather>,
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, kind: &str, text: &str) {
        self.log.line(level, kind, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.weather.note(fault::code(&error), reason);
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}
