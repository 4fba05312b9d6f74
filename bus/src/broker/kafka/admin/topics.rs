//! Topics: which there are, how they are set up, and the making of new ones.

use std::time::Duration;

use rdkafka::admin::{
    AdminOptions, ConfigResource, NewTopic as WireTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::super::super::{Error, ErrorKind, NewTopic, TopicDescription, TopicName};
use super::super::clock::Moment;
use super::super::fault;
use super::super::wait::{self, Waited};
use super::{AGAIN, Admin, Question, Rest};
use crate::event::Retention;

impl Admin {
    /// Names of all topics except the cluster's own, sorted.
    pub(in crate::broker::kafka) fn topics(&self) -> Result<Vec<TopicName>, Error> {
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
    pub(super) fn shape(
        &self,
        question: &Question<'_>,
        topic: &TopicName,
    ) -> Result<Option<Shape>, Error> {
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
    pub(in crate::broker::kafka) fn partitions_of(
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
    pub(in crate::broker::kafka) fn describe(
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
    pub(in crate::broker::kafka) fn create(&self, topic: &NewTopic) -> (Result<bool, Error>, Rest) {
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
}

/// What CreateTopics takes for the cluster's own default.
const CLUSTERS_DEFAULT: i32 = -1;

/// Number of partitions and copies of a topic.
pub(super) struct Shape {
    pub(super) partitions: i32,
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
