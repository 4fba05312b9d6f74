//! Records in the client library's form and in ours.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::BytesMut;
use rdkafka::message::OwnedHeaders;
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Header, Headers as _, Message as _};

use super::super::headers::{self, Names};
use super::super::{Headers, Incoming, TopicName, TopicPartition};
use crate::observe;

/// Most header names that are remembered. Foreign producers may make up a new one per record.
const NAMES_MAX: usize = 256;

/// The headers of a record on its way out; `None` where there are none.
pub(super) fn owned_headers(headers: &Headers) -> Option<OwnedHeaders> {
    (!headers.is_empty()).then(|| {
        let owned = OwnedHeaders::new_with_capacity(headers.len());
        headers.iter().fold(owned, |owned, (key, value)| {
            let value = Some(value);
            owned.insert(Header { key, value })
        })
    })
}

/// Takes records over from the client library. Remembers names, so that a record costs one
/// allocation and not some for each of its dozen headers.
#[derive(Debug, Default)]
pub(super) struct Taker {
    partitions: BTreeMap<String, Vec<TopicPartition>>,
    names: BTreeSet<Arc<str>>,
    /// Names of the last record's headers: mostly the next one's too.
    last: Option<Names>,
    /// The partition of the last record: mostly the next one's too.
    current: Option<TopicPartition>,
}

impl Taker {
    /// The record, with bytes of its own.
    pub(super) fn take(&mut self, message: &BorrowedMessage<'_>) -> Incoming {
        let partition = self.partition(message.topic(), message.partition());
        let (names, values) = message.headers().map(read_headers).unwrap_or_default();
        let (key, value) = (message.key(), message.payload());

        let size = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let packed = headers::packed_size(&values);
        let mut buffer = BytesMut::with_capacity(size(key) + size(value) + packed);
        for bytes in [key, value].into_iter().flatten() {
            buffer.extend_from_slice(bytes);
        }
        headers::pack(&values, &mut buffer);
        let mut rest = buffer.freeze();
        let key = key.map(|key| rest.split_to(key.len()));
        let value = value.map(|value| rest.split_to(value.len()));
        let headers = match names.is_empty() {
            true => Headers::new(),
            false => Headers::packed(self.names(&names), rest),
        };
        Incoming {
            partition,
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis().unwrap_or(0),
            key,
            value,
            headers,
        }
    }

    fn partition(&mut self, topic: &str, partition: i32) -> TopicPartition {
        if let Some(current) = &self.current
            && current.partition == partition
            && current.topic.as_str() == topic
        {
            return current.clone();
        }
        let known = match self.partitions.get_mut(topic) {
            Some(known) => known,
            None => self.partitions.entry(topic.to_owned()).or_default(),
        };
        let found = known.iter().find(|known| known.partition == partition);
        let found = found.cloned().unwrap_or_else(|| {
            let name = known.first().map(|first| first.topic.clone());
            let name = name.unwrap_or_else(|| TopicName::checked(topic));
            let new = TopicPartition::new(name, partition);
            known.push(new.clone());
            new
        });
        self.current = Some(found.clone());
        found
    }

    fn names(&mut self, names: &[&str]) -> Names {
        if let Some(last) = &self.last
            && last.list().len() == names.len()
            && last
                .list()
                .iter()
                .zip(names)
                .all(|(one, other)| **one == **other)
        {
            return last.clone();
        }
        let names = Names::new(names.iter().map(|name| self.name(name)).collect());
        self.last = Some(names.clone());
        names
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        if self.names.len() < NAMES_MAX {
            self.names.insert(Arc::clone(&new));
        }
        new
    }
}

/// Names and values of a message's headers. A null value counts as an empty one.
fn read_headers(headers: &BorrowedHeaders) -> (Vec<&str>, Vec<&[u8]>) {
    let count = headers.count();
    let (mut names, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for nth in 0..count {
        // The crate panics on a name that is not UTF-8. Such a record may come from anywhere, and
        // would come again and again to a thread that it has killed.
        match catch_unwind(AssertUnwindSafe(|| headers.try_get(nth))) {
            Ok(Some(header)) => {
                names.push(header.key);
                values.push(header.value.unwrap_or_default());
            }
            Ok(None) => {}
            Err(_) => {
                observe::header_left_out();
            }
        }
    }
    (names, values)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn headers_go_out_in_order_and_may_repeat() {
        // Shows that nothing is merged or sorted, and that empty values stay.
        let mut given = Headers::new();
        for (name, value) in [("b", "1"), ("a", ""), ("b", "2")] {
            given.push(name, Bytes::from_static(value.as_bytes()));
        }
        let owned = owned_headers(&given).unwrap();
        let read = read_headers(owned.as_borrowed());
        let expected: [&[u8]; 3] = [b"1", b"", b"2"];
        assert_eq!(read, (vec!["b", "a", "b"], expected.to_vec()));
        assert!(owned_headers(&Headers::new()).is_none());
    }

    #[test]
    fn names_and_partitions_are_shared_between_records() {
        // Shows that a name that was seen before costs no allocation, whatever stood in between.
        let mut taker = Taker::default();
        let first = taker.names(&["ce_id", "ce_type"]);
        assert_eq!(&*taker.names(&["other"]).list()[0], "other");
        let second = taker.names(&["ce_id", "ce_type"]);
        for (one, other) in first.list().iter().zip(second.list()) {
            assert!(Arc::ptr_eq(one, other));
        }
        let longer = taker.names(&["ce_id", "ce_type", "more"]);
        assert_eq!(longer.list().len(), 3);

        let one = taker.partition("orders", 1);
        assert_eq!(taker.partition("orders", 2).to_string(), "orders-2");
        assert_eq!(taker.partition("orders", 1), one);
        assert_eq!(taker.partition("stock", 1).to_string(), "stock-1");
    }

    #[test]
    fn made_up_names_are_not_remembered_for_ever() {
        // Shows the limit on what a foreign producer can make us remember.
        let mut taker = Taker::default();
        for nth in 0..2 * NAMES_MAX {
            assert_eq!(&*taker.name(&format!("h{nth}")), format!("h{nth}"));
        }
        assert_eq!(taker.names.len(), NAMES_MAX);
    }
}
