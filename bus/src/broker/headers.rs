//! Headers of a record: names and values in order.
//!
//! Most records have the same dozen names, and nearly every value is read once and dropped. So
//! records share their names, and the values of one record lie in one piece of memory, behind a
//! table of where each ends. Cloning and dropping headers does not depend on how many there are;
//! adding to them copies all. Nothing here interprets a name or a value.

use std::fmt;
use std::sync::{Arc, LazyLock};

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of one entry of the table.
const ENTRY: usize = size_of::<u32>();

/// Header names and values in the order they stand on the record. A name may stand twice.
#[derive(Clone, PartialEq, Eq)]
pub struct Headers {
    names: Names,
    // The table, then the values, each behind the one before.
    packed: Bytes,
}

/// Names of headers in order, shared by all records that have them.
#[derive(Clone)]
pub(crate) struct Names(Arc<List>);

struct List {
    names: Vec<Arc<str>>,
    bytes: usize,
}

impl Names {
    pub(crate) fn new(names: Vec<Arc<str>>) -> Self {
        let bytes = names.iter().map(|name| name.len()).sum();
        Self(Arc::new(List { names, bytes }))
    }

    /// The names.
    pub(crate) fn list(&self) -> &[Arc<str>] {
        &self.0.names
    }
}

impl Headers {
    /// No headers.
    pub fn new() -> Self {
        static NONE: LazyLock<Names> = LazyLock::new(|| Names::new(Vec::new()));
        Self {
            names: NONE.clone(),
            packed: Bytes::new(),
        }
    }

    /// Headers of these names and values.
    pub(crate) fn of(names: Names, values: &[&[u8]]) -> Self {
        let mut packed = BytesMut::with_capacity(packed_size(values));
        pack(values, &mut packed);
        Self::packed(names, packed.freeze())
    }

    /// Headers of these names, whose values were packed by [`pack`].
    pub(crate) fn packed(names: Names, packed: Bytes) -> Self {
        debug_assert!(packed.len() >= names.list().len() * ENTRY, "a table of all");
        Self { names, packed }
    }

    /// Adds a header at the end.
    pub fn push(&mut self, name: impl Into<Arc<str>>, value: impl AsRef<[u8]>) {
        self.extend([(name, value)]);
    }

    /// The last value of a header, as Kafka clients read it.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let nth = self.names.list().iter().rposition(|n| &**n == name)?;
        Some(self.value(nth))
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let names = self.names.list().iter().map(|name| &**name);
        names.zip(self.values())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.list().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of bytes that names and values take.
    pub fn size(&self) -> usize {
        self.names.0.bytes + self.packed.len() - self.len() * ENTRY
    }

    fn values(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|nth| self.value(nth))
    }

    fn value(&self, nth: usize) -> &[u8] {
        let table = self.len() * ENTRY;
        let start = nth.checked_sub(1).map_or(0, |before| self.end(before));
        &self.packed[table + start..table + self.end(nth)]
    }

    /// Where a value ends, counted from the first.
    fn end(&self, nth: usize) -> usize {
        let entry = self.packed[nth * ENTRY..].first_chunk();
        u32::from_ne_bytes(*entry.expect("the table has an entry for each")) as usize
    }
}

/// Bytes that values take when they are packed.
pub(crate) fn packed_size(values: &[&[u8]]) -> usize {
    let bytes: usize = values.iter().map(|value| value.len()).sum();
    values.len() * ENTRY + bytes
}

/// Writes values as [`Headers`] keep them.
pub(crate) fn pack(values: &[&[u8]], to: &mut BytesMut) {
    let mut end = 0;
    for value in values {
        end += u32::try_from(value.len()).expect("records are far below 4 GiB");
        to.put_slice(&end.to_ne_bytes());
    }
    for value in values {
        to.put_slice(value);
    }
}

impl<N: Into<Arc<str>>, V: AsRef<[u8]>> Extend<(N, V)> for Headers {
    fn extend<T: IntoIterator<Item = (N, V)>>(&mut self, more: T) {
        let (names, values): (Vec<N>, Vec<V>) = more.into_iter().unzip();
        let names = names.into_iter().map(Into::into);
        let names = self.names.list().iter().cloned().chain(names).collect();
        let values = values.iter().map(AsRef::as_ref);
        let values: Vec<&[u8]> = self.values().chain(values).collect();
        *self = Self::of(Names::new(names), &values);
    }
}

impl<N: Into<Arc<str>>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(headers: T) -> Self {
        let mut all = Self::new();
        all.extend(headers);
        all
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |value: &[u8]| Bytes::copy_from_slice(value);
        f.debug_list()
            .entries(self.iter().map(|(name, value)| (name, bytes(value))))
            .finish()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.list() == other.list()
    }
}

impl Eq for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_were_put_in() {
        // Shows order, names that stand twice, empty values, and what it all takes.
        let mut headers = Headers::new();
        assert!(headers.is_empty() && headers.get("a").is_none());
        for (name, value) in [("b", "1"), ("a", ""), ("b", "22")] {
            headers.push(name, value);
        }
        let all: [(&str, &[u8]); 3] = [("b", b"1"), ("a", b""), ("b", b"22")];
        assert!(headers.iter().eq(all));
        assert_eq!(headers.get("b"), Some(&b"22"[..]));
        assert_eq!(headers.get("a"), Some(&b""[..]));
        assert_eq!((headers.len(), headers.size()), (3, 6));
        assert_eq!(headers, Headers::from_iter(all));
        assert_ne!(
            headers,
            Headers::from_iter([("b", "1"), ("a", ""), ("b", "23")])
        );
        assert_ne!(
            headers,
            Headers::from_iter([("b", "1"), ("c", ""), ("b", "22")])
        );
        // The same bytes, cut elsewhere.
        assert_ne!(
            headers,
            Headers::from_iter([("b", "12"), ("a", ""), ("b", "2")])
        );
    }
}
