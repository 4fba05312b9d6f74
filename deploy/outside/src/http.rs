//! A party over HTTP: every route, every status, and what is refused at the door.

mod problem;

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
use crate::behaviour::{Behaviour, Current};
use crate::books::{Books, Read};
use crate::clock;
use crate::config::Config;
use crate::observe;
use crate::read;
use crate::writer;

/// What every request needs.
pub(crate) struct App<B: Books>(Arc<Inner<B>>);

struct Inner<B: Books> {
    writer: writer::Handle<B>,
    behaviour: Current,
    seats: Semaphore,
    requests_max: usize,
    body_bytes_max: usize,
    timeout: Duration,
}

type Body = Result<Bytes, BytesRejection>;

impl<B: Books> Clone for App<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Books> App<B> {
    pub(crate) fn new(writer: writer::Handle<B>, config: &Config<B>) -> Self {
        Self(Arc::new(Inner {
            writer,
            behaviour: Current::new(config.behaviour, config.seed),
            seats: Semaphore::new(config.requests_max),
            requests_max: config.requests_max,
            body_bytes_max: config.body_bytes_max,
            timeout: Duration::from_millis(config.timeout_ms),
        }))
    }

    pub(crate) fn writer(&self) -> &writer::Handle<B> {
        &self.0.writer
    }
}

/// All routes. Only those that ask for the ledger are limited: one can always see that a busy party is
/// alive, and make it behave.
pub(crate) fn router<B: Books>(app: App<B>) -> Router {
    let mut limited = Router::new().route("/ledger", get(ledger::<B>));
    for (path, read) in B::ROUTES {
        let ask = move |State(app): State<App<B>>, body: Body| async move {
            perform(&app, body, *read).await
        };
        limited = limited.route(path, post(ask));
    }
    limited
        .route_layer(middleware::from_fn_with_state(app.clone(), limit::<B>))
        .route("/healthz", get(healthz::<B>))
        .route("/behaviour", get(behaviour::<B>).put(behave::<B>))
        .fallback(nowhere::<B>)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(app.0.body_bytes_max))
        .with_state(app)
}

async fn ledger<B: Books>(State(app): State<App<B>>) -> Result<Json<B::Totals>, Problem> {
    Ok(Json(app.0.writer.totals().await?))
}

async fn healthz<B: Books>(State(app): State<App<B>>) -> Json<Value> {
    let under_way = app.0.requests_max - app.0.seats.available_permits();
    Json(json!({ "status": "ok", "under_way": under_way }))
}

async fn behaviour<B: Books>(State(app): State<App<B>>) -> Json<Behaviour> {
    Json(app.0.behaviour.get())
}

async fn behave<B: Books>(
    State(app): State<App<B>>,
    body: Body,
) -> Result<Json<Behaviour>, Problem> {
    let new: Behaviour = read::json(&whole(body, &app)?).map_err(Problem::wrong)?;
    if !new.is_possible() {
        return Err(Problem::wrong("delay_ms must be at most ten minutes"));
    }
    observe::behaves(&new);
    app.0.behaviour.set(new);
    Ok(Json(new))
}

async fn nowhere<B: Books>(request: Request) -> Problem {
    let path = request.uri().path();
    let posts: Vec<_> = B::ROUTES.iter().map(|(path, _)| *path).collect();
    let what = format!(
        "there is no {path}; there are POST {}, GET /ledger and /healthz, GET and PUT /behaviour",
        posts.join(", ")
    );
    Problem::new(StatusCode::NOT_FOUND, what)
}

async fn wrong_method() -> Problem {
    let what = "this path does not take this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, what)
}

/// The path of every question: read, failed or delayed as told, decided, and perhaps not answered.
async fn perform<B: Books>(
    app: &App<B>,
    body: Body,
    read: Read<B::Ask>,
) -> Result<Response, Problem> {
    let ask = read(&whole(body, app)?).map_err(Problem::wrong)?;
    let (behaviour, name) = (app.0.behaviour.get(), B::NAME);
    if behaviour.down {
        return Err(Problem::again(format!(
            "the {name} is down, as it was told"
        )));
    }
    if behaviour.delay_ms > 0 {
        clock::sleep(behaviour.delay()).await;
    }
    if app.0.behaviour.fails() {
        let what = format!("this request fails, as the {name} was told; nothing was booked");
        return Err(Problem::again(what));
    }
    let answer = app.0.writer.ask(ask).await?;
    if app.0.behaviour.loses_answer() {
        let what = format!("this answer is lost, as the {name} was told");
        return Err(Problem::again(what));
    }
    Ok((B::status(&answer), Json(answer)).into_response())
}

fn whole<B: Books>(body: Body, app: &App<B>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| Problem::body(&rejection, app.0.body_bytes_max))
}

/// Lets so many requests in at once, each for so long.
async fn limit<B: Books>(
    State(app): State<App<B>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
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
