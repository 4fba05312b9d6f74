//! The observer as its API shows it, on topics that were planted on the in-memory broker.

use std::sync::Arc;

#[path = "observer/late.rs"]
mod late;
#[path = "observer/planted.rs"]
mod planted;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::StreamExt as _;
use quadrille::broker::memory;
use quadrille::id::FlowId;
use quadrille::stop::Stop;
use quadrille::world::{self, Live};
use quadrille_observer::live::Broker;
use quadrille_observer::observer::{Observer, Parts, Running};
use quadrille_observer::{api, index};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

use late::Late;
use planted::Planting;

/// An observer and its API.
struct Watch {
    observer: Arc<Observer>,
    router: Router,
    stop: Stop,
    running: Running,
}

impl Watch {
    async fn start(broker: &Arc<Late>, world: &world::Shared, folder: &TempDir) -> Self {
        let stop = Stop::new();
        let parts = Parts {
            broker: Arc::clone(broker) as _,
            world: Arc::clone(world),
            folder: folder.path(),
            limits: index::Limits::default(),
            stop: stop.clone(),
        };
        let (observer, running) = Observer::start(parts).await.expect("it can start");
        Self {
            router: api::router(Arc::clone(&observer), None),
            observer,
            stop,
            running,
        }
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).body(Body::empty());
        let request = request.expect("a path is a request");
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        let body = serde_json::from_slice(&body.expect("it ends"));
        (status, body.expect("it is JSON"))
    }

    /// What a stream says up to its first word on the index.
    async fn first_words(&self, path: &str) -> String {
        self.listen(path).await.until("event: index").await
    }

    async fn listen(&self, path: &str) -> Words {
        let request = Request::get(path).body(Body::empty());
        let request = request.expect("a path is a request");
        let answer = self.router.clone().oneshot(request).await.unwrap();
        Words(answer.into_body().into_data_stream())
    }

    async fn until_read(&self, events: u64) {
        let read = |now: &quadrille_observer::live::Snapshot| {
            now.index.caught_up && now.index.events == events && !now.index.is_behind()
        };
        self.observer.until(read).await;
    }

    async fn end(self) {
        self.stop.request();
        self.running.ended().await;
    }
}

/// What a stream says.
struct Words(axum::body::BodyDataStream);

impl Words {
    /// What it says until it has said this, in whole pieces.
    async fn until(&mut self, end: &str) -> String {
        let mut heard = String::new();
        while !heard.contains(end) {
            let more = self.0.next().await.expect("it goes on");
            heard.push_str(&String::from_utf8_lossy(&more.expect("it is read")));
        }
        heard
    }
}

/// A broker that does not answer yet, with nothing on it but the topics.
async fn broker() -> (Arc<Late>, world::Shared, Planting) {
    let world: world::Shared = Arc::new(Live::new());
    let broker = Late::new(memory::Broker::new(Arc::clone(&world)));
    broker.set_there(true);
    let planting = Planting::new(&(Arc::clone(&broker) as _), &world).await;
    broker.set_there(false);
    (broker, world, planting)
}

#[tokio::test]
async fn it_answers_before_the_broker_does_and_goes_on_by_itself_when_that_comes() {
    // Given an order on a broker that does not answer.
    let (broker, world, planting) = broker().await;
    broker.set_there(true);
    planting.placed("4711").await;
    broker.set_there(false);
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::start(&broker, &world, &folder).await;

    // Then it answers, and says what it does not know.
    let (status, body) = watch.get("/api/status").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["index"]["broker"], "waiting");
    assert!(body["index"]["broker_since"].is_string());
    let (status, body) = watch.get("/api/flows").await;
    assert_eq!(
        (status, &body["flows"]),
        (StatusCode::OK, &Value::Array(vec![]))
    );
    let (status, body) = watch.get("/api/flows/4711").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let mend = body["mend"].as_str().unwrap();
    assert!(mend.contains("the broker has not answered yet"), "{mend}");

    // When it comes.
    broker.set_there(true);
    watch.until_read(1).await;

    let (_, body) = watch.get("/api/flows/4711").await;
    assert_eq!(body["status"], "blocked", "{body}");
    assert_eq!(body["index"]["broker"], "answers");

    // And when it goes again, that is told too.
    broker.set_there(false);
    watch
        .observer
        .until(|now| now.index.broker == Broker::Away)
        .await;
    let (_, body) = watch.get("/api/flows/4711").await;
    assert_eq!(body["status"], "unknown", "{body}");
    let (status, _) = watch.get("/api/records/orders/0/0").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    watch.end().await;
}

#[tokio::test]
async fn what_an_earlier_life_has_read_is_told_before_the_broker_answers() {
    let (broker, world, planting) = broker().await;
    broker.set_there(true);
    planting.placed("4711").await;
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::start(&broker, &world, &folder).await;
    watch.until_read(1).await;
    watch.end().await;

    broker.set_there(false);
    let watch = Watch::start(&broker, &world, &folder).await;

    let (_, body) = watch.get("/api/flows/4711").await;
    assert_eq!(body["status"], "unknown");
    let why = body["why"].as_str().unwrap();
    assert!(why.starts_with("the broker has not answered yet"), "{why}");
    assert!(why.contains("last known: waits for inventory"), "{why}");
    broker.set_there(true);
    watch.until_read(1).await;
    watch.end().await;
}

#[tokio::test]
async fn a_stream_says_when_to_come_again_and_tells_what_was_missed_by_its_address() {
    let (broker, world, planting) = broker().await;
    broker.set_there(true);
    planting.placed("4711").await;
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::start(&broker, &world, &folder).await;
    watch.until_read(1).await;

    let heard = watch
        .first_words("/api/stream?topics=flows&last_event_id=0")
        .await;
    assert!(heard.starts_with("retry: 2000\n\n"), "{heard}");
    assert!(
        heard.contains("event: flows\n") && heard.contains("4711"),
        "{heard}"
    );

    let heard = watch.first_words("/api/stream?topics=flows").await;
    assert!(heard.starts_with("retry: 2000\n\n"), "{heard}");
    assert!(!heard.contains("4711"), "{heard}");
    let (status, _) = watch.get("/api/stream?topics=flows&last_event_id=x").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    watch.end().await;
}

#[tokio::test]
async fn payloads_of_a_flow_are_read_together() {
    // Given a flow of 150 orders on one partition, and others between them.
    let (broker, world, planting) = broker().await;
    broker.set_there(true);
    let flow = FlowId::new("many");
    for nth in 0..150 {
        let (own, other) = (format!("own-{nth}"), format!("other-{nth}"));
        planting.placed_in(&flow, &own, &own).await;
        planting.placed(&other).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::start(&broker, &world, &folder).await;
    watch.until_read(300).await;
    let before = broker.reads();

    let (status, body) = watch.get("/api/flows/many?data=true&limit=200").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        broker.reads() - before,
        1,
        "one reader does for all of them"
    );
    let events = body["events"].as_array().unwrap();
    assert_eq!(events.len(), 150);
    for event in events {
        assert_eq!(event["data"]["orderId"], event["key"], "{event}");
    }

    // Pages go on where the one before has ended.
    let (_, body) = watch.get("/api/flows/many?limit=100&after=100").await;
    let places = body["events"].as_array().unwrap().iter();
    let places: Vec<_> = places
        .map(|event| event["place"].as_u64().unwrap())
        .collect();
    assert_eq!(places, (100..150).collect::<Vec<_>>());
    assert!(body["next"].is_null(), "{body}");
    let (_, body) = watch.get("/api/flows/many?limit=100").await;
    assert_eq!(body["next"], "100");

    // What cannot be read says why not, and the flow is told all the same.
    broker.set_there(false);
    let (status, body) = watch.get("/api/flows/many?data=true&limit=2").await;
    assert_eq!(status, StatusCode::OK);
    let why = body["events"][0]["data_error"].as_str().unwrap();
    assert!(why.contains("answer"), "{why}");

    // And once that is known, nobody is asked in vain.
    watch
        .observer
        .until(|now| now.index.broker == Broker::Away)
        .await;
    let (_, body) = watch.get("/api/flows/many?data=true&limit=2").await;
    let why = body["events"][0]["data_error"].as_str().unwrap();
    assert!(why.contains("the broker does not answer"), "{why}");
    let (_, body) = watch.get("/api/records/orders/0/0").await;
    assert_eq!(body["error"], "the broker does not answer");
    watch.end().await;
}

#[tokio::test]
async fn a_stream_of_a_flow_that_nobody_knows_says_so_and_tells_it_when_it_comes() {
    let (broker, world, planting) = broker().await;
    broker.set_there(true);
    planting.placed("4711").await;
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::start(&broker, &world, &folder).await;
    watch.until_read(1).await;

    // By its key, which is how one comes to a flow that is not there yet.
    let mut stream = watch.listen("/api/stream?topics=flow:4711,flow:4712").await;
    let heard = stream.until("event: index").await;
    assert!(heard.contains("event: unknown\n"), "{heard}");
    assert!(heard.contains(r#""asked":"4712""#), "{heard}");
    assert!(!heard.contains(r#""asked":"4711""#), "{heard}");

    planting.placed("4712").await;
    let heard = stream.until("event: flow\n").await;
    let heard = heard + &stream.until("\n\n").await;
    assert!(heard.contains(r#""asked":"4712""#), "{heard}");
    assert!(heard.contains(r#""status":"blocked""#), "{heard}");

    let (status, _) = watch.get("/api/stream?topics=flow:").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    watch.end().await;
}

#[tokio::test]
async fn the_description_says_of_each_answer_what_it_is_and_of_numbers_that_they_are() {
    let (broker, world, _) = broker().await;
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::start(&broker, &world, &folder).await;
    let (_, told) = watch.get("/api/openapi.json").await;
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in told["paths"].as_object().unwrap() {
        let get = &methods["get"];
        let name = get["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{path}: `{name}` is another's name");
        for (status, answer) in get["responses"].as_object().unwrap() {
            let words = answer["description"].as_str();
            // OpenAPI requires it.
            assert!(
                words.is_some_and(|words| !words.is_empty()),
                "{path} {status}"
            );
        }
        let asked = get["parameters"].as_array().into_iter().flatten();
        for limit in asked.filter(|asked| asked["name"] == "limit") {
            let schema = &limit["schema"];
            assert_eq!(schema["type"], "integer", "{path}");
            for word in ["minimum", "maximum", "default"] {
                assert!(schema[word].is_u64(), "{path}: {word}");
            }
        }
    }
    watch.end().await;
}
