//! What stands there at the end of a run, seen from outside: topics, receipts, contracts, stores.
//!
//! Nothing here asks the code that is tested. On a real broker the same is read from its topics.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use quadrille::broker::Incoming;
use quadrille::contract::Contract;
use quadrille::envelope::Envelope;
use quadrille::event::Event;
use quadrille::id::{EventId, FlowId, Source};
use quadrille::state::{Query, Record, Store};
use quadrille::wire::Receipt;

use crate::chronicle::{envelope, receipt_of};

/// Records that are read from a store at once.
const PAGE: usize = 10_000;

/// What stands there at the end of a run.
pub struct End {
    /// All events on topics of services, by partition and in its order. One may stand there twice.
    pub events: Vec<Placed>,
    /// All receipts, by partition and in its order. One may stand there twice.
    pub receipts: Vec<Told>,
    /// What was parked.
    pub parked: Vec<Placed>,
    /// What the services promise.
    pub contracts: Vec<Contract>,
    stores: BTreeMap<Arc<str>, Arc<dyn Store>>,
}

/// An event and where it stands.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The record.
    pub record: Incoming,
    /// Its envelope.
    pub envelope: Envelope,
}

/// A receipt and where it stands.
#[derive(Debug, Clone)]
pub struct Told {
    /// The record.
    pub record: Incoming,
    /// What it says.
    pub receipt: Receipt,
}

/// What an event is called: who published it, and its id.
pub type Name = (Source, EventId);

impl Placed {
    /// What it is called.
    pub fn name(&self) -> Name {
        (self.envelope.source.clone(), self.envelope.id.clone())
    }

    /// The event, where it is of this type.
    pub fn event<E: Event>(&self) -> Option<E> {
        let of_type = *self.envelope.kind == *E::SCHEMA.wire_type();
        E::decode(&**of_type.then_some(self.record.value.as_ref()?)?).ok()
    }

    /// Type and key, for people.
    pub fn called(&self) -> String {
        let key = self.envelope.subject.as_deref().unwrap_or_default();
        format!("{} of `{key}`", short(&self.envelope.kind))
    }

    /// That it was parked, where, and with which code, for people.
    pub fn how_parked(&self) -> String {
        let code = self.record.headers.get("quadrille-parked-code");
        let code = code.map(String::from_utf8_lossy).unwrap_or_default();
        let topic = &self.record.partition.topic;
        format!("{} was parked on {topic} ({code})", self.called())
    }
}

impl Told {
    /// The event that it is about.
    pub fn event(&self) -> Name {
        let Receipt {
            event_source,
            event_id,
            ..
        } = &self.receipt;
        (
            Source::new(event_source.as_str()),
            EventId::new(event_id.as_str()),
        )
    }
}

impl End {
    /// From all records of all topics, each partition in its order.
    pub fn of(
        records: Vec<Incoming>,
        contracts: Vec<Contract>,
        stores: BTreeMap<Arc<str>, Arc<dyn Store>>,
    ) -> Self {
        let mut end = Self {
            events: Vec::new(),
            receipts: Vec::new(),
            parked: Vec::new(),
            contracts,
            stores,
        };
        for record in records {
            let topic = record.partition.topic.as_str();
            if topic == "quadrille.receipts" {
                let receipt = receipt_of(&record);
                let told = receipt.map(|receipt| Told { record, receipt });
                end.receipts.extend(told);
                continue;
            }
            if topic.starts_with("quadrille.") {
                continue;
            }
            let is_parked = topic.starts_with("parked.");
            let Some(envelope) = envelope(&record) else {
                continue;
            };
            let placed = Placed { record, envelope };
            match is_parked {
                true => end.parked.push(placed),
                false => end.events.push(placed),
            }
        }
        end
    }

    /// All events of a type, each once.
    pub fn all<E: Event>(&self) -> Vec<E> {
        let events = self.distinct().into_iter();
        events.filter_map(Placed::event).collect()
    }

    /// All events, each once: where it stands first.
    pub fn distinct(&self) -> Vec<&Placed> {
        let mut known = BTreeSet::new();
        let events = self.events.iter();
        events
            .filter(|placed| known.insert(placed.name()))
            .collect()
    }

    /// What a service remembers of one kind, by key.
    ///
    /// # Panics
    ///
    /// Where a record does not fit its type.
    pub fn records<R: Record>(&self, service: &str) -> BTreeMap<String, R> {
        let Some(store) = self.stores.get(service) else {
            return BTreeMap::new();
        };
        let query = Query {
            kind: R::KIND,
            index: None,
            after: None,
            limit: PAGE,
        };
        let page = store.page(&query).now_or_never();
        let page = page.expect("a simulated store answers at once");
        let page = page.unwrap_or_else(|error| panic!("cannot read what {service} keeps: {error}"));
        page.into_iter()
            .filter_map(|(key, stored)| Some((key, stored.json?)))
            .map(|(key, json)| {
                let record = serde_json::from_str(&json);
                let record = record.unwrap_or_else(|error| panic!("{} `{key}`: {error}", R::KIND));
                (key.to_string(), record)
            })
            .collect()
    }

    /// Whether a service keeps state.
    pub(crate) fn keeps_state(&self, service: &str) -> bool {
        let mut contracts = self.contracts.iter();
        contracts.any(|contract| contract.service == service && contract.keeps_state)
    }
}

/// Something does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The invariant.
    pub what: String,
    /// Why it does not hold.
    pub why: String,
    /// The flow in which that shows, where it is one.
    pub flow: Option<FlowId>,
}

impl Broken {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            flow: None,
        }
    }

    pub(crate) fn of(mut self, flow: FlowId) -> Self {
        self.flow = Some(flow);
        self
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` does not hold: {}", self.what, self.why)
    }
}

/// The part of a type's name behind the last dot.
pub(crate) fn short(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or(kind)
}
