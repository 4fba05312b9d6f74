//! What a list tells of a flow, in few bytes: names stand as numbers, and what has a column of its own is
//! left out.

use jiff::Timestamp;
use prost::Message;

use super::names::Names;
use crate::flow::status::Word;
use crate::flow::view::{Key, Summary};
use crate::seen;

/// A summary.
#[derive(Clone, PartialEq, Message)]
struct Brief {
    #[prost(uint32, optional, tag = "1")]
    kind: Option<u32>,
    #[prost(string, tag = "2")]
    why: String,
    #[prost(uint32, repeated, tag = "3")]
    outcomes: Vec<u32>,
    #[prost(message, repeated, tag = "4")]
    keys: Vec<BriefKey>,
    #[prost(sfixed64, optional, tag = "5")]
    started_ns: Option<i64>,
    // Since it began.
    #[prost(uint64, tag = "6")]
    took_ns: u64,
    #[prost(uint64, tag = "7")]
    event_count: u64,
    #[prost(uint64, tag = "8")]
    failed_count: u64,
    #[prost(uint32, optional, tag = "9")]
    last_event: Option<u32>,
    #[prost(uint32, repeated, tag = "10")]
    services: Vec<u32>,
}

/// A business key.
#[derive(Clone, PartialEq, Message)]
struct BriefKey {
    #[prost(uint32, tag = "1")]
    space: u32,
    #[prost(string, tag = "2")]
    key: String,
}

/// What stands in columns of its own.
pub(super) struct Columns {
    pub(super) id: String,
    pub(super) word: Word,
    pub(super) change: u64,
}

/// A summary as bytes.
pub(super) fn encode(summary: &Summary, names: &mut Names) -> Vec<u8> {
    let mut numbers =
        |texts: &[String]| -> Vec<u32> { texts.iter().map(|text| names.number(text)).collect() };
    let (outcomes, services) = (numbers(&summary.outcomes), numbers(&summary.services));
    let keys = summary.keys.iter().map(|key| BriefKey {
        space: names.number(&key.space),
        key: key.key.clone(),
    });
    let span = summary.started_at.zip(summary.last_at);
    let took = span.map(|(first, last)| last.duration_since(first).as_nanos());
    Brief {
        keys: keys.collect(),
        kind: summary.kind.as_deref().map(|kind| names.number(kind)),
        last_event: summary.last_event.as_deref().map(|kind| names.number(kind)),
        why: summary.why.clone(),
        outcomes,
        started_ns: summary.started_at.map(nanoseconds),
        took_ns: took.and_then(|took| took.try_into().ok()).unwrap_or(0),
        event_count: summary.event_count as u64,
        failed_count: summary.failed_count as u64,
        services,
    }
    .encode_to_vec()
}

/// The summary that was encoded. The error says what is wrong with the bytes.
pub(super) fn decode(columns: Columns, bytes: &[u8], names: &Names) -> Result<Summary, String> {
    let brief = Brief::decode(bytes).map_err(|error| error.to_string())?;
    let text = |number: u32| names.text(number).to_owned();
    let texts = |numbers: Vec<u32>| numbers.into_iter().map(text).collect();
    let started_at = brief.started_ns.map(time);
    let took = jiff::SignedDuration::from_nanos(brief.took_ns.try_into().unwrap_or(i64::MAX));
    let keys = brief.keys.into_iter().map(|key| Key {
        space: text(key.space),
        key: key.key,
    });
    Ok(Summary {
        id: columns.id,
        kind: brief.kind.map(text),
        status: columns.word,
        why: brief.why,
        outcomes: texts(brief.outcomes),
        keys: keys.collect(),
        started_at,
        last_at: started_at.and_then(|started| started.checked_add(took).ok()),
        took_ms: seen::ms(took),
        event_count: usize::try_from(brief.event_count).unwrap_or(usize::MAX),
        failed_count: usize::try_from(brief.failed_count).unwrap_or(usize::MAX),
        last_event: brief.last_event.map(text),
        services: texts(brief.services),
        change: columns.change,
    })
}

/// Since 1970. What lies beyond the year 2262 is told as 1970: no clock shows it.
pub(super) fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(0)
}

pub(super) fn time(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use quadrille::wire::Outcome;

    use super::*;
    use crate::flow::Flow;
    use crate::flow::planted::{event, expected, receipt};
    use crate::flow::status::status;
    use crate::flow::view::summary;

    #[test]
    fn a_summary_comes_back_as_it_was_in_few_bytes() {
        // Given a flow that came to an outcome after a failed attempt, and one of which nothing is known.
        let placed = event("p", "orders.v1.OrderPlaced", None, 0);
        let ended = event("e", "orders.v1.OrderConfirmed", Some("p"), 1_300);
        let mut whole = Flow::new(placed.envelope.flow.clone());
        whole.add_receipt(receipt(&placed, "inventory", 1, Outcome::Retry));
        whole.add_receipt(receipt(&placed, "inventory", 2, Outcome::Done));
        whole.add_event(placed);
        whole.add_event(ended);
        let nothing = Flow::new(whole.id.clone());
        for flow in [whole, nothing] {
            let mut told = summary(&flow, status(&flow, &expected()));
            told.change = 7;
            let mut names = Names::default();
            let bytes = encode(&told, &mut names);
            assert!(bytes.len() < 100, "{} bytes", bytes.len());
            let columns = Columns {
                id: told.id.clone(),
                word: told.status,
                change: told.change,
            };
            assert_eq!(decode(columns, &bytes, &names), Ok(told));
        }
    }
}
