//! One record with its payload, read from its topic when somebody asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use quadrille::broker::{self, Broker, Incoming, TopicName, TopicPartition};
use quadrille::envelope::read::Unreadable;
use quadrille::world;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flow::view::ReactionView;
use crate::seen::{Seen, seen};

mod many;

pub use many::{Found, Wanted, fetch_many};

/// Longest wait for a record that must be there.
const WAIT: Duration = Duration::from_secs(5);
/// Most characters of a header that are shown.
const HEADER_CHARS_MAX: usize = 1_024;

/// A record as it stands on its topic.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub time: Option<Timestamp>,
    /// Its key, where that is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Type of its event.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The flow that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// Id of its event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Its headers, in order, as text.
    pub headers: Vec<(String, String)>,
    /// Bytes of its payload.
    pub bytes: usize,
    /// Its payload as JSON, with sensitive fields masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    /// Why its payload is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_error: Option<String>,
    /// Names of the fields that are masked.
    pub masked: Vec<String>,
    /// What became of it, by service.
    pub reactions: Vec<ReactionView>,
}

/// Where records are read.
pub struct Topics<'a> {
    /// The cluster that has them.
    pub broker: &'a Arc<dyn Broker>,
    /// Clock.
    pub world: &'a world::Shared,
    /// Whether the broker answers. Nobody waits for one of which it is known that it does not.
    pub answer: bool,
}

/// A record is not shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such record.
    #[error("{0}")]
    Missing(String),
    /// The broker is known not to answer.
    #[error("the broker does not answer")]
    Away,
    /// The broker does not give it.
    #[error(transparent)]
    Broker(#[from] broker::Error),
}

/// Reads one record.
pub async fn fetch(
    topics: &Topics<'_>,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<Incoming, Error> {
    if !topics.answer {
        return Err(Error::Away);
    }
    let Topics { broker, world, .. } = topics;
    let missing = |why: String| Error::Missing(format!("{topic}/{partition}@{offset}: {why}"));
    let name = TopicName::parse(topic).map_err(missing)?;
    let described = broker.describe(&name).await?;
    let described = described.ok_or_else(|| missing("there is no such topic".to_owned()))?;
    if !(0..described.partitions).contains(&partition) {
        let partitions = described.partitions;
        return Err(missing(format!("the topic has {partitions} partitions")));
    }
    let at = TopicPartition::new(name, partition);
    let (low, high) = broker.watermarks(&at).await?;
    if offset < low {
        return Err(missing(format!(
            "retention has taken everything before {low}"
        )));
    }
    if offset >= high {
        return Err(missing(format!("the partition ends at {high}")));
    }
    let mut reader = broker.read(BTreeMap::from([(at, offset)])).await?;
    let read = world::timeout(world, WAIT, reader.next()).await;
    let records = read.transpose()?.unwrap_or_default();
    let found = records
        .into_iter()
        .next()
        .filter(|record| record.offset == offset);
    found.ok_or_else(|| missing("compaction or a transaction has taken it".to_owned()))
}

impl Record {
    /// A record, for people.
    pub fn of(record: &Incoming, cluster: &str) -> Self {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.chars().take(HEADER_CHARS_MAX).collect::<String>()
        };
        let headers = record.headers.iter();
        let key = record.key.as_deref();
        let mut told = Self {
            topic: record.partition.topic.to_string(),
            partition: record.partition.partition,
            offset: record.offset,
            time: Timestamp::from_millisecond(record.timestamp_ms).ok(),
            key: key.and_then(|key| Some(std::str::from_utf8(key).ok()?.to_owned())),
            kind: None,
            flow: None,
            event_id: None,
            headers: headers
                .map(|(name, value)| (name.to_owned(), text(value)))
                .collect(),
            bytes: record.value.as_ref().map_or(0, |value| value.len()),
            data: None,
            data_error: None,
            masked: Vec::new(),
            reactions: Vec::new(),
        };
        match seen(record, cluster) {
            Ok(Seen::Event(event)) => {
                told.kind = Some(event.envelope.kind.to_string());
                told.flow = Some(event.envelope.flow.to_string());
                told.event_id = Some(event.envelope.id.to_string());
                match event.data() {
                    Ok(data) => told.data = Some(data),
                    Err(why) => told.data_error = Some(why),
                }
                if let Some(schema) = event.schema() {
                    let masked = schema.sensitive.iter();
                    told.masked = masked.map(|field| in_json(field)).collect();
                }
            }
            Ok(_) => told.data_error = Some("it is one of the bus's own".to_owned()),
            Err(Unreadable::Tombstone) => told.data_error = Some("it has no payload".to_owned()),
            Err(Unreadable::NoType) => told.data_error = Some("it names no type".to_owned()),
            Err(Unreadable::Broken(why)) => told.data_error = Some(why),
        }
        told
    }
}

/// The path of a field as it stands in JSON.
fn in_json(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    let mut is_next_large = false;
    for letter in path.chars() {
        match letter {
            '_' => is_next_large = true,
            letter if is_next_large => {
                name.push(letter.to_ascii_uppercase());
                is_next_large = false;
            }
            letter => name.push(letter),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_fields_are_named_as_they_are_shown() {
        assert_eq!(in_json("card_number"), "cardNumber");
        assert_eq!(in_json("customer.home_address"), "customer.homeAddress");
    }
}
