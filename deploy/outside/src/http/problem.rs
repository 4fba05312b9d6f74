//! What a request is told that gets no answer: a status, and one sentence as JSON.

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

use crate::books::{Refusal, Refused};

/// Why a request gets no answer.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    what: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { status, what }
    }

    /// A problem that may be gone when the same is asked again.
    pub(crate) fn again(what: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, what)
    }

    /// A body that is not what was asked for.
    pub(crate) fn wrong(what: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, what)
    }

    /// A body that did not arrive whole.
    pub(crate) fn body(rejection: &BytesRejection, bytes_max: usize) -> Self {
        match rejection.status() {
            status @ StatusCode::PAYLOAD_TOO_LARGE => Self::new(
                status,
                format!("the body is larger than {bytes_max} bytes, the most that is taken"),
            ),
            _ => Self::new(StatusCode::BAD_REQUEST, "the body did not arrive whole"),
        }
    }
}

impl<R: Refused> From<Refusal<R>> for Problem {
    fn from(refusal: Refusal<R>) -> Self {
        Self::new(refusal.status(), refusal.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.what }))).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
