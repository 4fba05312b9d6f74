//! What changes, as server-sent events: one stream for all that a page shows.
//!
//! The id of an event is the position of the index, so that a page that was away is told what it
//! missed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::future::{Either, select};
use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use utoipa::IntoParams;

use super::error::{Body, Error};
use super::flows;
use super::{STREAMS_MAX, Services, Shared};
use crate::index::Found;
use crate::observer::{News, Observer};
use crate::why;

/// Silence after which a stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Time between two words on how fresh the index is, and on services.
const OFTEN: Duration = Duration::from_secs(2);
/// How long a listener waits before it comes again.
const COME_AGAIN: Duration = Duration::from_secs(2);
/// Flows that one stream may be told of one by one.
const FLOWS_MAX: usize = 20;

/// What to tell.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// `flows`, `services` and `flow:ID`, with commas between. An ID is a flow id or a business key.
    #[serde(default)]
    topics: String,
    /// Id of the last event that was heard, for whoever cannot set the header `Last-Event-ID`, which wins:
    /// what was missed since then is told first.
    last_event_id: Option<String>,
}

/// What a stream tells of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Topics {
    flows: bool,
    services: bool,
    /// Flows as they were asked for, with their ids as far as they are known.
    flow: BTreeMap<String, Option<String>>,
}

/// Events of one stream, which wait to be sent.
struct Listener {
    observer: Arc<Observer>,
    topics: Topics,
    news: broadcast::Receiver<Arc<News>>,
    known: Option<u64>,
    told_at: Option<Duration>,
    _seat: OwnedSemaphorePermit,
}

/// What changes, as server-sent events `flows`, `flow`, `services`, `unknown` and `index`.
///
/// `unknown` says at once, with `asked`, `error` and `mend`, that no flow has an id or key yet. The stream goes
/// on: when the flow comes, `flow` tells it.
///
/// The id of each is a position of the index. The stream begins with a `retry` of 2 s; whoever comes back
/// with the last id that it heard is told what it missed.
#[utoipa::path(
    get,
    path = "/api/stream",
    params(
        Asked,
        ("last-event-id" = Option<String>, Header, description = "Id of the last event that was heard"),
    ),
    responses(
        (status = 200, description = "The answer", content_type = "text/event-stream", body = String),
        (status = 400, description = "A parameter cannot be used", body = Body),
        (status = 503, description = "It cannot be answered now", body = Body)
    )
)]
pub(super) async fn stream(
    State(shared): State<Shared>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let Query(asked) = asked?;
    let topics = Topics::parse(&asked.topics)?;
    let seat = Arc::clone(&shared.streams).try_acquire_owned();
    let seat = seat.map_err(|_| {
        Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{STREAMS_MAX} streams are open already"),
            "close one of them",
        )
    })?;
    let known = known(&headers, asked.last_event_id.as_deref())?;
    let observer = shared.observer;
    let listener = Listener {
        news: observer.news(),
        observer,
        topics,
        known,
        told_at: None,
        _seat: seat,
    };
    let events = futures::stream::unfold(listener, |mut listener| async {
        let events = listener.next().await?;
        Some((futures::stream::iter(events.into_iter().map(Ok)), listener))
    });
    Ok(Sse::new(events.flatten()).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// The position that a listener has heard of last.
fn known(headers: &HeaderMap, asked: Option<&str>) -> Result<Option<u64>, Error> {
    let header = headers.get("last-event-id");
    // A client hands on by itself whatever it was told: what is no id of ours is as good as none.
    if let Some(known) = header.and_then(|id| id.to_str().ok()?.parse().ok()) {
        return Ok(Some(known));
    }
    let Some(id) = asked.filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    id.parse().map(Some).map_err(|_| {
        let mend = "give the id of an event of a stream, or leave it out";
        Error::bad(format!("`last_event_id` is `{id}`"), mend)
    })
}

impl Topics {
    fn parse(text: &str) -> Result<Self, Error> {
        let mut topics = Self::default();
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match (name, name.strip_prefix("flow:")) {
                ("flows", _) => topics.flows = true,
                ("services", _) => topics.services = true,
                (_, Some(id)) if topics.flow.len() < FLOWS_MAX => {
                    if id.is_empty() || id.chars().any(char::is_control) {
                        let mend = "give a flow id or a business key behind `flow:`";
                        return Err(Error::bad(format!("`{name}` names no flow"), mend));
                    }
                    flows::check_text(id)?;
                    topics.flow.insert(id.to_owned(), None);
                }
                (_, Some(_)) => {
                    let mend = "open another stream for the others";
                    let why = format!("more than {FLOWS_MAX} flows are named");
                    return Err(Error::bad(why, mend));
                }
                _ => {
                    let mend = format!("give `flows`, `services`, or up to {FLOWS_MAX} `flow:ID`");
                    return Err(Error::bad(format!("there is no topic `{name}`"), mend));
                }
            }
        }
        Ok(topics)
    }
}

impl Listener {
    /// Waits for something to tell. `None`: the observer stops.
    async fn next(&mut self) -> Option<Vec<Event>> {
        let mut events = Vec::new();
        if self.told_at.is_none() {
            events.push(Event::default().retry(COME_AGAIN));
            self.catch_up(&mut events).await;
            self.find_flows().await;
            self.tell_unknown(&mut events);
        }
        loop {
            let now = self.observer.world.elapsed();
            if self
                .told_at
                .is_none_or(|told| now.saturating_sub(told) >= OFTEN)
            {
                self.told_at = Some(now);
                self.often(&mut events);
            }
            if !events.is_empty() {
                return Some(events);
            }
            let Some(news) = self.heard().await? else {
                continue;
            };
            match news {
                Ok(news) => self.tell(&news, &mut events).await,
                // Too slow for all of it: what is new since then is told at once.
                Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up(&mut events).await,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Waits for news, or for a moment. `None`: the observer stops, or nobody will tell any more.
    async fn heard(&mut self) -> Option<Option<Result<Arc<News>, broadcast::error::RecvError>>> {
        let (stop, world) = (self.observer.stop.clone(), Arc::clone(&self.observer.world));
        let stopped = std::pin::pin!(stop.requested());
        let pause = select(stopped, world.sleep(OFTEN));
        match select(std::pin::pin!(self.news.recv()), pause).await {
            Either::Left((news, _)) => Some(Some(news)),
            Either::Right((Either::Left(_), _)) => None,
            Either::Right((Either::Right(_), _)) => Some(None),
        }
    }

    /// Tells what was missed.
    async fn catch_up(&mut self, events: &mut Vec<Event>) {
        let Some(known) = self.known else { return };
        let snapshot = self.observer.snapshot();
        if let Ok(news) = self.observer.since(known, &snapshot, true).await {
            self.tell(&news, events).await;
        }
    }

    async fn tell(&mut self, news: &News, events: &mut Vec<Event>) {
        self.known = Some(news.change);
        if self.topics.flows
            && let Some(flows) = &news.flows
        {
            events.push(event("flows", flows.to_string(), news.change));
        }
        let found = match news.all || news.flows.is_some() {
            true => self.find_flows().await,
            false => Vec::new(),
        };
        for (asked, id) in &self.topics.flow {
            let Some(id) = id else { continue };
            if news.all || news.changed.contains(id) || found.contains(asked) {
                let told = self.flow(asked, id).await;
                events.extend(told.map(|told| event("flow", told, news.change)));
            }
        }
    }

    /// Finds the flows that are asked for and were not known: those that are there now, as they were asked for.
    async fn find_flows(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        let unknown = self.topics.flow.iter_mut().filter(|(_, id)| id.is_none());
        for (asked, id) in unknown {
            let rows = flows::meant(&self.observer.index, asked).await;
            let first = rows.ok().and_then(|rows| rows.into_iter().next());
            if let Some(row) = first {
                *id = Some(row.summary.id);
                found.push(asked.clone());
            }
        }
        found
    }

    /// Says of which flows nothing is known yet.
    fn tell_unknown(&self, events: &mut Vec<Event>) {
        let snapshot = self.observer.snapshot();
        let unknown = self.topics.flow.iter().filter(|(_, id)| id.is_none());
        for (asked, _) in unknown {
            let why = flows::unknown(asked, &snapshot);
            let Body { error, mend } = why.body();
            let told = serde_json::json!({ "asked": asked, "error": error, "mend": mend });
            events.push(event("unknown", told.to_string(), snapshot.index.change));
        }
    }

    async fn flow(&self, asked: &str, id: &str) -> Option<String> {
        let rows = self.observer.index.find(id, Found::Flow).await.ok()?;
        let flow = why::told(rows.into_iter().next()?, &self.observer.snapshot());
        let told = serde_json::json!({
            "asked": asked, "id": flow.id, "change": flow.change, "status": flow.status, "why": flow.why,
        });
        Some(told.to_string())
    }

    fn often(&self, events: &mut Vec<Event>) {
        let snapshot = self.observer.snapshot();
        let change = snapshot.index.change;
        if self.topics.services {
            events.push(event("services", json(&Services::of(&snapshot)), change));
        }
        events.push(event("index", json(&snapshot.index), change));
    }
}

fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("plain data is JSON")
}

fn event(name: &str, data: String, change: u64) -> Event {
    Event::default()
        .event(name)
        .data(data)
        .id(change.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_and_unknown_ones_refused() {
        let topics = Topics::parse("flows, flow:a,flow:b").unwrap();
        assert!(topics.flows && !topics.services);
        assert_eq!(topics.flow.len(), 2);
        assert!(Topics::parse("everything").is_err());
        assert!(Topics::parse("flow:").is_err());
        assert!(Topics::parse(&format!("flow:{}", "4".repeat(20_000))).is_err());
        let many: Vec<_> = (0..=FLOWS_MAX).map(|nth| format!("flow:{nth}")).collect();
        assert!(Topics::parse(&many.join(",")).is_err());
    }

    #[test]
    fn what_was_heard_last_is_told_by_the_header_or_else_by_the_address() {
        let header = |id: &str| {
            let id = id.parse().expect("it is text");
            HeaderMap::from_iter([(axum::http::HeaderName::from_static("last-event-id"), id)])
        };
        let none = HeaderMap::new();
        assert_eq!(known(&none, None).unwrap(), None);
        assert_eq!(known(&none, Some("")).unwrap(), None);
        assert_eq!(known(&none, Some("7")).unwrap(), Some(7));
        assert_eq!(known(&header("9"), Some("7")).unwrap(), Some(9));
        assert_eq!(known(&header("of another"), Some("7")).unwrap(), Some(7));
        assert!(known(&none, Some("yesterday")).is_err());
    }
}
