//! Flows, as a list and one by one.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::Shared;
use super::error::Error;
use crate::flow::status::Word;
use crate::flow::view::View;
use crate::index::List;

/// Flows in a list where the asker names no limit.
const LIMIT: usize = 50;
/// Most flows in one list.
const LIMIT_MAX: usize = 1_000;

/// Which flows to list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) limit: Option<String>,
    pub(super) status: Option<String>,
}

impl Asked {
    pub(super) fn read(&self) -> Result<(usize, Option<Word>), Error> {
        let limit = match self.limit.as_deref() {
            None | Some("") => LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=LIMIT_MAX).contains(limit))
                .ok_or_else(|| {
                    bad(
                        format!("`limit` is `{text}`"),
                        format!("give a number from 1 to {LIMIT_MAX}"),
                    )
                })?,
        };
        let status = match self.status.as_deref() {
            None | Some("") => None,
            Some(text) => {
                let mut words = Word::ALL.into_iter();
                let word = words.find(|word| word.as_str() == text);
                Some(word.ok_or_else(|| {
                    let words: Vec<_> = Word::ALL.iter().map(|word| word.as_str()).collect();
                    bad(
                        format!("`status` is `{text}`"),
                        format!("give one of {}", words.join(", ")),
                    )
                })?)
            }
        };
        Ok((limit, status))
    }
}

pub(super) fn bad(error: String, mend: String) -> Error {
    Error::new(StatusCode::BAD_REQUEST, error, mend)
}

pub(super) async fn list(
    State(shared): State<Shared>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<List>, Error> {
    let (limit, status) = query(asked)?.read()?;
    Ok(Json(shared.api.index.list(limit, status)))
}

pub(super) async fn one(
    State(shared): State<Shared>,
    Path(wanted): Path<String>,
) -> Result<Json<View>, Error> {
    let found = shared.api.index.find(&wanted);
    found.map(Json).ok_or_else(|| {
        Error::new(
            StatusCode::NOT_FOUND,
            format!("no flow with the id or business key `{wanted}` is known here"),
            "see /api/flows for those that are; the newest are kept, and a flow shows a moment \
             after its first event",
        )
    })
}

pub(super) fn query<T>(
    asked: Result<Query<T>, axum::extract::rejection::QueryRejection>,
) -> Result<T, Error> {
    let asked = asked.map_err(|error| {
        let mend = "use the parameters limit and status, or type and from";
        bad(error.body_text(), mend.to_owned())
    })?;
    Ok(asked.0)
}
