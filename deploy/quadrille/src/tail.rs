//! Events as they come, one line each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use quadrille::broker::{Broker, Error};
use quadrille::world;
use serde::{Deserialize, Serialize};

use quadrille_observer::expect::Expected;
use quadrille_observer::follow::{self, Follow};
use quadrille_observer::scan::Scan;
use quadrille_observer::seen::{Event, Seen, seen};
use quadrille_observer::types;

/// One event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its key.
    pub key: Option<String>,
    /// The flow that it belongs to.
    pub flow: String,
    /// Its id.
    pub id: String,
    /// Who published it.
    pub source: String,
    /// The event that caused it.
    pub cause: Option<String>,
    /// When it came to be.
    pub time: Timestamp,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its payload, with sensitive fields masked.
    pub data: Option<serde_json::Value>,
    /// Why its payload is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_error: Option<String>,
}

impl Line {
    fn of(event: &Event) -> Self {
        let data = event.data();
        let envelope = &event.envelope;
        Self {
            kind: envelope.kind.to_string(),
            key: event.key.clone(),
            flow: envelope.flow.to_string(),
            id: envelope.id.to_string(),
            source: envelope.source.to_string(),
            cause: envelope.cause.as_ref().map(ToString::to_string),
            time: envelope.time,
            topic: event.at.topic.clone(),
            partition: event.at.partition,
            offset: event.at.offset,
            data_error: data.as_ref().err().cloned(),
            data: data.ok(),
        }
    }
}

/// Reads events of some types as they come.
pub struct Tail {
    follow: Follow,
    cluster: String,
    /// Empty: all.
    types: BTreeSet<String>,
}

impl Tail {
    /// Begins. Events of no type named are events of all types.
    pub async fn begin(
        broker: Arc<dyn Broker>,
        world: world::Shared,
        from: follow::From,
        types: BTreeSet<String>,
    ) -> Result<Self, Error> {
        let cluster = broker.cluster_id().await?;
        let expected = Scan::new(&broker, &world, &|_, _| {})
            .await?
            .contracts()
            .await?;
        let topics = topics(&types, &expected);
        let mut follow = Follow::new(broker, world, from);
        follow.add(topics);
        follow.begin().await?;
        Ok(Self {
            follow,
            cluster,
            types,
        })
    }

    /// Waits for the next events. May be empty. Cancel-safe.
    pub async fn next(&mut self) -> Result<Vec<Line>, Error> {
        let records = self.follow.next().await?;
        let seen = records
            .iter()
            .filter_map(|record| seen(record, &self.cluster).ok());
        let events = seen.filter_map(|seen| match seen {
            Seen::Event(event) if self.wants(&event) => Some(Line::of(&event)),
            _ => None,
        });
        Ok(merged(events))
    }

    fn wants(&self, event: &Event) -> bool {
        self.types.is_empty() || self.types.contains(&*event.envelope.kind)
    }
}

/// Lines of several partitions in the order of time, without changing that of any partition.
fn merged(lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let mut partitions: BTreeMap<(String, i32), VecDeque<Line>> = BTreeMap::new();
    for line in lines {
        let partition = (line.topic.clone(), line.partition);
        partitions.entry(partition).or_default().push_back(line);
    }
    let mut all = Vec::new();
    while let Some(oldest) = partitions
        .values_mut()
        .filter(|lines| !lines.is_empty())
        .min_by_key(|lines| lines[0].time)
    {
        all.extend(oldest.pop_front());
    }
    all
}

/// The topics to read for events of some types: those of the types where all are known.
fn topics(wanted: &BTreeSet<String>, expected: &Expected) -> BTreeSet<String> {
    let known: Option<BTreeSet<String>> = wanted
        .iter()
        .map(|name| types::find(name).map(|schema| schema.topic.name.to_owned()))
        .collect();
    match known {
        Some(topics) if !topics.is_empty() => topics,
        _ => expected.topics(),
    }
}
