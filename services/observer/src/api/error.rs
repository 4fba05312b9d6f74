//! Errors as JSON: what is wrong, and the mend.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{index, record};

/// An error as it is answered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Body {
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub mend: String,
}

/// A request was not served.
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    body: Body,
}

impl Error {
    /// What is wrong, and the mend.
    pub fn new(status: StatusCode, error: impl Into<String>, mend: impl Into<String>) -> Self {
        let (error, mend) = (error.into(), mend.into());
        Self {
            status,
            body: Body { error, mend },
        }
    }

    /// What is told of it.
    pub(super) fn body(&self) -> &Body {
        &self.body
    }

    /// A parameter has a value that cannot be used.
    pub fn bad(error: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, mend)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad(
            rejection.body_text(),
            "see /api/openapi.json for the parameters",
        )
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Self::bad(
            rejection.body_text(),
            "write the address in UTF-8, percent-encoded",
        )
    }
}

/// The answer to a method that a path does not have.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Error {
    Error::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not served at {}", uri.path()),
        "read it by GET: nothing can be changed here",
    )
}

impl From<index::Error> for Error {
    fn from(error: index::Error) -> Self {
        // Where it is on the disk is nobody's business out here; the log has it.
        tracing::error!(%error, "cannot answer");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the index cannot be read",
            "see the observer's log; the index can be deleted while the observer is stopped",
        )
    }
}

impl From<record::Error> for Error {
    fn from(error: record::Error) -> Self {
        match error {
            record::Error::Missing(why) => Self::new(
                StatusCode::NOT_FOUND,
                why,
                "what is known of the event without it is shown with its flow",
            ),
            record::Error::Away => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                error.to_string(),
                "try again when it does: /api/status tells",
            ),
            record::Error::Broker(error) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                error.to_string(),
                "try again when the broker is back",
            ),
        }
    }
}
