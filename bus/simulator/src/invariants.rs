//! What must hold at the end of every run, of any services.
//!
//! Each looks at topics, receipts and stores, never at what the bus says of itself. The low-water
//! rule is watched while a run goes on, see `chronicle.rs`; that everything is handled in the end,
//! that nobody panics and that every service stops is seen by the run itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quadrille::event::Kind;
use quadrille::id::{EventId, FlowId};
use quadrille::wire::Outcome;

use crate::end::{Broken, End, Name, Placed, Told, short};

/// Why something does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    why: String,
    flow: Option<FlowId>,
}

impl Breach {
    /// It shows in this flow.
    #[must_use]
    pub fn in_flow(mut self, flow: FlowId) -> Self {
        self.flow = Some(flow);
        self
    }
}

impl<T: Into<String>> From<T> for Breach {
    fn from(why: T) -> Self {
        Self {
            why: why.into(),
            flow: None,
        }
    }
}

/// What must hold.
#[derive(Clone)]
pub struct Invariant {
    name: String,
    holds: Holds,
}

type Holds = Arc<dyn Fn(&End) -> Result<(), Breach> + Send + Sync>;

impl Invariant {
    /// Under a name: what must hold.
    pub fn new(
        name: impl Into<String>,
        holds: impl Fn(&End) -> Result<(), Breach> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            holds: Arc::new(holds),
        }
    }

    /// Two totals for each thing, which must be equal: money, stock.
    pub fn adds_up(
        name: impl Into<String>,
        totals: impl Fn(&End) -> Vec<Total> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, move |end| {
            let wrong = totals(end).into_iter().find(|t| t.wanted != t.found);
            match wrong {
                None => Ok(()),
                Some(Total {
                    what,
                    wanted,
                    found,
                }) => Err(format!("{what}: {wanted} wanted, {found} found").into()),
            }
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Holds it against what stands there. `Some`: it does not hold.
    pub fn check(&self, end: &End) -> Option<Broken> {
        let breach = (self.holds)(end).err()?;
        Some(Broken {
            flow: breach.flow,
            ..Broken::new(&*self.name, breach.why)
        })
    }
}

/// Something that is counted in two places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// What.
    pub what: String,
    /// How much there must be.
    pub wanted: i128,
    /// How much there is.
    pub found: i128,
}

/// Those that hold for any services.
pub fn all() -> Vec<Invariant> {
    vec![
        Invariant::new("nothing lost", nothing_lost),
        Invariant::new("no effect twice", no_effect_twice),
        Invariant::new("a repetition repeats", a_repetition_repeats),
        Invariant::new("order per key", order_per_key),
        Invariant::new("order of what is emitted", order_of_what_is_emitted),
        Invariant::new("one outcome per flow", one_outcome_per_flow),
        Invariant::new("causes and flows", causes_and_flows),
        Invariant::new("parked is kept", parked_is_kept),
        Invariant::new("nothing parked", nothing_parked),
    ]
}

/// Whoever reacts to an event has a receipt for it, and what a receipt names stands on a topic.
fn nothing_lost(end: &End) -> Result<(), Breach> {
    let ended = ended(end);
    for contract in &end.contracts {
        let reacts: BTreeSet<&str> = contract.reactions.iter().map(|r| r.event.name).collect();
        for placed in end.distinct() {
            let kind = &*placed.envelope.kind;
            let known = (contract.service.as_str(), placed.name());
            if reacts.contains(kind) && !ended.contains(&known) {
                let (called, service) = (placed.called(), &contract.service);
                let why = format!("{called} has no receipt of {service}");
                return Err(Breach::from(why).in_flow(placed.envelope.flow.clone()));
            }
        }
    }
    let there: BTreeSet<&str> = end.events.iter().map(|p| p.envelope.id.as_str()).collect();
    for told in &end.receipts {
        for emitted in &told.receipt.emitted {
            if !there.contains(emitted.id.as_str()) {
                let (kind, service) = (short(&emitted.r#type), &told.receipt.service);
                let why = format!("{service} has emitted a {kind} that is on no topic");
                return Err(Breach::from(why).in_flow(flow_of(told)));
            }
        }
    }
    // What was emitted, but for nobody's account, would be an event without a cause.
    let accounted: BTreeSet<&str> = end
        .receipts
        .iter()
        .flat_map(|told| {
            told.receipt
                .emitted
                .iter()
                .map(|emitted| emitted.id.as_str())
        })
        .collect();
    for placed in &end.events {
        let id = placed.envelope.id.as_str();
        if placed.envelope.cause.is_some() && !accounted.contains(id) {
            let why = format!("no receipt names {}", placed.called());
            return Err(Breach::from(why).in_flow(placed.envelope.flow.clone()));
        }
    }
    Ok(())
}

/// A service handles an event to its end once. Without state it may again, to the same effect.
fn no_effect_twice(end: &End) -> Result<(), Breach> {
    let mut done: BTreeMap<(&str, Name), &Told> = BTreeMap::new();
    for told in &end.receipts {
        if !matches!(told.receipt.outcome(), Outcome::Done | Outcome::Parked) {
            continue;
        }
        let service = told.receipt.service.as_str();
        let Some(first) = done.insert((service, told.event()), told) else {
            continue;
        };
        let same = match end.keeps_state(service) {
            // Published twice, it is the same to the letter.
            true => first.record.value == told.record.value,
            false => first.receipt.emitted == told.receipt.emitted,
        };
        if !same {
            let (kind, reaction) = (short(&told.receipt.event_type), &told.receipt.reaction);
            let why = format!("{service} has handled a {kind} twice, by {reaction}");
            return Err(Breach::from(why).in_flow(flow_of(told)));
        }
    }
    Ok(())
}

/// Two records of one source and id have the same key and payload, and stand in one partition.
fn a_repetition_repeats(end: &End) -> Result<(), Breach> {
    let mut first: BTreeMap<Name, &Placed> = BTreeMap::new();
    for placed in &end.events {
        let Some(before) = first.insert(placed.name(), placed) else {
            continue;
        };
        let (one, two) = (&before.record, &placed.record);
        if (&one.key, &one.value, &one.partition) != (&two.key, &two.value, &two.partition) {
            let why = format!("{} stands there twice, and differs", placed.called());
            return Err(Breach::from(why).in_flow(placed.envelope.flow.clone()));
        }
    }
    Ok(())
}

/// A service ends the events of a key in the order in which they stand in their partition.
fn order_per_key(end: &End) -> Result<(), Breach> {
    let keys = first_places(end);
    // Receipts of one flow stand in one partition, in the order in which decisions were made.
    let mut last: BTreeMap<(&str, &str, i32, &[u8]), i64> = BTreeMap::new();
    for told in first_ends(end) {
        let Some(placed) = keys.get(&told.event()) else {
            continue;
        };
        let (receipt, at) = (&told.receipt, &placed.record);
        let lane = (
            receipt.service.as_str(),
            at.partition.topic.as_str(),
            told.record.partition.partition,
            at.key.as_deref().unwrap_or_default(),
        );
        if let Some(before) = last.insert(lane, at.offset)
            && before > at.offset
        {
            let (service, called) = (&receipt.service, placed.called());
            let why = format!(
                "{service} has handled {called} at {} after {before}",
                at.offset
            );
            return Err(Breach::from(why).in_flow(flow_of(told)));
        }
    }
    Ok(())
}

/// What a service emits for a key stands in its partition in the order of its decisions.
fn order_of_what_is_emitted(end: &End) -> Result<(), Breach> {
    let first = first_places(end);
    let by_id: BTreeMap<&str, &Placed> = first
        .values()
        .map(|placed| (placed.envelope.id.as_str(), *placed))
        .collect();
    let mut last: BTreeMap<(&str, i32, &str, &[u8]), i64> = BTreeMap::new();
    for told in first_ends(end) {
        for emitted in &told.receipt.emitted {
            let Some(placed) = by_id.get(emitted.id.as_str()) else {
                continue;
            };
            let at = &placed.record;
            let lane = (
                told.receipt.service.as_str(),
                told.record.partition.partition,
                at.partition.topic.as_str(),
                at.key.as_deref().unwrap_or_default(),
            );
            if let Some(before) = last.insert(lane, at.offset)
                && before > at.offset
            {
                let (service, called) = (&told.receipt.service, placed.called());
                let why = format!("{service} has decided on {called} later than it stands there");
                return Err(Breach::from(why).in_flow(flow_of(told)));
            }
        }
    }
    Ok(())
}

/// A flow that can end does so, and once.
fn one_outcome_per_flow(end: &End) -> Result<(), Breach> {
    let (outcomes, leading) = (outcomes(end), leading_to_an_outcome(end));
    // One that was put aside waits for a person, and its flow with it.
    let parked: BTreeSet<&FlowId> = end.parked.iter().map(|p| &p.envelope.flow).collect();
    let mut flows: BTreeMap<&FlowId, (bool, BTreeSet<Name>)> = BTreeMap::new();
    for placed in &end.events {
        let envelope = &placed.envelope;
        let (owes, ends) = flows.entry(&envelope.flow).or_default();
        *owes |= envelope.cause.is_none() && leading.contains(&*envelope.kind);
        if outcomes.contains(&*envelope.kind) {
            ends.insert(placed.name());
        }
    }
    for (flow, (owes, ends)) in flows {
        let wrong = match ends.len() {
            0 if owes && !parked.contains(flow) => "has no outcome",
            0 | 1 => continue,
            _ => "has more than one outcome",
        };
        let mut events = end.events.iter();
        let first = events.find(|placed| placed.envelope.flow == *flow);
        let called = first.map(Placed::called).unwrap_or_default();
        let why = format!("the flow with {called} {wrong}");
        return Err(Breach::from(why).in_flow(flow.clone()));
    }
    Ok(())
}

/// What caused an event stands on a topic, and the event is one reaction deeper in the same flow,
/// unless it began a new one. What a receipt names says what it was emitted for.
fn causes_and_flows(end: &End) -> Result<(), Breach> {
    // A cause is named by its id alone, which somebody else may have given too.
    let mut by_id: BTreeMap<&str, Vec<&Placed>> = BTreeMap::new();
    for placed in &end.events {
        let id = placed.envelope.id.as_str();
        by_id.entry(id).or_default().push(placed);
    }
    for told in &end.receipts {
        for emitted in &told.receipt.emitted {
            let named = by_id
                .get(emitted.id.as_str())
                .map_or(&[][..], Vec::as_slice);
            let cause = EventId::new(told.receipt.event_id.as_str());
            let is_other = |placed: &&&Placed| placed.envelope.cause.as_ref() != Some(&cause);
            if let Some(placed) = named.iter().find(is_other) {
                let why = format!("{} does not name what it was emitted for", placed.called());
                return Err(Breach::from(why).in_flow(flow_of(told)));
            }
        }
    }
    for placed in &end.events {
        let envelope = &placed.envelope;
        let Some(cause) = &envelope.cause else {
            continue;
        };
        let begins = envelope.flow == FlowId::of_event(&envelope.source, &envelope.id);
        let causes = by_id.get(cause.as_str()).map_or(&[][..], Vec::as_slice);
        let is_in_flow = |cause: &&Placed| cause.envelope.flow == envelope.flow;
        let is_one_before = |cause: &Placed| cause.envelope.hops + 1 == envelope.hops;
        let in_flow: Vec<_> = causes.iter().filter(|cause| is_in_flow(cause)).collect();
        let why = match in_flow.is_empty() {
            _ if causes.is_empty() => "has a cause that is on no topic",
            _ if begins => continue,
            true => "is not in its cause's flow",
            false if in_flow.iter().any(|cause| is_one_before(cause)) => continue,
            false => "counts its hops wrongly",
        };
        let why = format!("{} {why}", placed.called());
        return Err(Breach::from(why).in_flow(envelope.flow.clone()));
    }
    Ok(())
}

/// What a receipt calls parked stands on the topic of its service for parked events, as it was.
fn parked_is_kept(end: &End) -> Result<(), Breach> {
    for told in &end.receipts {
        let receipt = &told.receipt;
        if receipt.outcome() != Outcome::Parked {
            continue;
        }
        let topic = format!("parked.{}.{}", receipt.service, receipt.topic);
        let place = |placed: &&Placed| {
            let at = &placed.record.partition;
            at.topic.as_str() == topic && at.partition == receipt.partition
        };
        let original = end.events.iter().find(|placed| {
            let at = &placed.record;
            (
                at.partition.topic.as_str(),
                at.partition.partition,
                at.offset,
            ) == (receipt.topic.as_str(), receipt.partition, receipt.offset)
        });
        let mut there = end.parked.iter().filter(place);
        let kept =
            there.any(|placed| original.is_some_and(|o| o.record.value == placed.record.value));
        if !kept {
            let kind = short(&receipt.event_type);
            let why = format!("a {kind} was parked, and is not on {topic}");
            return Err(Breach::from(why).in_flow(flow_of(told)));
        }
    }
    Ok(())
}

/// Nothing had to be put aside. Leave this out where something may be.
fn nothing_parked(end: &End) -> Result<(), Breach> {
    let Some(parked) = end.parked.first() else {
        return Ok(());
    };
    let why = parked.how_parked();
    Err(Breach::from(why).in_flow(parked.envelope.flow.clone()))
}

/// Types that end a flow.
fn outcomes(end: &End) -> BTreeSet<&'static str> {
    let types = end.contracts.iter().flat_map(|contract| {
        let emitted = contract.reactions.iter().flat_map(|r| &r.emits);
        emitted.chain(&contract.originates)
    });
    types
        .filter(|event| event.kind == Kind::Outcome)
        .map(|event| event.name)
        .collect()
}

/// Types after which an outcome can come.
fn leading_to_an_outcome(end: &End) -> BTreeSet<&'static str> {
    let mut leading = outcomes(end);
    loop {
        let reactions = end
            .contracts
            .iter()
            .flat_map(|contract| &contract.reactions);
        let more: Vec<_> = reactions
            .filter(|r| !leading.contains(r.event.name))
            .filter(|r| r.emits.iter().any(|event| leading.contains(event.name)))
            .map(|r| r.event.name)
            .collect();
        if more.is_empty() {
            return leading;
        }
        leading.extend(more);
    }
}

/// Which services have ended which events.
fn ended(end: &End) -> BTreeSet<(&str, Name)> {
    let ends = end.receipts.iter().filter(|told| is_end(told));
    ends.map(|told| (told.receipt.service.as_str(), told.event()))
        .collect()
}

/// That an event was handled before is no end: there is a receipt of when it was.
fn is_end(told: &Told) -> bool {
    let outcome = told.receipt.outcome();
    matches!(outcome, Outcome::Done | Outcome::Parked)
}

/// The first receipts by which services say that they have done with an event, in order.
fn first_ends(end: &End) -> Vec<&Told> {
    let mut known = BTreeSet::new();
    let done = end.receipts.iter().filter(|told| is_end(told));
    done.filter(|told| known.insert((told.receipt.service.as_str(), told.event())))
        .collect()
}

/// Where each event stands first.
fn first_places(end: &End) -> BTreeMap<Name, &Placed> {
    let distinct = end.distinct().into_iter();
    distinct.map(|placed| (placed.name(), placed)).collect()
}

fn flow_of(told: &Told) -> FlowId {
    FlowId::new(told.receipt.flow_id.as_str())
}
