//! What is asked over HTTP.
//!
//! | path | what |
//! |---|---|
//! | `GET /api/flows` | flows, those first that changed last, by status, type, service, time and text |
//! | `GET /api/flows/{id}` | one flow, by flow id or business key |
//! | `GET /api/find?q=` | flows by whatever somebody has in hand |
//! | `GET /api/records/{topic}/{partition}/{offset}` | one record with its payload |
//! | `GET /api/services`, `/api/contracts`, `/api/status` | who is there, what was promised, how fresh this is |
//! | `GET /api/stream?topics=` | what changes, as server-sent events |
//! | `GET /api/openapi.json` | this, for programs |
//!
//! Every error is JSON with `error` and `mend`. Nothing can be changed here. There is no
//! authentication: it listens on this machine only, unless told otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use quadrille::wire::ContractPublished;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{OpenApi, ToSchema};

pub mod error;
mod flows;
mod records;
mod stream;

use crate::flow::status::Word;
use crate::flow::view::Summary;
use crate::index::Counts;
use crate::live::{IndexState, Service, Snapshot};
use crate::observer::Observer;

/// Streams that are served at once. More are refused.
const STREAMS_MAX: usize = 256;

/// What the API answers from.
#[derive(Clone)]
pub(crate) struct Shared {
    observer: Arc<Observer>,
    streams: Arc<Semaphore>,
    trace_link: Option<Arc<str>>,
}

/// The routes. `trace_link` is an address with `{trace_id}` where traces can be looked at.
pub fn router(observer: Arc<Observer>, trace_link: Option<String>) -> Router {
    let shared = Shared {
        observer,
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        trace_link: trace_link.map(Into::into),
    };
    Router::new()
        .route("/api/flows", get(flows::list))
        .route("/api/flows/{id}", get(flows::one))
        .route("/api/find", get(flows::find))
        .route(
            "/api/records/{topic}/{partition}/{offset}",
            get(records::one),
        )
        .route("/api/services", get(services))
        .route("/api/contracts", get(contracts))
        .route("/api/status", get(status))
        .route("/api/stream", get(stream::stream))
        .route("/api/openapi.json", get(openapi))
        .method_not_allowed_fallback(error::wrong_method)
        .with_state(shared)
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Observer",
        description = "Shows every flow: where it is, on whom it waits, and why. Read only."
    ),
    paths(
        flows::list,
        flows::one,
        flows::find,
        records::one,
        services,
        contracts,
        status,
        stream::stream,
        openapi
    )
)]
struct Api;

/// What changed in the list of flows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Flows that changed, those first that changed last.
    pub changed: Vec<Summary>,
    /// Whether more changed than are told here: then the list is to be asked for anew.
    pub more: bool,
    /// All flows by status.
    pub counts: BTreeMap<String, u64>,
    /// How fresh this is.
    pub index: IndexState,
}

/// Services.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Services {
    /// Those that have a contract, and those that were seen.
    pub services: Vec<Service>,
    /// How fresh this is.
    pub index: IndexState,
}

impl Services {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            services: snapshot.services.values().cloned().collect(),
            index: snapshot.index.clone(),
        }
    }
}

/// Contracts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Contracts {
    /// The newest of each service.
    pub contracts: Vec<Contract>,
}

/// What a service has promised.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Contract {
    /// The service.
    pub service: String,
    /// Equal contracts have equal hashes.
    pub hash: String,
    /// Version of the code that published it.
    pub code_version: String,
    /// Whether the service keeps state.
    pub keeps_state: bool,
    /// Topics that it owns.
    pub owns: Vec<String>,
    /// Types that may be born at it outside a reaction.
    pub originates: Vec<String>,
    /// Where it starts to read a topic of which it has handled nothing yet: `beginning`, `now` or a time. Empty:
    /// it did not tell.
    pub start: String,
    /// What it reacts to.
    pub reactions: Vec<Promise>,
}

/// One reaction of a contract.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Promise {
    /// Its name.
    pub name: String,
    /// Type of the event that it reacts to.
    pub event: String,
    /// Topic of that event.
    pub topic: String,
    /// Types that it may emit.
    pub emits: Vec<String>,
}

/// How fresh answers are, and what the UI is to know.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// How fresh answers are.
    pub index: IndexState,
    /// Version of the observer.
    pub version: String,
    /// Where traces can be looked at: an address with `{trace_id}` in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_link: Option<String>,
}

/// Flows by status, as it is with who is alive.
pub(crate) fn counts(snapshot: &Snapshot, counts: &Counts) -> BTreeMap<String, u64> {
    let words = Word::ALL.iter().map(|word| (word.as_str().to_owned(), 0));
    let mut by_word: BTreeMap<String, u64> = words.collect();
    for (word, service, count) in counts.by_word() {
        let is_down =
            service.is_some_and(|name| !name.is_empty() && snapshot.alive(name).is_none());
        let word = match word {
            word if word.is_at_rest() => word,
            _ if snapshot.index.is_behind() => Word::Unknown,
            _ if is_down => Word::Blocked,
            word => word,
        };
        *by_word.entry(word.as_str().to_owned()).or_default() += count;
    }
    by_word
}

/// Services, who of them is alive, and how far behind they are.
#[utoipa::path(get, path = "/api/services", responses((status = 200, description = "The answer", body = Services)))]
async fn services(State(shared): State<Shared>) -> Json<Services> {
    Json(Services::of(&shared.observer.snapshot()))
}

/// The newest contract of each service.
#[utoipa::path(get, path = "/api/contracts", responses((status = 200, description = "The answer", body = Contracts)))]
async fn contracts(State(shared): State<Shared>) -> Json<Contracts> {
    let contracts = shared.observer.index.contracts().into_iter();
    Json(Contracts {
        contracts: contracts.map(contract).collect(),
    })
}

fn contract(published: ContractPublished) -> Contract {
    let reactions = published.reactions.into_iter().map(|reaction| Promise {
        name: reaction.name,
        event: reaction.event,
        topic: reaction.topic,
        emits: reaction.emits,
    });
    Contract {
        reactions: reactions.collect(),
        service: published.service,
        hash: published.hash,
        code_version: published.code_version,
        keeps_state: published.keeps_state,
        start: published.start,
        owns: published.owns,
        originates: published.originates,
    }
}

/// How fresh answers are.
#[utoipa::path(get, path = "/api/status", responses((status = 200, description = "The answer", body = Status)))]
async fn status(State(shared): State<Shared>) -> Json<Status> {
    Json(Status {
        index: shared.observer.snapshot().index.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        trace_link: shared.trace_link.as_deref().map(str::to_owned),
    })
}

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, description = "The answer", body = serde_json::Value)))]
async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Api::openapi())
}
