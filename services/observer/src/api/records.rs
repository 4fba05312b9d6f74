//! One record, with its payload and what became of it.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use quadrille::id::FlowId;

use super::Shared;
use super::error::{Body, Error};
use crate::flow::view::view;
use crate::record::{Record, fetch};

/// One record, read from its topic.
#[utoipa::path(
    get,
    path = "/api/records/{topic}/{partition}/{offset}",
    operation_id = "record",
    params(
        ("topic" = String, Path, description = "The topic"),
        ("partition" = i32, Path, minimum = 0, description = "The partition"),
        ("offset" = i64, Path, minimum = 0, description = "The offset"),
    ),
    responses(
        (status = 200, description = "The answer", body = Record),
        (status = 400, description = "A parameter cannot be used", body = Body),
        (status = 404, description = "There is no such thing here", body = Body),
        (status = 503, description = "It cannot be answered now", body = Body)
    )
)]
pub(super) async fn one(
    State(shared): State<Shared>,
    place: Result<Path<(String, String, String)>, PathRejection>,
) -> Result<Json<Record>, Error> {
    let Path((topic, partition, offset)) = place?;
    let number = |name: &str, text: &str| {
        let number = text.parse::<i64>().ok().filter(|number| *number >= 0);
        number.ok_or_else(|| {
            Error::bad(
                format!("the {name} is `{text}`"),
                "ask for /api/records/TOPIC/PARTITION/OFFSET",
            )
        })
    };
    let offset = number("offset", &offset)?;
    let partition = number("partition", &partition)?;
    let partition = i32::try_from(partition).unwrap_or(i32::MAX);
    let observer = &shared.observer;
    let read = fetch(&observer.topics(), &topic, partition, offset).await?;
    let mut record = Record::of(&read, &observer.cluster());
    if let (Some(flow), Some(event)) = (&record.flow, &record.event_id) {
        let found = observer.index.flow(&FlowId::new(flow.as_str())).await?;
        let view = found.map(|(flow, _)| view(&flow, &observer.index.expected()));
        let events = view.into_iter().flat_map(|view| view.events);
        let told = events.into_iter().find(|told| told.id == *event);
        record.reactions = told.map_or_else(Vec::new, |told| told.reactions);
    }
    Ok(Json(record))
}
