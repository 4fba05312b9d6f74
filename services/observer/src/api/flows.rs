//! Flows, as a list and one by one.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use quadrille::broker::{TopicName, TopicPartition};
use quadrille::id::FlowId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::error::{Body, Error};
use crate::flow::status::{Wait, Word};
use crate::flow::view::{Event, Summary, View, page};
use crate::flow::wanted;
use crate::index::{self, Found, Index, Row, Wanted};
use crate::live::{Broker, IndexState, Snapshot};
use crate::record::{self, Record, fetch_many};
use crate::why;

/// Flows in a list where the asker names no limit.
const LIMIT: usize = 100;
/// Most flows in one list.
const LIMIT_MAX: usize = 500;
/// Events of a flow in one answer where the asker names no limit.
const EVENTS: usize = 500;
/// Most events of a flow in one answer.
const EVENTS_MAX: usize = 10_000;
/// Most events of which the payloads are read for one answer.
const DATA_MAX: usize = 200;
/// Longest text to look for.
const TEXT_BYTES_MAX: usize = quadrille::publish::KEY_BYTES_MAX;

/// Which flows to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// How they stand: `parked`, `blocked` and so on, with commas between.
    #[param(value_type = Option<Vec<Word>>, style = Form, explode = false)]
    status: Option<String>,
    /// Full name of the type of their first event.
    r#type: Option<String>,
    /// The service that they wait for, or that failed.
    service: Option<String>,
    /// Earliest time of what happened last, as in RFC 3339.
    #[param(format = DateTime)]
    since: Option<String>,
    /// Latest time of what happened last.
    #[param(format = DateTime)]
    until: Option<String>,
    /// What the flow id or a business key begins with.
    #[param(max_length = 1024)]
    q: Option<String>,
    /// How many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: Option<String>,
    /// Goes on after another answer's `next`.
    after: Option<String>,
}

/// Flows in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct Page {
    /// The flows, those first that changed last.
    pub(super) flows: Vec<Summary>,
    /// Where the next page begins. Not there: this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    /// All flows that are kept, by status.
    pub(super) counts: BTreeMap<String, u64>,
    /// Types of the first events of flows.
    pub(super) types: Vec<String>,
    /// How fresh this is.
    pub(super) index: IndexState,
}

/// A flow, and what else is asked with it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct Told {
    /// The flow. Its events stand in the order of the tree of causes.
    #[serde(flatten)]
    pub(super) view: View,
    /// Where its next events begin. Not there: these are the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    /// Other flows of the same business key.
    pub(super) others: Vec<Summary>,
    /// How fresh this is.
    pub(super) index: IndexState,
}

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct Finding {
    /// What the text turned out to be: `flow`, `key`, `event`, `record`, `trace`, or `none`.
    pub(super) kind: String,
    /// The flows.
    pub(super) flows: Vec<Summary>,
    /// Id of the event that was meant, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<String>,
    /// What the text was taken for, in this order.
    pub(super) tried: Vec<Found>,
}

/// Flows, those first that changed last.
#[utoipa::path(
    get,
    path = "/api/flows",
    params(Asked),
    responses((status = 200, description = "The answer", body = Page), (status = 400, description = "A parameter cannot be used", body = Body))
)]
pub(super) async fn list(
    State(shared): State<Shared>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page>, Error> {
    let Query(asked) = asked?;
    let (observer, snapshot) = (&shared.observer, shared.observer.snapshot());
    let wanted = asked.wanted(&snapshot)?;
    let mut rows = observer.index.list(&wanted).await?;
    // One more than was asked for tells whether there is a next page.
    let has_more = rows.len() == wanted.limit;
    rows.truncate(wanted.limit - 1);
    let flows: Vec<_> = rows
        .into_iter()
        .map(|row| why::told(row, &snapshot))
        .collect();
    let next = flows.last().filter(|_| has_more);
    Ok(Json(Page {
        next: next.map(|flow| flow.change.to_string()),
        counts: super::counts(&snapshot, &observer.index.counts()),
        types: observer.index.types().await?,
        index: snapshot.index.clone(),
        flows,
    }))
}

impl Asked {
    fn wanted(self, snapshot: &Snapshot) -> Result<Wanted, Error> {
        let time = |name: &str, text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => text
                .parse::<Timestamp>()
                .map(|time| Some(time.as_millisecond()))
                .map_err(|error| {
                    let mend = "write it as 2026-01-31T12:00:00Z";
                    Error::bad(format!("`{name}` is `{text}`: {error}"), mend)
                }),
        };
        let (since, until) = (time("since", &self.since)?, time("until", &self.until)?);
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            let mend = "give a time before `until` as `since`";
            return Err(Error::bad("`since` is later than `until`", mend));
        }
        let text = self.q.filter(|text| !text.is_empty());
        check_text(text.as_deref().unwrap_or_default())?;
        Ok(Wanted {
            words: words(self.status.as_deref().unwrap_or_default())?,
            down: snapshot.down(),
            is_behind: snapshot.index.is_behind(),
            kind: self.r#type.filter(|kind| !kind.is_empty()),
            service: self.service.filter(|service| !service.is_empty()),
            last_ms: (since, until),
            text,
            change: (number("after", self.after.as_deref(), 0, u64::MAX)?, None),
            limit: limit(self.limit.as_deref(), LIMIT, LIMIT_MAX)? + 1,
        })
    }
}

fn words(text: &str) -> Result<Vec<Word>, Error> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let word = |name: &str| {
        let found = Word::ALL.into_iter().find(|word| word.as_str() == name);
        found.ok_or_else(|| {
            let words: Vec<_> = Word::ALL.iter().map(|word| word.as_str()).collect();
            let mend = format!("give some of {}", words.join(", "));
            Error::bad(format!("`status` is `{name}`"), mend)
        })
    };
    names.map(word).collect()
}

pub(super) fn check_text(text: &str) -> Result<(), Error> {
    match text.len() <= TEXT_BYTES_MAX {
        true => Ok(()),
        false => Err(Error::bad(
            format!("the text to look for has {} bytes", text.len()),
            format!("give at most {TEXT_BYTES_MAX}"),
        )),
    }
}

fn limit(text: Option<&str>, default: usize, max: usize) -> Result<usize, Error> {
    let number = number("limit", text, 1, max as u64)?;
    Ok(number.map_or(default, |number| usize::try_from(number).unwrap_or(max)))
}

fn number(name: &str, text: Option<&str>, min: u64, max: u64) -> Result<Option<u64>, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let number = text
        .parse()
        .ok()
        .filter(|number| (min..=max).contains(number));
    number.map(Some).ok_or_else(|| {
        let mend = match max {
            u64::MAX => "give what an answer said, or leave it out".to_owned(),
            _ => format!("give a number from {min} to {max}"),
        };
        Error::bad(format!("`{name}` is `{text}`"), mend)
    })
}

/// How much of a flow to tell.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AskedOne {
    /// How many events; with payloads at most 200, which are what is told then if not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 10_000, default = 500)]
    limit: Option<String>,
    /// Goes on after another answer's `next`.
    after: Option<String>,
    /// With payloads, of at most 200 events.
    #[param(default = false)]
    data: Option<bool>,
}

/// One flow, by flow id or business key.
#[utoipa::path(
    get,
    path = "/api/flows/{id}",
    operation_id = "flow",
    params(("id" = String, Path, description = "A flow id or a business key"), AskedOne),
    responses((status = 200, description = "The answer", body = Told), (status = 400, description = "A parameter cannot be used", body = Body), (status = 404, description = "There is no such thing here", body = Body))
)]
pub(super) async fn one(
    State(shared): State<Shared>,
    wanted: Result<Path<String>, PathRejection>,
    asked: Result<Query<AskedOne>, QueryRejection>,
) -> Result<Json<Told>, Error> {
    let (Path(wanted), Query(asked)) = (wanted?, asked?);
    check_text(&wanted)?;
    let (with_data, max) = match asked.data {
        Some(true) => (true, DATA_MAX),
        _ => (false, EVENTS_MAX),
    };
    let limit = limit(asked.limit.as_deref(), EVENTS.min(max), max)?;
    let after = number("after", asked.after.as_deref(), 0, u64::MAX)?.unwrap_or(0);
    let (observer, snapshot) = (&shared.observer, shared.observer.snapshot());
    let mut rows = meant(&observer.index, &wanted).await?.into_iter();
    let first = rows.next().ok_or_else(|| unknown(&wanted, &snapshot))?;
    let id = FlowId::new(first.summary.id.as_str());
    let found = observer.index.flow(&id).await?;
    // It may have made room for another in this very moment.
    let (flow, row) = found.ok_or_else(|| unknown(&wanted, &snapshot))?;
    let total = flow.nodes().len();
    let from = usize::try_from(after).unwrap_or(usize::MAX).min(total);
    let summary = why::told(row, &snapshot);
    let mut view = page(
        &flow,
        &observer.index.expected(),
        summary,
        from..from + limit,
    );
    for event in &mut view.events {
        explain(event, &snapshot);
    }
    if with_data {
        add_data(&shared, &mut view.events).await;
    }
    let end = from + view.events.len();
    let others: Vec<_> = rows.map(|row| why::told(row, &snapshot)).collect();
    Ok(Json(Told {
        view,
        next: (end < total).then(|| end.to_string()),
        others,
        index: snapshot.index.clone(),
    }))
}

/// The flows that a name may mean, the one that it means first.
pub(super) async fn meant(index: &Index, wanted: &str) -> Result<Vec<Row>, index::Error> {
    let mut rows = index.find(wanted, Found::Flow).await?;
    for row in index.find(wanted, Found::Key).await? {
        if rows.iter().all(|known| known.summary.id != row.summary.id) {
            rows.push(row);
        }
    }
    rows.sort_by_key(|row| {
        let id = FlowId::new(row.summary.id.as_str());
        let rank = wanted::rank(&id, wanted);
        (rank, std::cmp::Reverse(row.summary.started_at))
    });
    Ok(rows)
}

pub(super) fn unknown(wanted: &str, snapshot: &Snapshot) -> Error {
    let mend = match snapshot.index.is_behind() {
        _ if snapshot.index.broker == Broker::Waiting => {
            "the broker has not answered yet: ask again when it has, /api/status tells"
        }
        true => "topics are not read to their ends yet: ask again in a moment",
        false => "see /api/flows for those that are; a flow shows a moment after its first event",
    };
    Error::new(
        StatusCode::NOT_FOUND,
        format!("no flow with the id or business key `{wanted}` is known here"),
        mend,
    )
}

/// Says of each reaction that is not done why it is not.
fn explain(event: &mut Event, snapshot: &Snapshot) {
    for reaction in &mut event.reactions {
        let last = reaction
            .attempts
            .iter()
            .rfind(|attempt| attempt.outcome != "duplicate");
        let wait = Wait {
            service: reaction.service.clone(),
            kind: event.kind.clone(),
            at: crate::seen::At {
                topic: event.topic.clone(),
                partition: event.partition,
                offset: event.offset,
            },
            since: event.time,
            attempts: last.map_or(0, |attempt| attempt.attempt),
            code: last.map_or_else(String::new, |attempt| attempt.error_code.clone()),
            next_attempt_at: last.and_then(|attempt| attempt.next_attempt_at),
        };
        reaction.why = why::of_reaction(reaction, &wait, snapshot);
    }
}

async fn add_data(shared: &Shared, events: &mut [Event]) {
    let place = |event: &Event| {
        let topic = TopicName::parse(&event.topic).ok().filter(|_| event.read)?;
        Some((TopicPartition::new(topic, event.partition), event.offset))
    };
    let mut wanted = record::Wanted::new();
    for (at, offset) in events.iter().filter_map(place) {
        wanted.entry(at).or_default().insert(offset);
    }
    let observer = &shared.observer;
    let found = fetch_many(&observer.topics(), wanted).await;
    let cluster = observer.cluster();
    for event in events {
        match place(event).and_then(|place| found.get(&place)) {
            Some(Ok(record)) => {
                let record = Record::of(record, &cluster);
                (event.data, event.data_error) = (record.data, record.data_error);
            }
            Some(Err(why)) => event.data_error = Some(why.clone()),
            None => {}
        }
    }
}

/// What to look for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AskedText {
    /// A flow id, a business key, an event id, `topic/partition/offset`, or a trace id.
    #[param(max_length = 1024)]
    q: String,
}

/// Flows by whatever somebody has in hand.
#[utoipa::path(
    get,
    path = "/api/find",
    params(AskedText),
    responses((status = 200, description = "The answer", body = Finding), (status = 400, description = "A parameter cannot be used", body = Body))
)]
pub(super) async fn find(
    State(shared): State<Shared>,
    asked: Result<Query<AskedText>, QueryRejection>,
) -> Result<Json<Finding>, Error> {
    let Query(AskedText { q }) = asked?;
    let text = q.trim();
    check_text(text)?;
    let snapshot = shared.observer.snapshot();
    let mut finding = Finding {
        kind: "none".to_owned(),
        flows: Vec::new(),
        event: None,
        tried: Vec::new(),
    };
    for by in Found::ALL {
        finding.tried.push(by);
        let rows = match by {
            Found::Key => meant(&shared.observer.index, text).await?,
            by => shared.observer.index.find(text, by).await?,
        };
        if rows.is_empty() {
            continue;
        }
        let word = serde_json::to_value(by).expect("a word is JSON");
        finding.kind = word.as_str().unwrap_or_default().to_owned();
        finding.event = event_of(&shared, text, by, &rows).await?;
        finding.flows = rows
            .into_iter()
            .map(|row| why::told(row, &snapshot))
            .collect();
        break;
    }
    Ok(Json(finding))
}

/// The event that was meant.
async fn event_of(
    shared: &Shared,
    text: &str,
    by: Found,
    rows: &[Row],
) -> Result<Option<String>, Error> {
    match (by, crate::index::place(text), rows.first()) {
        (Found::Event, ..) => Ok(Some(text.to_owned())),
        (Found::Record, Some((topic, partition, offset)), Some(row)) => {
            let id = FlowId::new(row.summary.id.as_str());
            let Some((flow, _)) = shared.observer.index.flow(&id).await? else {
                return Ok(None);
            };
            let mut nodes = flow.nodes().iter();
            let found = nodes.find(|(_, node)| {
                node.places
                    .iter()
                    .any(|at| at.topic == topic && at.partition == partition && at.offset == offset)
            });
            Ok(found.map(|(name, _)| name.id.to_string()))
        }
        _ => Ok(None),
    }
}
