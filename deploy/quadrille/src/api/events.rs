//! The entrance for events from outside: CloudEvents in structured mode.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use futures::StreamExt as _;

use super::Shared;
use crate::accept::{Accepted, too_large};
use quadrille_observer::api::error::Error;

/// What JSON may be larger than the same event in protobuf, as a factor.
const JSON_FACTOR: usize = 2;
/// What a body may have beside the event's data, in bytes.
const ENVELOPE_BYTES: usize = 64 * 1024;
/// How much of a body that is too large is read and thrown away, so that whoever sends it gets to
/// see the answer.
const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;

pub(super) async fn accept(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Error> {
    check_content_type(&headers)?;
    let limit = shared.api.entrance.event_bytes_max;
    let body = read(body, limit).await?;
    let event = serde_json::from_slice(&body).map_err(|error| {
        Error::new(
            StatusCode::BAD_REQUEST,
            format!("the body is not JSON: {error}"),
            "send one CloudEvent as JSON",
        )
    })?;
    let accepted = shared.api.entrance.accept(&event).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Error> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let media = given.as_deref().unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/cloudevents+json") {
        return Ok(());
    }
    let given = given.map_or_else(
        || "the request has no content type".to_owned(),
        |given| format!("the content type `{given}` is not read here"),
    );
    Err(Error::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        given,
        "send one event with `content-type: application/cloudevents+json`",
    ))
}

async fn read(body: Body, event_bytes_max: usize) -> Result<Vec<u8>, Error> {
    let limit = event_bytes_max
        .saturating_mul(JSON_FACTOR)
        .saturating_add(ENVELOPE_BYTES);
    let mut bytes = Vec::new();
    let mut drained = 0_usize;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Error::new(
                StatusCode::BAD_REQUEST,
                format!("the body broke off: {error}"),
                "send it again with the same id",
            )
        })?;
        if drained > 0 || bytes.len() + chunk.len() > limit {
            drained += bytes.len() + chunk.len();
            bytes.clear();
            if drained > DRAIN_BYTES_MAX {
                break;
            }
        } else {
            bytes.extend_from_slice(&chunk);
        }
    }
    if drained > 0 {
        let size = format!("has {drained} bytes or more as JSON");
        return Err(too_large(&size, event_bytes_max).into());
    }
    Ok(bytes)
}
