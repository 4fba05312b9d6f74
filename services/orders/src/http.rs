//! The HTTP door: places, withdraws and reads orders.
//!
//! It checks what comes in, asks [`crate::requests`], and answers; it decides nothing. Card numbers
//! and addresses go in and are never seen again: not in an answer, not in a log.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use quadrille_schemas::orders::v1::OrderWithdrawn;
use utoipa::OpenApi;

mod answer;
mod asked;
mod field;

use crate::Doors;
use crate::requests::{self, Placed, Withdrawn};
use answer::{Error, Order, Problem, Status};
use asked::{PlaceOrder, WithdrawOrder};

/// Largest body of a request, in bytes.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The door, for whoever serves it.
pub fn router(doors: Doors) -> Router {
    Router::new()
        .route("/orders", post(place))
        .route("/orders/{order_id}", get(read))
        .route("/orders/{order_id}/withdraw", post(withdraw))
        .route("/openapi.json", get(openapi))
        .fallback(no_such_place)
        .method_not_allowed_fallback(not_that_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(doors)
}

/// The door's description.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orders",
        description = "Takes orders, and says how each ended. What becomes of an order is decided \
            by independent services that react to each other's events, so placing and withdrawing \
            are requests: read the order to see what they came to."
    ),
    paths(place, withdraw, read, openapi),
    tags((name = "orders", description = "Orders"))
)]
struct Api;

/// Places an order, once: the same request again has no effect.
#[utoipa::path(
    post,
    path = "/orders",
    tag = "orders",
    operation_id = "placeOrder",
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "The order is taken", body = Order,
            headers(("Location" = String, description = "Where the order is"))),
        (status = 200, description = "The same request had been taken before", body = Order),
        (status = 400, description = "The body is not JSON", body = Error),
        (status = 409, description = "Another order has this id", body = Error),
        (status = 413, description = "The body is larger than 256 KiB", body = Error),
        (status = 415, description = "The body is not said to be JSON", body = Error),
        (status = 422, description = "Some fields are wrong: all of them are named", body = Error),
        (status = 500, description = "Nothing was done, for a reason that the log says", body = Error),
        (status = 503, description = "Nothing can be taken just now", body = Error,
            headers(("Retry-After" = u32, description = "When to try again, in seconds"))),
    )
)]
async fn place(
    State(doors): State<Doors>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let asked: PlaceOrder = asked::body(&json(&headers, body)?)?;
    let mut order = asked.checked().map_err(Problem::fields)?;
    if order.order_id.is_empty() {
        order.order_id = doors.placing.new_id().map_err(Problem::door)?;
    }
    let answer = Order::new(&order.order_id, Status::Placed);
    let location = [(header::LOCATION, answer.location().to_owned())];
    match requests::place(&doors, order)
        .await
        .map_err(Problem::door)?
    {
        Placed::Taken => Ok((StatusCode::CREATED, location, Json(answer)).into_response()),
        Placed::Again => found(&doors, answer.order_id())
            .await
            .map(Json::into_response),
        Placed::Conflict => Err(Problem::conflict(answer.order_id())),
    }
}

/// Withdraws an order, unless it has ended.
#[utoipa::path(
    post,
    path = "/orders/{order_id}/withdraw",
    tag = "orders",
    operation_id = "withdrawOrder",
    params(("order_id" = String, Path, description = "The order", example = "4711")),
    request_body = WithdrawOrder,
    responses(
        (status = 202, description = "Accepted: the order will not be confirmed any more", body = Order),
        (status = 200, description = "It had been withdrawn before", body = Order),
        (status = 400, description = "The body is not JSON", body = Error),
        (status = 404, description = "There is no such order", body = Error),
        (status = 409, description = "Too late: the order has ended as the answer says", body = Error),
        (status = 413, description = "The body is larger than 256 KiB", body = Error),
        (status = 415, description = "The body is not said to be JSON", body = Error),
        (status = 422, description = "Some fields are wrong: all of them are named", body = Error),
        (status = 500, description = "Nothing was done, for a reason that the log says", body = Error),
        (status = 503, description = "Nothing can be taken just now", body = Error,
            headers(("Retry-After" = u32, description = "When to try again, in seconds"))),
    )
)]
async fn withdraw(
    State(doors): State<Doors>,
    order_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let order_id = named(order_id)?;
    let asked: WithdrawOrder = asked::body(&json(&headers, body)?)?;
    let order = OrderWithdrawn {
        order_id: order_id.clone(),
        reason: asked.checked().map_err(Problem::fields)?,
        withdrawn_at: None,
    };
    let withdrawn = requests::withdraw(&doors, order).await;
    match withdrawn.map_err(Problem::door)? {
        Withdrawn::Accepted => {
            let order = Order::new(&order_id, Status::Withdrawing);
            Ok((StatusCode::ACCEPTED, Json(order)).into_response())
        }
        Withdrawn::Again => found(&doors, &order_id).await.map(Json::into_response),
        Withdrawn::Unknown => Err(Problem::no_such_order()),
        Withdrawn::TooLate(outcome) => Err(Problem::too_late(Order::ended(&order_id, outcome))),
    }
}

/// Reads an order.
#[utoipa::path(
    get,
    path = "/orders/{order_id}",
    tag = "orders",
    operation_id = "readOrder",
    params(("order_id" = String, Path, description = "The order", example = "4711")),
    responses(
        (status = 200, description = "The order as it is", body = Order),
        (status = 404, description = "There is no such order", body = Error),
        (status = 500, description = "It could not be read, for a reason that the log says", body = Error),
        (status = 503, description = "Nothing can be read just now", body = Error,
            headers(("Retry-After" = u32, description = "When to try again, in seconds"))),
    )
)]
async fn read(
    State(doors): State<Doors>,
    order_id: Result<Path<String>, PathRejection>,
) -> Result<Json<Order>, Problem> {
    found(&doors, &named(order_id)?).await
}

/// Describes this API.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describe",
    responses((status = 200, description = "This API as OpenAPI 3.1", body = serde_json::Value))
)]
async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Api::openapi())
}

/// The bytes of a body that is said to be JSON. Were it not asked for, any web page could place
/// orders from a browser that can reach this.
fn json(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    let said = headers.get(header::CONTENT_TYPE);
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or("");
    let media_type = said.split(';').next().unwrap_or("").trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is not said to be JSON",
            "send it with `content-type: application/json`",
        ));
    }
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {BODY_BYTES_MAX} bytes"),
            "send less: an order has at most 1000 lines",
        ),
        status => Problem::new(status, "the body broke off", "send the request again"),
    })
}

/// The order id in a path.
fn named(order_id: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(order_id) = order_id.map_err(|_| Problem::no_such_order())?;
    Ok(order_id)
}

async fn found(doors: &Doors, order_id: &str) -> Result<Json<Order>, Problem> {
    let order = requests::read(doors, order_id).await;
    match order.map_err(Problem::door)? {
        Some(order) => Ok(Json(Order::of(order_id, &order))),
        None => Err(Problem::no_such_order()),
    }
}

async fn no_such_place() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "there is nothing at this path",
        "see /openapi.json for what there is",
    )
}

async fn not_that_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this cannot be done with that at this path",
        "see /openapi.json for what there is",
    )
}

#[cfg(test)]
mod tests;
