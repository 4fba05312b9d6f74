//! The parked form of an event: what stands on `parked.<service>.<topic>`.
//!
//! Key, value and headers are the record's own, byte for byte, so that what could not be read stays
//! as it came. What is known of the failure stands in headers beside them, and names the format's
//! version. The partition is that of the original record: a service's parked events of one
//! partition are its owner's to keep. Of a record that is larger than an event may be, only where it
//! stands is parked: a copy of it might not fit anywhere.
//!
//! Until parked keys hold back the later events of their key, the topic carries failed events only.

use bytes::Bytes;
use jiff::Timestamp;

use crate::broker::{Headers, Incoming, Outgoing, TopicName};
use crate::envelope::header;

/// Version of the format.
const VERSION: &str = "1";
/// Longest error text kept, in bytes.
const DETAIL_BYTES_MAX: usize = 1024;
/// Longest key that is kept of a record that is too large, in bytes.
const KEY_BYTES_MAX: usize = 1024;

/// Name of the topic for events of `topic` that `service` could not handle.
pub fn topic(service: &str, topic: &TopicName) -> Result<TopicName, String> {
    TopicName::parse(&format!("parked.{service}.{topic}"))
}

/// What is known of an event that could not be handled.
#[derive(Debug, Clone)]
pub struct Parked<'a> {
    /// The service that could not handle it.
    pub service: &'a str,
    /// The reaction. `None`: the record was not readable enough to find one.
    pub reaction: Option<&'a str>,
    /// Why, as a short code.
    pub code: &'a str,
    /// The flow that the event belongs to.
    pub flow: &'a str,
    /// Why, for a person.
    pub detail: &'a str,
    /// Attempts made.
    pub attempts: u32,
    /// When the first attempt began.
    pub first_attempt_at: Timestamp,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// Largest record that is kept as it is, in bytes.
    pub bytes_max: usize,
}

impl Parked<'_> {
    /// The record to publish.
    pub fn record(&self, original: &Incoming, topic: TopicName) -> Outgoing {
        let is_kept = original.size() <= self.bytes_max;
        let mut headers = match is_kept {
            true => original.headers.clone(),
            false => Headers::new(),
        };
        let at = &original.partition;
        let mut added = Vec::new();
        let mut put = |name: &'static str, value: &str| added.push((name, value.to_owned()));
        put("quadrille-parked-version", VERSION);
        if !is_kept {
            put("quadrille-parked-left-out", "headers and value");
        }
        put("quadrille-parked-kind", "failed");
        put("quadrille-parked-service", self.service);
        put(
            "quadrille-parked-reaction",
            self.reaction.unwrap_or_default(),
        );
        put(header::PARKED_FLOW, self.flow);
        put("quadrille-parked-code", self.code);
        put(
            "quadrille-parked-detail",
            cut(self.detail, DETAIL_BYTES_MAX),
        );
        put("quadrille-parked-attempts", &self.attempts.to_string());
        put(
            "quadrille-parked-first-attempt-at",
            &self.first_attempt_at.to_string(),
        );
        put("quadrille-parked-at", &self.parked_at.to_string());
        put("quadrille-parked-topic", at.topic.as_str());
        put("quadrille-parked-partition", &at.partition.to_string());
        put("quadrille-parked-offset", &original.offset.to_string());
        put(
            "quadrille-parked-timestamp",
            &original.timestamp_ms.to_string(),
        );
        headers.extend(added);
        let is_short = |key: &Bytes| is_kept || key.len() <= KEY_BYTES_MAX;
        Outgoing {
            topic,
            partition: Some(at.partition),
            key: original.key.clone().filter(is_short),
            value: original.value.clone().filter(|_| is_kept),
            headers,
            timestamp_ms: Some(self.parked_at.as_millisecond()),
        }
    }
}

/// The first `max` bytes of a text, or a few less where a character would be cut.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::TopicPartition;

    #[test]
    fn the_original_is_kept_byte_for_byte() {
        // Shows that a release can give back exactly what was parked.
        let mut headers = Headers::new();
        headers.push("ce_id", "1");
        let original = Incoming {
            partition: TopicPartition::new(TopicName::parse("orders").unwrap(), 3),
            offset: 17,
            timestamp_ms: 5,
            key: Some(Bytes::from_static(b"\xff")),
            value: Some(Bytes::from_static(b"\x00\x01")),
            headers,
        };
        let parked = Parked {
            service: "inventory",
            reaction: Some("order_placed"),
            code: "undecodable",
            flow: "f",
            detail: &"ä".repeat(1000),
            attempts: 1,
            first_attempt_at: Timestamp::UNIX_EPOCH,
            parked_at: Timestamp::UNIX_EPOCH,
            bytes_max: 100,
        };

        let topic = topic("inventory", &original.partition.topic).unwrap();
        let record = parked.record(&original, topic);

        assert_eq!(record.topic.as_str(), "parked.inventory.orders");
        assert_eq!(record.partition, Some(3));
        assert_eq!(
            (record.key, record.value),
            (original.key.clone(), original.value.clone())
        );
        assert_eq!(record.headers.iter().next(), Some(("ce_id", &b"1"[..])));
        let header = |name| record.headers.get(name);
        assert_eq!(header("quadrille-parked-offset"), Some(&b"17"[..]));
        assert_eq!(
            header("quadrille-parked-detail").map(<[u8]>::len),
            Some(1024)
        );
        assert_eq!(header("quadrille-parked-left-out"), None);

        // Given one that is too large, then it says where the original stands, and is small.
        let parked = Parked {
            bytes_max: 3,
            ..parked
        };
        let topic = super::topic("inventory", &original.partition.topic).unwrap();
        let record = parked.record(&original, topic);
        assert_eq!(
            (record.key.as_deref(), record.value.clone()),
            (Some(&b"\xff"[..]), None)
        );
        assert_eq!(record.headers.get("ce_id"), None);
        let header = |name| record.headers.get(name);
        assert_eq!(header("quadrille-parked-offset"), Some(&b"17"[..]));
        assert_eq!(
            header("quadrille-parked-left-out"),
            Some(&b"headers and value"[..])
        );
    }
}
