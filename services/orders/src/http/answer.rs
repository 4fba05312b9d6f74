//! What is answered over HTTP, good news and bad, and what is never in an answer: what came in.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use quadrille::{Failure, Remedy};
use serde::Serialize;
use utoipa::ToSchema;

use crate::requests;
use crate::state::{self, Outcome};

/// When to try again, in seconds.
const RETRY_AFTER: &str = "1";

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Order {
    /// The order.
    #[schema(example = "4711")]
    order_id: String,
    /// How far it has come.
    status: Status,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<Reason>,
    /// The flow that it belongs to, as `quadrille flow` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    flow_id: Option<String>,
    /// What can be asked of it.
    links: Links,
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// It is on its way.
    Placed,
    /// Its withdrawal was accepted: it will be cancelled.
    Withdrawing,
    /// It is paid for, and its goods are on their way.
    Confirmed,
    /// It came to nothing: neither money nor goods are held, and no goods are on their way.
    Cancelled,
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// There were not enough goods.
    OutOfStock,
    /// The card was declined.
    PaymentDeclined,
    /// The goods could not be dispatched.
    ShipmentFailed,
    /// The customer withdrew it.
    Withdrawn,
}

/// What can be asked of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Links {
    /// `GET`: how far it has come.
    #[serde(rename = "self")]
    #[schema(example = "/orders/4711")]
    this: String,
    /// `POST`: withdraws it.
    #[schema(example = "/orders/4711/withdraw")]
    withdraw: String,
}

impl Order {
    /// An order that was taken or withdrawn just now.
    pub(super) fn new(order_id: &str, status: Status) -> Self {
        Self {
            order_id: order_id.to_owned(),
            status,
            reason: None,
            flow_id: None,
            links: Links {
                this: format!("/orders/{}", in_path(order_id)),
                withdraw: format!("/orders/{}/withdraw", in_path(order_id)),
            },
        }
    }

    /// An order as it is remembered.
    pub(super) fn of(order_id: &str, order: &state::Order) -> Self {
        let (status, reason) = match order.outcome {
            Some(outcome) => ended(outcome),
            None if order.withdrawn => (Status::Withdrawing, None),
            None => (Status::Placed, None),
        };
        Self {
            reason,
            flow_id: Some(order.flow.clone()),
            ..Self::new(order_id, status)
        }
    }

    /// An order that has ended.
    pub(super) fn ended(order_id: &str, outcome: Outcome) -> Self {
        let (status, reason) = ended(outcome);
        Self {
            reason,
            ..Self::new(order_id, status)
        }
    }

    /// Its id.
    pub(super) fn order_id(&self) -> &str {
        &self.order_id
    }

    /// Where it is.
    pub(super) fn location(&self) -> &str {
        &self.links.this
    }
}

/// An id as part of a path: somebody else's event may have any text for one.
fn in_path(id: &str) -> String {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~".contains(&c);
    id.bytes()
        .map(|c| match plain(c) {
            true => char::from(c).to_string(),
            false => format!("%{c:02X}"),
        })
        .collect()
}

fn ended(outcome: Outcome) -> (Status, Option<Reason>) {
    match outcome {
        Outcome::Confirmed => (Status::Confirmed, None),
        Outcome::OutOfStock => (Status::Cancelled, Some(Reason::OutOfStock)),
        Outcome::PaymentDeclined => (Status::Cancelled, Some(Reason::PaymentDeclined)),
        Outcome::ShipmentFailed => (Status::Cancelled, Some(Reason::ShipmentFailed)),
        Outcome::Withdrawn => (Status::Cancelled, Some(Reason::Withdrawn)),
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    // Boxed, so that the way of a good answer is not as wide as that of a bad one.
    body: Box<Error>,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Error {
    /// What is wrong.
    #[schema(example = "3 fields are wrong")]
    error: String,
    /// What helps.
    #[schema(example = "correct the fields that are named and send the request again")]
    mend: String,
    /// Which fields are wrong, all of them at once, at most 100. Empty where it is not about fields.
    fields: Vec<FieldError>,
    /// The order as it is, where it is too late to change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    order: Option<Order>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// The field, as a JSON path.
    #[schema(example = "$.lines[0].quantity")]
    pub(super) path: String,
    /// What is wrong with it.
    #[schema(example = "must be 1 to 1000000")]
    pub(super) error: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: impl Into<String>, mend: &str) -> Self {
        Self {
            status,
            body: Box::new(Error {
                error: error.into(),
                mend: mend.to_owned(),
                fields: Vec::new(),
                order: None,
            }),
        }
    }

    pub(super) fn not_json(line: usize, column: usize) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            format!(
                "the body is not JSON: it breaks off or goes wrong at line {line} column {column}"
            ),
            "send a JSON object as /openapi.json describes it",
        )
    }

    pub(super) fn not_an_object() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the body is JSON, but not an object",
            "send a JSON object as /openapi.json describes it",
        )
    }

    pub(super) fn fields(fields: Vec<FieldError>) -> Self {
        let count = match fields.len() {
            1 => "one field is wrong".to_owned(),
            count => format!("{count} fields are wrong"),
        };
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            count,
            "correct the fields that are named and send the request again",
        );
        problem.body.fields = fields;
        problem
    }

    pub(super) fn conflict(order_id: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            format!("there is another order `{order_id}`"),
            "send the same request as before to learn that it was taken, or choose another order_id",
        )
    }

    pub(super) fn too_late(order: Order) -> Self {
        let how = match order.status {
            Status::Confirmed => "confirmed",
            _ => "cancelled",
        };
        let mut problem = Self::new(
            StatusCode::CONFLICT,
            format!("order `{}` is {how} already", order.order_id),
            "an order that has ended cannot be withdrawn",
        );
        problem.body.order = Some(order);
        problem
    }

    pub(super) fn no_such_order() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is no such order",
            "check the order id: it is the one that the order was placed with",
        )
    }

    /// Why a door did not let a request through.
    pub(super) fn door(error: requests::Error) -> Self {
        let again = "try again after the time that Retry-After says";
        let unavailable = |what: String| Self::new(StatusCode::SERVICE_UNAVAILABLE, what, again);
        match error {
            requests::Error::NotRunning | requests::Error::Full(_) | requests::Error::Conflicts => {
                unavailable(error.to_string())
            }
            requests::Error::Store(error) => Self::failure(&Failure::from(error)),
            requests::Error::Decision(failure) => Self::failure(&failure),
        }
    }

    fn failure(failure: &Failure) -> Self {
        // What failed stands in the log: it is the operator's, not the customer's.
        let (code, error) = (failure.code(), failure.chain());
        tracing::error!(code, error, "request failed");
        match failure.remedy() {
            Remedy::Wait => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the orders are out of reach just now",
                "try again after the time that Retry-After says",
            ),
            Remedy::Retry | Remedy::Park => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("the request could not be carried out ({code})"),
                "nothing was done: tell whoever runs this, the log says more",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let after = HeaderValue::from_static(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        response
    }
}
