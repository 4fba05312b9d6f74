//! Questions about topics and offsets, and the making of topics.
//!
//! Every function here blocks, for no longer than the configured time, and runs on a thread made for
//! it. Most ask through the producer's client, which has its connections; what only a consumer can
//! ask makes one for the question.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic as WireTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::Producer as _;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::super::{Error, ErrorKind, NewTopic, TopicDescription, TopicName, TopicPartition};
use super::clock::Moment;
use super::commits::Offsets;
use super::config::Config;
use super::fault;
use super::log::Log;
use super::options;
use super::partitions;
use super::producer::Line;
use super::start::offsets_in;
use super::wait::{self, Waited};
use super::weather::Weather;
use crate::event::Retention;

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

    /// Names of all topics except the cluster's own, sorted.
    pub(super) fn topics(&self) -> Result<Vec<TopicName>, Error> {
        let question = self.question("list the topics");
        let metadata = question.ask(|limit| self.client().fetch_metadata(None, limit))?;
        let names = metadata.topics().iter().map(|topic| topic.name());
        let mut names: Vec<_> = names
            .filter(|name| !name.starts_with("__"))
            .filter_map(|name| TopicName::parse(name).ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// Partitions and copies of a topic; `None` where there is none of that name.
    fn shape(&self, question: &Question<'_>, topic: &TopicName) -> Result<Option<Shape>, Error> {
        loop {
            let name = Some(topic.as_str());
            let metadata = question.ask(|limit| self.client().fetch_metadata(name, limit))?;
            let found = metadata
                .topics()
                .iter()
                .find(|t| t.name() == topic.as_str());
            let Some(found) = found else {
                return Ok(None);
            };
            let code = found.error().map_or(Code::NoError, Code::from);
            match code {
                Code::UnknownTopicOrPartition | Code::UnknownTopic => return Ok(None),
                // It is being made, or its leader moves.
                Code::LeaderNotAvailable => {}
                Code::NoError if !found.partitions().is_empty() => {
                    let copies = found.partitions().iter().map(|p| p.replicas().len());
                    return Ok(Some(Shape {
                        partitions: count(found.partitions().len()),
                        replication: count(copies.min().unwrap_or(0)),
                    }));
                }
                Code::NoError => {}
                code => return Err(question.told(code)),
            }
            if !wait::pause(AGAIN, || question.left().is_zero()) {
                return Err(question.told(code));
            }
        }
    }

    /// How many partitions a topic has, for whoever is about to publish to it. `None`: there was no
    /// such topic until `grace`.
    pub(super) fn partitions_of(
        &self,
        topic: &TopicName,
        grace: Moment,
    ) -> Result<Option<i32>, Error> {
        loop {
            let question = self.question(format!("publish to topic {topic}"));
            match self.shape(&question, topic) {
                Ok(Some(shape)) => return Ok(Some(shape.partitions)),
                Ok(None) if grace.has_come() => return Ok(None),
                Ok(None) => {}
                Err(error) => {
                    // Whoever asks again does so after a while.
                    wait::pause(AGAIN, || false);
                    return Err(error);
                }
            }
            wait::pause(AGAIN, || false);
        }
    }

    /// Describes a topic; `None` where there is none of that name.
    pub(super) fn describe(
        &self,
        topic: &TopicName,
    ) -> (Result<Option<TopicDescription>, Error>, Rest) {
        let question = self.question(format!("describe topic {topic}"));
        let shape = match self.shape(&question, topic) {
            Ok(Some(shape)) => shape,
            Ok(None) => return (Ok(None), Rest::default()),
            Err(error) => return (Err(error), Rest::default()),
        };
        let (settings, rest) = self.settings(&question, topic);
        let description = settings.map(|settings| {
            Some(TopicDescription {
                partitions: shape.partitions,
                replication: shape.replication,
                min_insync_replicas: settings.number("min.insync.replicas"),
                retention: settings.retention(),
            })
        });
        (description, rest)
    }

    /// How a topic is set up. Nothing where the cluster does not tell this user.
    fn settings(
        &self,
        question: &Question<'_>,
        topic: &TopicName,
    ) -> (Result<Settings, Error>, Rest) {
        let client = match self.admin_client() {
            Ok(client) => client,
            Err(error) => return (Err(error), Rest::default()),
        };
        let limits = AdminOptions::new().request_timeout(Some(question.left()));
        let asked = [ResourceSpecifier::Topic(topic.as_str())];
        let answer = client.describe_configs(&asked, &limits);
        let deadline = question.began.plus(self.config.metadata_timeout());
        let answer = wait::until(Box::pin(answer), deadline.plus(AGAIN), || false);
        let settings = match answer {
            Waited::Done(Ok(found)) => match found.into_iter().next() {
                Some(Ok(resource)) => Ok(Settings(Some(resource))),
                Some(Err(code)) => self.without_settings(question, code),
                None => Ok(Settings(None)),
            },
            Waited::Done(Err(error)) => self.without_settings(question, fault::code(&error)),
            Waited::TimeUp | Waited::Stopped => Err(question.told(Code::OperationTimedOut)),
        };
        (settings, Rest::of(client))
    }

    fn without_settings(&self, question: &Question<'_>, code: Code) -> Result<Settings, Error> {
        match fault::kind(code) {
            // Reading how a topic is set up is a right of its own, which few have.
            ErrorKind::NotAuthorised => Ok(Settings(None)),
            _ => Err(question.told(code)),
        }
    }

    /// Creates a topic and waits until it can be used. `false`: it was there already.
    pub(super) fn create(&self, topic: &NewTopic) -> (Result<bool, Error>, Rest) {
        let question = self.question(format!("create topic {}", topic.name));
        let client = match self.admin_client() {
            Ok(client) => client,
            Err(error) => return (Err(error), Rest::default()),
        };
        let settings = settings_of(topic);
        let copies = TopicReplication::Fixed(topic.replication.unwrap_or(CLUSTERS_DEFAULT));
        let mut wanted = WireTopic::new(topic.name.as_str(), topic.partitions, copies);
        for (name, value) in &settings {
            wanted = wanted.set(name, value);
        }
        let limit = Some(question.left());
        let limits = AdminOptions::new()
            .request_timeout(limit)
            .operation_timeout(limit);
        let answer = client.create_topics([&wanted], &limits);
        let deadline = question.began.plus(self.config.metadata_timeout());
        let answer = wait::until(Box::pin(answer), deadline.plus(AGAIN), || false);
        let code = match answer {
            Waited::Done(Ok(results)) => match results.into_iter().next() {
                Some(Ok(_)) | None => Code::NoError,
                Some(Err((_, code))) => code,
            },
            Waited::Done(Err(error)) => fault::code(&error),
            Waited::TimeUp | Waited::Stopped => Code::OperationTimedOut,
        };
        let created = match code {
            Code::NoError => self.wait_for(&question, &topic.name).map(|()| true),
            Code::TopicAlreadyExists => Ok(false),
            code => Err(question.told(code)),
        };
        (created, Rest::of(client))
    }

    /// Waits until brokers tell of a topic that was just created.
    fn wait_for(&self, question: &Question<'_>, topic: &TopicName) -> Result<(), Error> {
        while self.shape(question, topic)?.is_none() {
            if !wait::pause(AGAIN, || question.left().is_zero()) {
                // It is there, and will be seen.
                break;
            }
        }
        Ok(())
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

/// What CreateTopics takes for the cluster's own default.
const CLUSTERS_DEFAULT: i32 = -1;

/// Number of partitions and copies of a topic.
struct Shape {
    partitions: i32,
    replication: i32,
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// How a topic is set up, as far as the cluster tells.
struct Settings(Option<ConfigResource>);

impl Settings {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.get(name)?.value.as_deref()
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    fn retention(&self) -> Option<Retention> {
        if self.text("cleanup.policy")?.contains("compact") {
            return Some(Retention::Compacted);
        }
        let kept_ms: i64 = self.number("retention.ms")?;
        Some(match u64::try_from(kept_ms) {
            Ok(kept_ms) => Retention::For(Duration::from_millis(kept_ms)),
            Err(_) => Retention::Forever,
        })
    }
}

/// The settings of a topic to be created.
fn settings_of(topic: &NewTopic) -> Vec<(&'static str, String)> {
    let mut settings = match topic.retention {
        Retention::For(kept) => vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", kept.as_millis().to_string()),
        ],
        Retention::Forever => vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", (-1).to_string()),
            ("retention.bytes", (-1).to_string()),
        ],
        Retention::Compacted => vec![("cleanup.policy", "compact".to_owned())],
    };
    if topic.replication.is_some_and(|copies| copies >= 3) {
        // With fewer, an acknowledged record may be on one broker only, and be lost with it.
        settings.push(("min.insync.replicas", 2.to_string()));
    }
    settings
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

#[cfg(test)]
mod tests {
    use super::*;

    fn new(retention: Retention, replication: Option<i32>) -> NewTopic {
        NewTopic {
            name: TopicName::parse("t").unwrap(),
            partitions: 6,
            replication,
            retention,
        }
    }

    #[test]
    fn a_topic_is_created_with_what_was_asked_for() {
        // Shows the settings for each kind of retention, and the one that makes three copies count.
        let kept = settings_of(&new(Retention::For(Duration::from_secs(3600)), Some(1)));
        assert!(kept.contains(&("retention.ms", "3600000".to_owned())));
        let kept = settings_of(&new(Retention::Forever, None));
        assert!(kept.contains(&("retention.ms", "-1".to_owned())));
        assert!(kept.contains(&("retention.bytes", "-1".to_owned())));
        let kept = settings_of(&new(Retention::Compacted, Some(3)));
        assert_eq!(
            kept,
            [
                ("cleanup.policy", "compact".to_owned()),
                ("min.insync.replicas", "2".to_owned())
            ]
        );
    }
}
