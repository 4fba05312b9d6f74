//! Errors as JSON: what is wrong, and the mend.

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::accept::{Kind, Refused};

/// An error as it is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Body {
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub mend: String,
}

/// A request was not served.
#[derive(Debug)]
pub(super) struct Error {
    status: StatusCode,
    body: Body,
}

impl Error {
    pub(super) fn new(
        status: StatusCode,
        error: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        let (error, mend) = (error.into(), mend.into());
        Self {
            status,
            body: Body { error, mend },
        }
    }

    pub(super) fn broker(error: &quadrille::broker::Error) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(
            status,
            error.to_string(),
            "try again when the broker is back",
        )
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let status = match refused.kind {
            Kind::Malformed => StatusCode::BAD_REQUEST,
            Kind::Unfit => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Refused => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, refused.error, refused.mend)
    }
}

pub(super) async fn nothing_here(uri: Uri) -> Error {
    Error::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {}", uri.path()),
        "see / for a page, /api/flows, /api/tail, /v1/events and /orders",
    )
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Error {
    Error::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not served at {}", uri.path()),
        "events are sent by POST /v1/events, everything else is read by GET",
    )
}
