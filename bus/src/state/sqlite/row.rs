//! Outbox rows as bytes: the protobuf message `Row`, which holds records in the order in which they
//! are to be published.
//!
//! Fields may be added and never change: a row may have been written by an earlier version.

use bytes::Bytes;
use prost::Message;

use crate::broker::{Headers, Outgoing, TopicName};

#[derive(Clone, PartialEq, Message)]
struct Row {
    #[prost(message, repeated, tag = "1")]
    records: Vec<Record>,
}

#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(string, tag = "1")]
    topic: String,
    #[prost(int32, optional, tag = "2")]
    partition: Option<i32>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    key: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    value: Option<Bytes>,
    #[prost(message, repeated, tag = "5")]
    headers: Vec<Header>,
    #[prost(int64, optional, tag = "6")]
    timestamp_ms: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// Records as bytes.
pub(super) fn encode(records: &[Outgoing]) -> Vec<u8> {
    let records = records.iter().map(|record| Record {
        topic: record.topic.to_string(),
        partition: record.partition,
        key: record.key.clone(),
        value: record.value.clone(),
        headers: record.headers.iter().map(header).collect(),
        timestamp_ms: record.timestamp_ms,
    });
    let records = records.collect();
    Row { records }.encode_to_vec()
}

fn header((name, value): (&str, &[u8])) -> Header {
    Header {
        name: name.to_owned(),
        value: Bytes::copy_from_slice(value),
    }
}

/// Bytes as records. The error says what is wrong with them.
pub(super) fn decode(bytes: Vec<u8>) -> Result<Vec<Outgoing>, String> {
    let row = Row::decode(Bytes::from(bytes)).map_err(|error| error.to_string())?;
    row.records.into_iter().map(record).collect()
}

fn record(record: Record) -> Result<Outgoing, String> {
    let headers = record.headers.into_iter();
    let headers: Headers = headers.map(|header| (header.name, header.value)).collect();
    Ok(Outgoing {
        topic: TopicName::parse(&record.topic)?,
        partition: record.partition,
        key: record.key,
        value: record.value,
        headers,
        timestamp_ms: record.timestamp_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were() {
        // Shows that null and empty stay apart, and that headers keep their order.
        let topic = TopicName::parse("orders").unwrap();
        let mut headers = Headers::new();
        headers.push("a", "1");
        headers.push("a", "");
        let full = Outgoing {
            topic: topic.clone(),
            partition: Some(0),
            key: Some(Bytes::new()),
            value: Some("v".into()),
            headers,
            timestamp_ms: Some(-1),
        };
        let bare = Outgoing {
            topic,
            partition: None,
            key: None,
            value: None,
            headers: Headers::new(),
            timestamp_ms: None,
        };
        let records = vec![full, bare];
        assert_eq!(decode(encode(&records)), Ok(records));
    }

    #[test]
    fn bytes_that_are_no_row_are_refused() {
        assert!(decode(vec![0xff]).is_err());
    }
}
