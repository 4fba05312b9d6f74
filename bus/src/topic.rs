//! Topics: created with what their schema declares, or checked where they are owned elsewhere.
//!
//! A service creates the topics that it owns, the bus's own, and those for its parked events. It
//! never changes a topic that is there: a difference is an error where the service owns it, and a
//! warning where somebody else does. A topic that is missing and may not be created is waited for,
//! since somebody may create it or give the right to.

use std::time::Duration;

mod durable; // which topics can lose events

use crate::broker::{
    self, Broker, ErrorKind, NewTopic, TopicDescription, TopicName, TopicPartition,
};
use crate::event::{self, Retention};
use crate::observe;
use crate::status::Status;
use crate::stop::Stop;
use crate::world;
pub(crate) use durable::Durability;

/// Longest wait between two looks for a missing topic.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Wait before a topic that could not be created is tried again, once that was told.
const TRY_AGAIN: Duration = Duration::from_secs(4);
/// Wait between two looks at a topic that was just created.
const LOOK_AT_NEW: Duration = Duration::from_millis(100);
/// Looks at a topic that was just created before that counts as failed.
const LOOKS_MAX: u32 = 100;

/// A topic is not what the service needs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A topic that the service owns is not as declared.
    #[error(
        "topic `{topic}` has {actual} partitions, its schema says {declared}: the partitions of a \
         keyed topic cannot be changed without moving keys, so put {actual} into the schema or \
         create the topic anew"
    )]
    Partitions {
        /// The topic.
        topic: String,
        /// What the schema says.
        declared: i32,
        /// What the broker says.
        actual: i32,
    },
    /// A parked topic's name is no topic name.
    #[error("{0}: shorten the name of the service or of the topic")]
    Name(String),
    /// The broker did not answer.
    #[error(transparent)]
    Broker(#[from] broker::Error),
}

/// Creates and checks topics for one service.
pub(crate) struct Topics<'a> {
    pub(crate) service: &'a str,
    pub(crate) broker: &'a dyn Broker,
    pub(crate) world: &'a world::Shared,
    pub(crate) status: &'a Status,
    /// Whether missing topics are created.
    pub(crate) create: bool,
    /// Where topics are noted that can lose events.
    pub(crate) durability: &'a Durability,
}

impl Topics<'_> {
    /// Makes sure that a topic of this service's own is there and as declared.
    pub(crate) async fn own(&self, topic: &event::Topic) -> Result<(), Error> {
        let name = TopicName::checked(topic.name);
        let new = NewTopic {
            name: name.clone(),
            partitions: topic.partitions,
            replication: topic.replication,
            retention: topic.retention,
        };
        let found = self.ensure(&new).await?;
        if found.partitions != topic.partitions {
            return Err(Error::Partitions {
                topic: name.to_string(),
                declared: topic.partitions,
                actual: found.partitions,
            });
        }
        if let Some(kept) = found.retention
            && kept != topic.retention
        {
            let wanted = topic.retention;
            self.differs(&format!(
                "`{name}` keeps events {kept}, its schema says {wanted}"
            ));
        }
        self.durability.note(&name, &found);
        Ok(())
    }

    /// Makes sure that the topic for parked events is there.
    pub(crate) async fn parked(&self, name: TopicName, partitions: i32) -> Result<(), Error> {
        let new = NewTopic {
            name,
            partitions,
            replication: None,
            retention: Retention::Forever,
        };
        let found = self.ensure(&new).await?;
        if found.partitions < partitions {
            return Err(Error::Partitions {
                topic: new.name.to_string(),
                declared: partitions,
                actual: found.partitions,
            });
        }
        Ok(())
    }

    /// Waits, unready, until a topic that is owned elsewhere is there. `None`: asked to stop first.
    pub(crate) async fn others(
        &self,
        topic: &event::Topic,
        stop: &Stop,
    ) -> Result<Option<TopicDescription>, Error> {
        let name = TopicName::checked(topic.name);
        let condition = format!("topic {name}");
        let mut told = false;
        loop {
            if let Some(found) = self.broker.describe(&name).await? {
                self.led(&name, found.partitions).await?;
                self.status.clear(&condition);
                if found.partitions != topic.partitions {
                    let (actual, declared) = (found.partitions, topic.partitions);
                    self.differs(&format!(
                        "`{name}` has {actual} partitions, its schema says {declared}"
                    ));
                }
                self.durability.note(&name, &found);
                return Ok(Some(found));
            }
            if !told {
                let owner = topic.owner.unwrap_or("somebody else");
                observe::waiting_for_topic(self.service, name.as_str(), owner);
                let reason = format!("topic `{name}` does not exist; {owner} creates it");
                self.status.set_waiting(&condition, &reason);
                told = true;
            }
            let waited = stop.unless(self.world.sleep(LOOK_AGAIN)).await;
            if waited.is_none() {
                return Ok(None);
            }
        }
    }

    async fn ensure(&self, new: &NewTopic) -> Result<TopicDescription, Error> {
        if let Some(found) = self.broker.describe(&new.name).await? {
            self.led(&new.name, found.partitions).await?;
            return Ok(found);
        }
        if !self.create {
            return Err(self.refused(new, "topics.create is false").await);
        }
        match self.broker.create(new).await {
            Ok(true) => observe::topic_created(self.service, new.name.as_str(), new.partitions),
            Ok(false) => {}
            Err(error) if error.kind() == ErrorKind::Unreachable => return Err(error.into()),
            Err(error) => return Err(self.refused(new, &error.to_string()).await),
        }
        // Brokers tell of a new topic a moment after they have created it.
        for _ in 0..LOOKS_MAX {
            if let Some(found) = self.broker.describe(&new.name).await? {
                self.led(&new.name, found.partitions).await?;
                return Ok(found);
            }
            self.world.sleep(LOOK_AT_NEW).await;
        }
        let why = "it was created, but the broker does not show it";
        Err(self.refused(new, why).await)
    }

    /// A topic is missing and was not created. Whoever prepares topics tells it and tries again:
    /// the kind of the error says that this may help.
    async fn refused(&self, new: &NewTopic, why: &str) -> Error {
        let NewTopic {
            name, partitions, ..
        } = new;
        let service = self.service;
        let message = format!(
            "topic `{name}` does not exist; {service} creates it, and cannot: {why}; create it with \
             {partitions} partitions, or let {service} do so"
        );
        if self.status.report().waiting_for.contains(&message) {
            self.world.sleep(TRY_AGAIN).await;
        }
        broker::Error::new(ErrorKind::UnknownTopic, message).into()
    }

    /// Waits until a leader answers for every partition. Nothing may be published before.
    ///
    /// A Kafka idempotent producer has several batches in flight. Where the first ever of a
    /// partition is refused because a new topic has no leader yet, the second can be the first to be
    /// stored; a leader that knows nothing of the producer takes it whatever its sequence number is.
    /// The first, sent again, then counts as a duplicate: it is acknowledged, and lost.
    async fn led(&self, name: &TopicName, partitions: i32) -> Result<(), broker::Error> {
        for partition in 0..partitions {
            let partition = TopicPartition::new(name.clone(), partition);
            let mut looks = 0;
            while let Err(error) = self.broker.watermarks(&partition).await {
                looks += 1;
                if !error.is_transient() || looks >= LOOKS_MAX {
                    return Err(error);
                }
                self.world.sleep(LOOK_AT_NEW).await;
            }
        }
        Ok(())
    }

    fn differs(&self, what: &str) {
        observe::topic_differs(self.service, what);
    }
}
