//! Events as they come, as server-sent events.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use futures::future::Either;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;

use quadrille_observer::api::error::Error;

use super::{STREAMS_MAX, Shared, error};
use crate::tail::Tail;
use quadrille_observer::follow;
use quadrille_observer::types;

/// Silence after which a stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

type Events<S> = Result<Sse<axum::response::sse::KeepAliveStream<S>>, Error>;

/// Which events to send.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    /// Types, with commas between. Empty: all.
    #[serde(default, rename = "type")]
    types: String,
    /// `beginning` or `now`.
    #[serde(default)]
    from: String,
}

/// Events as they come.
pub(super) async fn tail(
    State(shared): State<Shared>,
    asked: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Events<impl Stream<Item = Result<Event, Infallible>>> {
    let Query(wanted) = asked?;
    let from = match wanted.from.as_str() {
        "" | "now" => follow::From::Now,
        "beginning" => follow::From::Beginning,
        other => {
            let mend = "give `beginning` or `now`";
            return Err(Error::bad(format!("`from` is `{other}`"), mend));
        }
    };
    let types = known_types(&wanted.types)?;
    let seat = seat(&shared)?;
    let entrance = &shared.api.entrance;
    let (broker, world) = (Arc::clone(&entrance.broker), Arc::clone(&entrance.world));
    let tail = Tail::begin(broker, world, from, types).await;
    let tail = tail.map_err(|error| error::broker(&error))?;
    let stop = shared.api.stop.clone();
    let stream = futures::stream::unfold((Some(tail), stop, seat), |state| async move {
        let (tail, stop, seat) = state;
        let mut tail = tail?;
        loop {
            let next = {
                let (next, stopped) = (
                    std::pin::pin!(tail.next()),
                    std::pin::pin!(stop.requested()),
                );
                match futures::future::select(next, stopped).await {
                    Either::Left((next, _)) => next,
                    Either::Right(_) => return None,
                }
            };
            match next {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => return Some((lines_of(&lines), (Some(tail), stop, seat))),
                Err(error) => {
                    let told = event("trouble", &error.to_string());
                    return Some((vec![Ok(told)], (None, stop, seat)));
                }
            }
        }
    });
    use futures::StreamExt as _;
    Ok(alive(stream.flat_map(futures::stream::iter)))
}

fn lines_of(lines: &[crate::tail::Line]) -> Vec<Result<Event, Infallible>> {
    let events = lines.iter().map(|line| {
        let id = format!("{}/{}/{}", line.topic, line.partition, line.offset);
        Ok(event("event", line).id(id))
    });
    events.collect()
}

fn known_types(text: &str) -> Result<BTreeSet<String>, Error> {
    let names = text.split(',').filter(|name| !name.is_empty());
    let known = names.map(|name| {
        let schema = types::find_loosely(name).ok_or_else(|| {
            Error::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("the event type `{name}` is not known"),
                types::mend(name),
            )
        })?;
        Ok(schema.name.to_owned())
    });
    known.collect()
}

fn event(name: &str, data: &impl Serialize) -> Event {
    let data = serde_json::to_string(data).expect("plain data is JSON");
    Event::default().event(name).data(data)
}

fn alive<S>(stream: S) -> Sse<axum::response::sse::KeepAliveStream<S>>
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

fn seat(shared: &Shared) -> Result<OwnedSemaphorePermit, Error> {
    Arc::clone(&shared.streams)
        .try_acquire_owned()
        .map_err(|_| {
            Error::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{STREAMS_MAX} streams are open already"),
                "close one of them",
            )
        })
}
