//! The gateway over HTTP: every route, every status, and what is refused at the door.

mod problem;
mod read;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use self::problem::Problem;
use crate::answer::Answer;
use crate::behaviour::{Behaviour, Current};
use crate::books::{Ask, Totals};
use crate::clock;
use crate::config::Config;
use crate::observe;
use crate::writer;

/// What every request needs.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: writer::Handle,
    behaviour: Current,
    seats: Semaphore,
    requests_max: usize,
    body_bytes_max: usize,
    timeout: Duration,
}

type Body = Result<Bytes, BytesRejection>;

impl App {
    pub(crate) fn new(writer: writer::Handle, config: &Config) -> Self {
        Self(Arc::new(Inner {
            writer,
            behaviour: Current::new(config.behaviour, config.seed),
            seats: Semaphore::new(config.requests_max),
            requests_max: config.requests_max,
            body_bytes_max: config.body_bytes_max,
            timeout: Duration::from_millis(config.timeout_ms),
        }))
    }

    pub(crate) fn writer(&self) -> &writer::Handle {
        &self.0.writer
    }
}

/// All routes. Only those that ask for the ledger are limited: one can always see that a busy
/// gateway is alive, and make it behave.
pub(crate) fn router(app: App) -> Router {
    let limited = Router::new()
        .route("/charges", post(charges))
        .route("/refunds", post(refunds))
        .route("/voids", post(voids))
        .route("/ledger", get(ledger))
        .route_layer(middleware::from_fn_with_state(app.clone(), limit));
    limited
        .route("/healthz", get(healthz))
        .route("/behaviour", get(behaviour).put(behave))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(app.0.body_bytes_max))
        .with_state(app)
}

async fn charges(State(app): State<App>, body: Body) -> Result<Response, Problem> {
    perform(&app, body, read::charge).await
}

async fn refunds(State(app): State<App>, body: Body) -> Result<Response, Problem> {
    perform(&app, body, read::refund).await
}

async fn voids(State(app): State<App>, body: Body) -> Result<Response, Problem> {
    perform(&app, body, read::void).await
}

async fn ledger(State(app): State<App>) -> Result<Json<Totals>, Problem> {
    Ok(Json(app.0.writer.totals().await?))
}

async fn healthz(State(app): State<App>) -> Json<Value> {
    let under_way = app.0.requests_max - app.0.seats.available_permits();
    Json(json!({ "status": "ok", "under_way": under_way }))
}

async fn behaviour(State(app): State<App>) -> Json<Behaviour> {
    Json(app.0.behaviour.get())
}

async fn behave(State(app): State<App>, body: Body) -> Result<Json<Behaviour>, Problem> {
    let new = read::behaviour(&whole(body, &app)?)?;
    observe::behaves(&new);
    app.0.behaviour.set(new);
    Ok(Json(new))
}

async fn nowhere(request: Request) -> Problem {
    let path = request.uri().path();
    let what = format!(
        "there is no {path}; there are POST /charges, /refunds and /voids, GET /ledger and \
         /healthz, GET and PUT /behaviour"
    );
    Problem::new(StatusCode::NOT_FOUND, what)
}

async fn wrong_method() -> Problem {
    let what = "this path does not take this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, what)
}

/// The path of every question: read, failed or delayed as told, decided, and perhaps not answered.
async fn perform(
    app: &App,
    body: Body,
    read: fn(&[u8]) -> Result<Ask, read::Wrong>,
) -> Result<Response, Problem> {
    let ask = read(&whole(body, app)?)?;
    let behaviour = app.0.behaviour.get();
    if behaviour.down {
        return Err(Problem::again("the gateway is down, as it was told"));
    }
    if behaviour.delay_ms > 0 {
        clock::sleep(behaviour.delay()).await;
    }
    if app.0.behaviour.fails() {
        let what = "this request fails, as the gateway was told; nothing was booked";
        return Err(Problem::again(what));
    }
    let answer = app.0.writer.ask(ask).await?;
    if app.0.behaviour.loses_answer() {
        return Err(Problem::again(
            "this answer is lost, as the gateway was told",
        ));
    }
    let status = match answer {
        Answer::Declined { .. } => StatusCode::PAYMENT_REQUIRED,
        Answer::Captured { .. } | Answer::Refunded { .. } | Answer::Voided { .. } => StatusCode::OK,
    };
    Ok((status, Json(answer)).into_response())
}

fn whole(body: Body, app: &App) -> Result<Bytes, Problem> {
    body.map_err(|rejection| Problem::body(&rejection, app.0.body_bytes_max))
}

/// Lets so many requests in at once, each for so long.
async fn limit(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let Ok(_seat) = app.0.seats.try_acquire() else {
        let most = app.0.requests_max;
        let what = format!("{most} requests are under way, which is the most; ask again");
        return Err(Problem::again(what));
    };
    let response = clock::timeout(app.0.timeout, next.run(request)).await;
    response.ok_or_else(|| {
        let most = app.0.timeout.as_millis();
        Problem::again(format!(
            "the request took longer than {most} ms; ask again with the same key"
        ))
    })
}
