//! What services decide, as their stores are told, against what is handed to the broker.
//!
//! What an event leads to has the same id in each attempt. What a service has committed under one key of
//! a topic stands there in the order of its commits, whoever publishes it: receipts cannot show that,
//! since they lie in the same rows. A receipt goes out behind the events that it names, attempts are told
//! of without a gap, and whoever keeps state is done once with an event where it stands.
//!
//! Pure: whoever sees it happen says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use quadrille::Event as _;
use quadrille::broker::{Headers, Outgoing, TopicName, TopicPartition};
use quadrille::prost::Message as _;
use quadrille::state::{Change, EventKey, EventPosition};
use quadrille::wire::{Outcome, Receipt};

use crate::end::short;
use crate::executor::Owner;

/// What was decided in one run.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    ids: BTreeMap<Emitting, Bytes>,
    // What is committed and does not stand there yet, in the order of commits, each with its commit.
    coming: BTreeMap<Lane, VecDeque<(u64, Name)>>,
    commits: u64,
    handed: BTreeSet<Bytes>,
    attempts: BTreeMap<Place, BTreeSet<u32>>,
    // The receipt by which each place was settled.
    settled: BTreeMap<Place, Bytes>,
    keeping: BTreeSet<Arc<str>>,
    // Places of second copies, which have no receipt yet.
    untold: BTreeMap<Place, Owner>,
    // Places that a store was to note, and could not.
    unnoted: BTreeSet<Place>,
}

/// Where a service reacts: its name, and topic, partition and offset of the event.
type Place = (String, String, i32, i64);

/// One of those of a type and key that a service emits because of an event.
type Emitting = (Arc<str>, EventKey, Bytes, Option<Bytes>, usize);

/// What one service publishes under one key of a topic.
type Lane = (Arc<str>, TopicName, Option<Bytes>);

/// Source and id.
type Name = (Bytes, Bytes);

impl Decisions {
    /// A service keeps state.
    pub(crate) fn keeps(&mut self, service: &Arc<str>) {
        self.keeping.insert(Arc::clone(service));
    }

    /// A second copy is noted in the store, and nothing was to be decided: a receipt must follow.
    pub(crate) fn noted(&mut self, service: &Arc<str>, owner: Owner, change: &Change) {
        if let (Some(at), true) = (&change.position, change.outbox.is_empty()) {
            self.untold.insert(noted_at(service, at), owner);
        }
    }

    /// An instance gives something up: what it has not told of there, somebody else need not.
    pub(crate) fn given_up(&mut self, owner: Owner) {
        self.untold.retain(|_, of| *of != owner);
    }

    /// An instance has committed offsets: what is below them is told of.
    pub(crate) fn offsets(
        &self,
        owner: Owner,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<(), String> {
        let mut untold = self.untold.iter().filter(|(_, of)| **of == owner);
        let below = untold.find(|((_, topic, number, offset), _)| {
            let mut committed = offsets.iter();
            committed.any(|(at, mark)| {
                (at.topic.as_str(), at.partition) == (topic.as_str(), *number) && offset < mark
            })
        });
        below.map_or(Ok(()), |((_, topic, number, offset), _)| {
            Err(format!(
                "says nothing of the second copy at {topic}-{number}@{offset}"
            ))
        })
    }

    /// A store could not do what it was told.
    pub(crate) fn refused(&mut self, service: &Arc<str>, change: &Change) {
        if let (Some(at), true) = (&change.position, change.outbox.is_empty()) {
            self.unnoted.insert(noted_at(service, at));
        }
    }

    /// A service has submitted a change, whatever becomes of it.
    pub(crate) fn submitted(&mut self, service: &Arc<str>, change: &Change) -> Result<(), String> {
        let Some(event) = &change.event else {
            return Ok(());
        };
        let mut counts: BTreeMap<(Bytes, Option<Bytes>), usize> = BTreeMap::new();
        for record in change.outbox.iter().filter(|record| is_event(record)) {
            let (kind, key) = (value(&record.headers, "ce_type"), record.key.clone());
            let nth = counts.entry((kind.clone(), key.clone())).or_default();
            let emitting = (Arc::clone(service), event.clone(), kind, key, *nth);
            *nth += 1;
            let id = value(&record.headers, "ce_id");
            let kind = String::from_utf8_lossy(&emitting.2).into_owned();
            let first = self.ids.entry(emitting).or_insert_with(|| id.clone());
            if *first != id {
                let kind = short(&kind);
                return Err(format!(
                    "emits {kind} under another id than in an earlier attempt"
                ));
            }
        }
        Ok(())
    }

    /// It is in the store.
    pub(crate) fn committed(&mut self, service: &Arc<str>, change: &Change) {
        self.commits += 1;
        for record in &change.outbox {
            let coming = self.coming.entry(lane(service, record)).or_default();
            coming.push_back((self.commits, name(record)));
        }
    }

    /// Somebody of a service hands a record to the broker, which may refuse it. What is to stand before
    /// it stands there: later it could come too late.
    pub(crate) fn handed(&mut self, service: &Arc<str>, record: &Outgoing) -> Result<(), String> {
        if is_event(record) {
            self.handed.insert(value(&record.headers, "ce_id"));
        }
        let Some(coming) = self.coming.get(&lane(service, record)) else {
            return Ok(());
        };
        let name = name(record);
        let commit = coming.iter().find(|(_, other)| *other == name);
        match (coming.front(), commit) {
            // What was committed together is handed over together.
            (Some((first, _)), Some((commit, _))) if first < commit => {
                let (topic, key) = (&record.topic, record.key.as_deref().unwrap_or_default());
                let key = String::from_utf8_lossy(key);
                Err(format!(
                    "publishes under `{key}` of {topic} what was decided later"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Somebody hands a receipt to the broker: what it names was handed over before.
    pub(crate) fn named(&self, receipt: &Receipt) -> Result<(), String> {
        let mut emitted = receipt.emitted.iter();
        match emitted.find(|emitted| !self.handed.contains(emitted.id.as_bytes())) {
            None => Ok(()),
            Some(emitted) => Err(format!(
                "sends the receipt before the {} that it names",
                short(&emitted.r#type)
            )),
        }
    }

    /// Somebody hands a receipt to the broker: each attempt before has one, without a gap.
    pub(crate) fn counted(&mut self, receipt: &Receipt) -> Result<(), String> {
        let told = self.attempts.entry(place(receipt)).or_default();
        let missing = (1..receipt.attempt).find(|attempt| !told.contains(attempt));
        if receipt.outcome() == Outcome::Retry {
            told.insert(receipt.attempt);
        }
        match missing {
            None => Ok(()),
            Some(missing) => Err(format!(
                "tells of attempt {} of a {}, and not of {missing}",
                receipt.attempt,
                short(&receipt.event_type)
            )),
        }
    }

    /// Somebody hands a receipt to the broker: whoever keeps state is done with each place once.
    pub(crate) fn settled(&mut self, receipt: &Receipt, value: &Bytes) -> Result<(), String> {
        let place = place(receipt);
        self.untold.remove(&place);
        let keeps = self.keeping.contains(receipt.service.as_str());
        if !keeps || receipt.outcome() == Outcome::Retry || self.unnoted.contains(&place) {
            return Ok(());
        }
        let first = self.settled.entry(place).or_insert_with(|| value.clone());
        // Published twice, it is the same to the letter.
        match *first == *value {
            true => Ok(()),
            false => Err(format!(
                "is done twice with a {} where it stands",
                short(&receipt.event_type)
            )),
        }
    }

    /// The broker has stored a record.
    pub(crate) fn stored(&mut self, service: &Arc<str>, record: &Outgoing) -> Result<(), String> {
        let Some(coming) = self.coming.get_mut(&lane(service, record)) else {
            return Ok(());
        };
        let name = name(record);
        // Otherwise it stands there already, or was never in the outbox.
        if let Some(place) = coming.iter().position(|(_, other)| *other == name) {
            coming.remove(place);
            if place > 0 {
                let (topic, key) = (&record.topic, record.key.as_deref().unwrap_or_default());
                let key = String::from_utf8_lossy(key);
                return Err(format!(
                    "puts under `{key}` of {topic} what was decided later first"
                ));
            }
        }
        Ok(())
    }
}

/// Whether it is an event of a service: no receipt or the like, and no parked copy.
fn is_event(record: &Outgoing) -> bool {
    let topic = record.topic.as_str();
    !topic.starts_with("quadrille.") && !topic.starts_with("parked.")
}

/// The receipt that a record is.
pub(crate) fn receipt_of(record: &Outgoing) -> Option<Receipt> {
    let is_receipt = record.topic.as_str() == Receipt::SCHEMA.topic.name;
    let value = is_receipt.then(|| record.value.clone()).flatten()?;
    Receipt::decode(value).ok()
}

fn noted_at(service: &Arc<str>, at: &EventPosition) -> Place {
    let EventPosition {
        partition, offset, ..
    } = at;
    let topic = partition.topic.to_string();
    (service.to_string(), topic, partition.partition, *offset)
}

fn place(receipt: &Receipt) -> Place {
    (
        receipt.service.clone(),
        receipt.topic.clone(),
        receipt.partition,
        receipt.offset,
    )
}

fn lane(service: &Arc<str>, record: &Outgoing) -> Lane {
    (
        Arc::clone(service),
        record.topic.clone(),
        record.key.clone(),
    )
}

fn name(record: &Outgoing) -> Name {
    (
        value(&record.headers, "ce_source"),
        value(&record.headers, "ce_id"),
    )
}

fn value(headers: &Headers, name: &str) -> Bytes {
    headers
        .get(name)
        .map(Bytes::copy_from_slice)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use quadrille::envelope::{Envelope, Trace};
    use quadrille::id::{EventId, FlowId, Source};
    use quadrille::wire::{ContractPublished, EmittedEvent};

    use super::*;

    fn service() -> Arc<str> {
        Arc::from("s")
    }

    /// An event of any type, on a topic of a service's own.
    fn event(id: &str, key: &str) -> Outgoing {
        let schema = ContractPublished::SCHEMA;
        let record = envelope(id).record(schema, key, Bytes::new());
        Outgoing {
            topic: TopicName::parse("t").unwrap(),
            ..record
        }
    }

    fn receipt(id: &str, emitted: &[&str]) -> Outgoing {
        let emitted = emitted.iter().map(|id| EmittedEvent {
            id: (*id).to_owned(),
            ..EmittedEvent::default()
        });
        let receipt = Receipt {
            emitted: emitted.collect(),
            ..Receipt::default()
        };
        let value = receipt.encode_to_vec().into();
        envelope(id).record(Receipt::SCHEMA, "f", value)
    }

    fn envelope(id: &str) -> Envelope {
        Envelope {
            id: EventId::new(id),
            source: Source::of_service("s"),
            kind: "k".into(),
            subject: None,
            time: Timestamp::UNIX_EPOCH,
            flow: FlowId::new("f"),
            cause: None,
            hops: 0,
            trace: Trace::default(),
        }
    }

    fn change(outbox: Vec<Outgoing>) -> Change {
        Change {
            event: Some(EventKey {
                source: Source::new("/elsewhere"),
                id: EventId::new("cause"),
            }),
            outbox,
            ..Change::default()
        }
    }

    #[test]
    fn an_attempt_emits_under_the_same_ids_as_the_one_before() {
        let mut decisions = Decisions::default();
        let mut submit = |outbox| decisions.submitted(&service(), &change(outbox));
        assert!(submit(vec![event("a", "k"), event("b", "k"), receipt("r", &[])]).is_ok());
        // It may decide otherwise, and receipts are of one attempt.
        assert!(submit(vec![event("a", "k"), receipt("q", &[])]).is_ok());
        assert!(submit(vec![event("c", "l")]).is_ok());
        assert!(submit(vec![event("a", "k"), event("c", "k")]).is_err());
        // At a door, each is a new one.
        let at_a_door = |id| Change {
            event: None,
            ..change(vec![event(id, "k")])
        };
        assert!(decisions.submitted(&service(), &at_a_door("x")).is_ok());
        assert!(decisions.submitted(&service(), &at_a_door("y")).is_ok());
    }

    #[test]
    fn what_is_published_under_a_key_comes_in_the_order_of_commits() {
        let mut decisions = Decisions::default();
        let together = vec![event("a", "k"), event("b", "k")];
        decisions.committed(&service(), &change(together));
        decisions.committed(&service(), &change(vec![event("c", "k")]));
        decisions.committed(&service(), &change(vec![event("d", "l")]));
        let mut hand = |id, key| decisions.handed(&service(), &event(id, key));
        // Another key, what was committed together, and what nobody has committed are no matter.
        assert!(hand("d", "l").is_ok());
        assert!(hand("b", "k").is_ok());
        assert!(hand("x", "k").is_ok());
        assert!(hand("c", "k").is_err());
        let mut store = |id, key| decisions.stored(&service(), &event(id, key));
        assert!(store("d", "l").is_ok());
        assert!(store("a", "k").is_ok());
        assert!(store("a", "k").is_ok(), "a repetition");
        assert!(store("c", "k").is_err());
        assert!(store("b", "k").is_ok());
        let again = decisions.handed(&service(), &event("c", "k"));
        assert!(again.is_ok(), "all that comes before it stands there");
    }

    #[test]
    fn a_receipt_goes_out_behind_what_it_names() {
        let mut decisions = Decisions::default();
        let read = |record| receipt_of(&record).expect("it is a receipt");
        assert!(decisions.named(&read(receipt("r", &[]))).is_ok());
        assert!(decisions.named(&read(receipt("r", &["a"]))).is_err());
        assert!(decisions.handed(&service(), &event("a", "k")).is_ok());
        assert!(decisions.named(&read(receipt("r", &["a"]))).is_ok());
        assert_eq!(receipt_of(&event("a", "k")), None);
    }

    fn told(outcome: Outcome, attempt: u32) -> Receipt {
        Receipt {
            service: "s".to_owned(),
            topic: "t".to_owned(),
            outcome: outcome.into(),
            attempt,
            ..Receipt::default()
        }
    }

    #[test]
    fn attempts_are_told_of_without_a_gap() {
        let mut decisions = Decisions::default();
        for (outcome, attempt, holds) in [
            (Outcome::Done, 2, false),
            (Outcome::Retry, 1, true),
            (Outcome::Retry, 2, true),
            // Somebody else begins again.
            (Outcome::Retry, 1, true),
            (Outcome::Parked, 3, true),
            (Outcome::Parked, 4, false),
        ] {
            let counted = decisions.counted(&told(outcome, attempt));
            assert_eq!(counted.is_ok(), holds, "{outcome:?} {attempt}");
        }
    }

    #[test]
    fn whoever_keeps_state_is_done_with_a_place_once() {
        let (one, two) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
        let done = told(Outcome::Done, 1);
        let duplicate = told(Outcome::Duplicate, 1);
        let mut decisions = Decisions::default();
        // Without state it may do it again.
        assert!(decisions.settled(&done, &one).is_ok());
        assert!(decisions.settled(&done, &two).is_ok());
        decisions.keeps(&service());
        let retry = told(Outcome::Retry, 1);
        assert!(decisions.settled(&retry, &two).is_ok());
        assert!(decisions.settled(&done, &one).is_ok());
        assert!(decisions.settled(&done, &one).is_ok());
        assert!(decisions.settled(&duplicate, &two).is_err());
        // Where the store could not note it, it comes again.
        decisions.refused(&service(), &second_copy());
        assert!(decisions.settled(&duplicate, &two).is_ok());
    }

    /// What notes that an event stands a second time.
    fn second_copy() -> Change {
        Change {
            position: Some(EventPosition {
                partition: TopicPartition::new(TopicName::parse("t").unwrap(), 0),
                offset: 0,
                low_water: 0,
                epoch: 1,
            }),
            ..change(Vec::new())
        }
    }

    #[test]
    fn a_second_copy_has_a_receipt_before_its_offset_is_committed() {
        let at = TopicPartition::new(TopicName::parse("t").unwrap(), 0);
        let (below, behind) = ([(at.clone(), 0)].into(), [(at, 1)].into());
        let mut decisions = Decisions::default();
        decisions.noted(&service(), 1, &second_copy());
        assert!(decisions.offsets(1, &below).is_ok());
        assert!(decisions.offsets(2, &behind).is_ok(), "it is not theirs");
        assert!(decisions.offsets(1, &behind).is_err());
        let duplicate = told(Outcome::Duplicate, 1);
        assert!(decisions.settled(&duplicate, &Bytes::new()).is_ok());
        assert!(decisions.offsets(1, &behind).is_ok());
        // Whoever gives it up in between owes nothing.
        decisions.noted(&service(), 1, &second_copy());
        decisions.given_up(1);
        assert!(decisions.offsets(1, &behind).is_ok());
    }
}
