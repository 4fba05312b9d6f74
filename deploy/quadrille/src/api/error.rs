//! Errors as JSON, in the observer's form: what is wrong, and the mend.

use axum::http::{Method, StatusCode, Uri};
use quadrille_observer::api::error::Error;

use crate::accept::{Kind, Refused};

pub use quadrille_observer::api::error::Body;

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

pub(super) fn broker(error: &quadrille::broker::Error) -> Error {
    Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        error.to_string(),
        "try again when the broker is back",
    )
}

pub(super) async fn nothing_here(uri: Uri) -> Error {
    Error::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {}", uri.path()),
        "see / for a page, /api/openapi.json, /api/tail, /v1/events and /orders",
    )
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Error {
    Error::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not served at {}", uri.path()),
        "events are sent by POST /v1/events, everything else is read by GET",
    )
}
