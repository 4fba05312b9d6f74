//! What happened, as it can be seen from outside: what stands on topics, what was committed, and
//! what people are told.
//!
//! The low-water rule is watched here, at each commit: no offset is committed below which an event
//! is unfinished. An event is finished when its receipt is on its topic, or when the inbox of the
//! service that reacts has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quadrille::Event as _;
use quadrille::broker::{Headers, Incoming, Outgoing, Position, TopicPartition};
use quadrille::contract::Contract;
use quadrille::envelope::Envelope;
use quadrille::envelope::read::{Payload, Place, read};
use quadrille::id::{EventId, FlowId, Source};
use quadrille::prost::Message as _;
use quadrille::state::{EventKey, Store};
use quadrille::wire::{Outcome, Receipt};

use crate::end::{Broken, short};
use crate::watch::Watch;

/// Lines of a story that are kept.
const LINES_MAX: usize = 20_000;

/// What happened in one run.
pub(crate) struct Chronicle {
    tells: bool,
    told: Mutex<Told>,
    pub(crate) watch: Watch,
}

#[derive(Default)]
struct Told {
    logs: BTreeMap<TopicPartition, Vec<Incoming>>,
    lines: Vec<Line>,
    broken: Vec<Broken>,
    finished: BTreeMap<Arc<str>, BTreeSet<EventKey>>,
    checked: BTreeMap<(Arc<str>, TopicPartition), i64>,
    reacts: BTreeMap<Arc<str>, BTreeSet<&'static str>>,
    stores: BTreeMap<Arc<str>, Arc<dyn Store>>,
    stored: u64,
}

/// One line of a story.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    at: Duration,
    who: String,
    what: String,
    flow: Option<FlowId>,
}

impl Line {
    /// The line as people read it.
    pub(crate) fn text(&self) -> String {
        let (seconds, micros) = (self.at.as_secs(), self.at.subsec_micros());
        format!("{seconds:>4}.{micros:06} s  {:<13} {}", self.who, self.what)
    }

    /// The flow that it is about.
    pub(crate) fn flow(&self) -> Option<&FlowId> {
        self.flow.as_ref()
    }
}

impl Chronicle {
    /// An empty one. `tells`: whether there is somebody who wants to be told.
    pub(crate) fn new(tells: bool) -> Arc<Self> {
        Arc::new(Self {
            tells,
            told: Mutex::default(),
            watch: Watch::default(),
        })
    }

    /// What services promise: which types each reacts to.
    pub(crate) fn promise(&self, contracts: &[Contract]) {
        let reacts = contracts.iter().map(|contract| {
            let types = contract.reactions.iter();
            let types = types.map(|reaction| reaction.event.name).collect();
            (Arc::from(contract.service.as_str()), types)
        });
        self.told().reacts = reacts.collect();
    }

    /// Writes a line of the story: who, and what.
    pub(crate) fn tell(&self, at: Duration, line: impl FnOnce() -> (String, String)) {
        if self.tells {
            let (who, what) = line();
            self.write(Line {
                at,
                who,
                what,
                flow: None,
            });
        }
    }

    fn write(&self, line: Line) {
        let mut told = self.told();
        if told.lines.len() < LINES_MAX {
            told.lines.push(line);
        }
    }

    /// Notes that something does not hold. The first time counts.
    pub(crate) fn broken(&self, broken: Broken) {
        let mut told = self.told();
        if told.broken.iter().all(|other| other.what != broken.what) {
            told.broken.push(broken);
        }
    }

    /// What does not hold.
    pub(crate) fn take_broken(&self) -> Vec<Broken> {
        std::mem::take(&mut self.told().broken)
    }

    /// The story so far.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.told().lines.clone()
    }

    /// Notes a store in which somebody keeps something.
    pub(crate) fn keeps(&self, service: &str, store: Arc<dyn Store>) {
        self.told().stores.insert(service.into(), store);
    }

    /// All stores, by service.
    pub(crate) fn stores(&self) -> BTreeMap<Arc<str>, Arc<dyn Store>> {
        self.told().stores.clone()
    }

    /// Forgets the stores, so that nothing holds anything in a circle.
    pub(crate) fn close(&self) {
        let stores = std::mem::take(&mut self.told().stores);
        drop(stores);
    }

    /// Notes a record that the broker has stored.
    pub(crate) fn stored(&self, at: Duration, who: &str, record: Outgoing, place: Position) {
        let partition = TopicPartition::new(record.topic, place.partition);
        let record = Incoming {
            partition: partition.clone(),
            offset: place.offset,
            timestamp_ms: record.timestamp_ms.unwrap_or(0),
            key: record.key,
            value: record.value,
            headers: record.headers,
        };
        let line = match is_receipt(&record) {
            true => self.receipt(at, &record),
            false => self.tells.then(|| event(at, who, &record)).flatten(),
        };
        let mut told = self.told();
        told.stored += 1;
        told.logs.entry(partition).or_default().push(record);
        drop(told);
        if let Some(line) = line {
            self.write(line);
        }
    }

    fn receipt(&self, at: Duration, record: &Incoming) -> Option<Line> {
        let receipt = Receipt::decode(record.value.clone()?).ok()?;
        if receipt.outcome() != Outcome::Retry {
            let key = EventKey {
                source: Source::new(receipt.event_source.clone()),
                id: EventId::new(receipt.event_id.clone()),
            };
            let mut told = self.told();
            let service = receipt.service.as_str().into();
            told.finished.entry(service).or_default().insert(key);
        }
        self.tells.then(|| receipt_line(at, &receipt))
    }

    /// How many records were stored.
    pub(crate) fn count(&self) -> u64 {
        self.told().stored
    }

    /// All records, by partition and in its order.
    pub(crate) fn records(&self) -> Vec<Incoming> {
        self.told().logs.values().flatten().cloned().collect()
    }

    /// Holds committed offsets against what is finished.
    pub(crate) async fn committed(
        &self,
        service: &Arc<str>,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) {
        for (partition, offset) in offsets {
            let (open, store) = self.unfinished(service, partition, *offset);
            for (record, key, envelope) in open {
                let seen = match &store {
                    Some(store) => store.seen(&key).await.unwrap_or(true),
                    None => false,
                };
                if !seen {
                    let why = format!(
                        "{service} has committed {partition} up to {offset}, and has not finished \
                         {} of `{}` at {}",
                        short(&envelope.kind),
                        envelope.subject.as_deref().unwrap_or_default(),
                        record.offset
                    );
                    self.broken(Broken::new("low water", why).of(envelope.flow));
                }
            }
        }
    }

    /// The events below an offset that are not finished as receipts say.
    fn unfinished(
        &self,
        service: &Arc<str>,
        partition: &TopicPartition,
        offset: i64,
    ) -> (Vec<Open>, Option<Arc<dyn Store>>) {
        let mut told = self.told();
        let place = (Arc::clone(service), partition.clone());
        let checked = told.checked.entry(place).or_insert(0);
        let from = usize::try_from(*checked).unwrap_or(0);
        *checked = offset.max(*checked);
        let to = usize::try_from(offset).unwrap_or(0);
        let log = told.logs.get(partition).map_or(&[][..], Vec::as_slice);
        let below = log.get(from..to.min(log.len())).unwrap_or_default();
        let reacts = told.reacts.get(service);
        let finished = told.finished.get(service);
        let open = below.iter().filter_map(|record| {
            let envelope = envelope(record)?;
            let key = EventKey {
                source: envelope.source.clone(),
                id: envelope.id.clone(),
            };
            let reacts = reacts.is_some_and(|types| types.contains(&*envelope.kind));
            let is_open = reacts && !finished.is_some_and(|finished| finished.contains(&key));
            is_open.then(|| (record.clone(), key, envelope))
        });
        (open.collect(), told.stores.get(service).cloned())
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event that may be unfinished: its record, what it is called, its envelope.
type Open = (Incoming, EventKey, Envelope);

/// The envelope of a record, where it has one.
pub(crate) fn envelope(record: &Incoming) -> Option<Envelope> {
    let place = Place {
        cluster: "simulated",
        single_type: None,
    };
    read(record, place).ok().map(|read| read.envelope)
}

/// The receipt that a record is.
pub(crate) fn receipt_of(record: &Incoming) -> Option<Receipt> {
    let place = Place {
        cluster: "simulated",
        single_type: None,
    };
    match read(record, place).ok()?.payload {
        Payload::Protobuf(bytes) => Receipt::decode(bytes).ok(),
        Payload::Json(_) => None,
    }
}

fn is_receipt(record: &Incoming) -> bool {
    record.partition.topic.as_str() == Receipt::SCHEMA.topic.name
}

fn event(at: Duration, who: &str, record: &Incoming) -> Option<Line> {
    let topic = record.partition.topic.as_str();
    if topic.starts_with("quadrille.") {
        return None;
    }
    let parked = reason(&record.headers);
    let envelope = envelope(record)?;
    let (kind, key) = (short(&envelope.kind), envelope.subject.unwrap_or_default());
    let place = format!("{}@{}", record.partition, record.offset);
    let what = match parked {
        Some(code) => format!("parks {kind} of `{key}` ({code}) at {place}"),
        None => format!("publishes {kind} of `{key}` at {place}"),
    };
    Some(Line {
        at,
        who: who.to_owned(),
        what,
        flow: Some(envelope.flow),
    })
}

/// Why a record was parked.
fn reason(headers: &Headers) -> Option<String> {
    let code = headers.get("quadrille-parked-code")?;
    Some(String::from_utf8_lossy(code).into_owned())
}

fn receipt_line(at: Duration, receipt: &Receipt) -> Line {
    let kind = short(&receipt.event_type);
    let place = format!("{}-{}@{}", receipt.topic, receipt.partition, receipt.offset);
    let emitted: Vec<_> = receipt.emitted.iter().map(|e| short(&e.r#type)).collect();
    let what = match receipt.outcome() {
        Outcome::Done if emitted.is_empty() => "has handled".to_owned(),
        Outcome::Done => format!("has emitted {} for", emitted.join(" and ")),
        Outcome::Retry => format!("tries again ({})", receipt.error_code),
        Outcome::Parked => format!("has parked ({})", receipt.error_code),
        Outcome::Duplicate => "has seen before".to_owned(),
        Outcome::Unspecified => "says nothing of".to_owned(),
    };
    Line {
        at,
        who: receipt.service.clone(),
        what: format!("{what} {kind} at {place}, attempt {}", receipt.attempt),
        flow: Some(FlowId::new(receipt.flow_id.clone())),
    }
}
