//! What `up` serves over HTTP, on services that run in this process on the in-memory broker.

use std::sync::Arc;
use std::time::Duration;

#[path = "api/parties.rs"]
mod parties;
#[path = "api/served.rs"]
mod served;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::StreamExt as _;
use quadrille::broker::{Broker, memory};
use quadrille::publish::Publisher;
use quadrille::world::{self, Live};
use quadrille_cli::accept::Entrance;
use quadrille_observer::scan::Scan;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use served::Up;

fn delivery(sku: &str) -> Value {
    json!({
        "specversion": "1.0",
        "type": "inventory.v1.GoodsReceived",
        "source": "/test",
        "id": format!("delivery-of-{sku}"),
        "data": { "deliveryId": "d-1", "sku": sku, "quantity": 10 },
    })
}

fn order(id: &str, card: &str) -> String {
    json!({
        "order_id": id,
        "customer_id": "ada",
        "email": "ada@example.org",
        "lines": [{
            "sku": "tea",
            "quantity": 2,
            "unit_price": { "currency_code": "EUR", "units": 4 },
        }],
        "card_number": card,
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_followed_to_their_outcomes() {
    // Shows the whole way: goods come in as a CloudEvent, orders by their own API, and each flow
    // is told by its key, as a tree, with what every service did.
    let up = Up::start().await;
    let (status, accepted) = up.emit(&delivery("tea")).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
    let flow = accepted["flow"].as_str().unwrap();
    up.flow(flow, |flow| flow["status"] == "settled").await;

    for (id, card) in [("4711", "4242424242424242"), ("4712", "4000000000000002")] {
        let (status, _) = up
            .post("/orders", "application/json", order(id, card))
            .await;
        assert_eq!(status, StatusCode::CREATED);
    }
    // Each of both ways has six events, the mail about its end included.
    let all_done = |flow: &Value| {
        let events = flow["events"].as_array().unwrap();
        let mut reactions = events
            .iter()
            .flat_map(|event| event["reactions"].as_array().unwrap());
        let is_over = ["completed", "compensated"]
            .map(Value::from)
            .contains(&flow["status"]);
        let is_whole = is_over && events.len() == 6;
        is_whole && reactions.all(|reaction| reaction["status"] == "done")
    };
    let confirmed = up.flow("4711", all_done).await;
    let cancelled = up.flow("4712", all_done).await;

    assert_eq!(confirmed["outcomes"], json!(["orders.v1.OrderConfirmed"]));
    let tree: Vec<_> = confirmed["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["type"].as_str().unwrap(),
                event["depth"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        tree,
        [
            ("orders.v1.OrderPlaced", 0),
            ("inventory.v1.StockReserved", 1),
            ("payments.v1.PaymentCaptured", 2),
            ("shipping.v1.ShipmentDispatched", 3),
            ("orders.v1.OrderConfirmed", 4),
            ("notifications.v1.ConfirmationSent", 5),
        ]
    );
    assert_eq!(cancelled["outcomes"], json!(["orders.v1.OrderCancelled"]));
    assert!(!confirmed.to_string().contains("4242424242424242"));
    assert!(!confirmed.to_string().contains("ada@example.org"));

    let (_, list) = up.get("/api/flows?status=completed&limit=1").await;
    assert_eq!(list["flows"].as_array().unwrap().len(), 1);
    assert_eq!(list["counts"]["completed"], 1);
    assert_eq!(list["counts"]["compensated"], 1);
    up.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_the_topics_tells_what_the_index_tells() {
    // Shows that a flow is rebuilt from topics alone, by id and by a key that is no flow's own.
    let up = Up::start().await;
    let (_, accepted) = up.emit(&delivery("tea")).await;
    let id = accepted["flow"].as_str().unwrap();
    // A receipt may be read before the event that it is for.
    let whole = |flow: &Value| flow["status"] == "settled" && flow["events"][0]["read"] == true;
    let indexed = up.flow(id, whole).await;

    for wanted in [id, "tea"] {
        let scan = Scan::new(&up.broker, &up.world, &|_, _| {}).await.unwrap();
        let found = scan.find(wanted).await.unwrap();
        assert_eq!(found.flows.len(), 1, "{wanted}");
        let view = quadrille_observer::flow::view::view(&found.flows[0], &found.expected);
        let mut scanned = serde_json::to_value(&view).unwrap();
        // What only the index knows.
        for name in ["change", "others", "index"] {
            scanned[name] = indexed[name].clone();
        }
        assert_eq!(scanned, indexed);
    }
    let scan = Scan::new(&up.broker, &up.world, &|_, _| {}).await.unwrap();
    assert!(scan.find("nothing").await.unwrap().flows.is_empty());
    up.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wrong_fields_are_told_at_once_with_what_was_probably_meant() {
    let up = Up::start().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut event = delivery("tea");
        change(&mut event);
        event
    };
    let cases = [
        (
            with(&|event| event["data"]["quantity"] = json!("a lot")),
            422,
            "no inventory.v1.GoodsReceived: field `quantity` does not fit: invalid digit found in string",
            "see the fields of inventory.v1.GoodsReceived in its .proto file",
        ),
        (
            with(&|event| event["data"]["colour"] = json!("red")),
            422,
            "no inventory.v1.GoodsReceived: no field `colour`",
            "the fields of inventory.v1.GoodsReceived are deliveryId, sku, quantity",
        ),
        (
            with(&|event| {
                event["data"] = json!({ "delivery": "d-1", "skuu": "tea", "quantity": "a lot" });
            }),
            422,
            "no inventory.v1.GoodsReceived: no field `delivery`; no field `skuu`; field `quantity` does not \
             fit: invalid digit found in string",
            "for `delivery`, did you mean `deliveryId`? for `skuu`, did you mean `sku`?",
        ),
        (
            with(&|event| {
                event["type"] = json!("orders.v1.OrderPlaced");
                event["data"] =
                    json!({ "orderId": "1", "lines": [{ "sku": "tea", "quantty": 1 }] });
            }),
            422,
            "no orders.v1.OrderPlaced: no field `lines[0].quantty`",
            "for `lines[0].quantty`, did you mean `lines[0].quantity`?",
        ),
        (
            with(&|event| event["data"]["sku"] = json!("x".repeat(20_000))),
            422,
            "the key in field `sku` of inventory.v1.GoodsReceived has 20000 bytes, at most 1024 are allowed",
            "give it a short id, and what is long a field of its own",
        ),
    ];
    for (event, status, error, mend) in cases {
        let (answered, body) = up.emit(&event).await;
        assert_eq!(answered.as_u16(), status, "{body}");
        assert_eq!(
            (body["error"].as_str(), body["mend"].as_str()),
            (Some(error), Some(mend))
        );
    }
    up.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_with_the_mend() {
    // Shows each refusal of an event from outside, word for word.
    let up = Up::start().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut event = delivery("tea");
        change(&mut event);
        event
    };
    let cases = [
        (
            with(&|event| event["type"] = json!("inventory.v1.GoodsReceivd")),
            422,
            "the event type `inventory.v1.GoodsReceivd` is not known",
            "did you mean inventory.v1.GoodsReceived?",
        ),
        (
            with(&|event| event["data"] = json!({ "quantity": 1 })),
            422,
            "the event has no key: inventory.v1.GoodsReceived is published under one",
            "set its field `sku`",
        ),
        (
            with(&|event| event["id"] = Value::Null),
            400,
            "the attribute `id` is missing or empty",
            "set \"id\": every CloudEvent has specversion, type, source and id",
        ),
        (
            with(&|event| event["specversion"] = json!("0.3")),
            400,
            "`specversion` is `0.3`",
            "send \"specversion\": \"1.0\"",
        ),
        (
            with(&|event| event["data"] = json!([1])),
            400,
            "`data` is missing, or is not a JSON object",
            "put the event's fields into \"data\": {…}",
        ),
    ];
    for (event, status, error, mend) in cases {
        let (answered, body) = up.emit(&event).await;
        assert_eq!(answered.as_u16(), status, "{body}");
        assert_eq!(
            (body["error"].as_str(), body["mend"].as_str()),
            (Some(error), Some(mend))
        );
    }
    let (status, body) = up.post("/v1/events", "text/plain", "x").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(
        body["error"],
        "the content type `text/plain` is not read here"
    );
    let cloud = "application/cloudevents+json";
    let (status, body) = up.post("/v1/events", cloud, "{").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body["error"]
            .as_str()
            .unwrap()
            .starts_with("the body is not JSON")
    );
    up.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_is_refused_both_as_json_and_as_protobuf() {
    // Shows the two limits: a body that is not read to its end, and an event that is just too large.
    let up = Up::start().await;
    for bytes in [5 * 1024 * 1024, 1024 * 1024 + 1] {
        let mut event = delivery("tea");
        event["data"]["deliveryId"] = json!("x".repeat(bytes));
        let (status, body) = up.emit(&event).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        let error = body["error"].as_str().unwrap();
        assert!(
            error.contains("at most 1048576 bytes are allowed"),
            "{error}"
        );
    }
    up.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_is_told_with_its_owner_to_start() {
    // Shows the answer where no service has created the topic.
    let world: world::Shared = Arc::new(Live::new());
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
    let entrance = Entrance {
        publisher: Publisher::new("quadrille", Arc::clone(&broker), Arc::clone(&world), 1024),
        broker,
        world,
        event_bytes_max: 1024,
    };
    let refused = entrance.accept(&delivery("tea")).await.unwrap_err();
    assert_eq!(refused.kind, quadrille_cli::accept::Kind::Unreachable);
    assert!(
        refused.mend.contains("topic `deliveries`"),
        "{}",
        refused.mend
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_is_one_event() {
    // Shows that whoever is not sure may repeat an event with its source and id.
    let up = Up::start().await;
    let (_, first) = up.emit(&delivery("tea")).await;
    let (_, again) = up.emit(&delivery("tea")).await;
    assert_eq!(first["flow"], again["flow"]);
    assert_ne!(first["offset"], again["offset"]);
    let flow = first["flow"].as_str().unwrap();
    let flow = up.flow(flow, |flow| flow["events"][0]["copies"] == 2).await;
    assert_eq!(flow["event_count"], 1);
    up.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_things_are_answered_in_json() {
    // Shows that every error has words and a mend, also where nothing is.
    let up = Up::start().await;
    let cases = [
        (
            "/api/flows/4711",
            404,
            "no flow with the id or business key `4711` is known here",
        ),
        ("/api/flows?limit=0", 400, "`limit` is `0`"),
        ("/api/flows?status=sad", 400, "`status` is `sad`"),
        (
            "/api/tail?type=Nothing",
            422,
            "the event type `Nothing` is not known",
        ),
        ("/api/tail?from=then", 400, "`from` is `then`"),
        (
            "/api/flows?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
            400,
            "`since` is later than `until`",
        ),
        ("/api/flows/%ff", 400, "Invalid URL: Invalid UTF-8 in `id`"),
        ("/api/records/orders/0/-1", 400, "the offset is `-1`"),
        ("/nowhere", 404, "there is nothing at /nowhere"),
        ("/v1/events", 405, "GET is not served at /v1/events"),
    ];
    for (path, status, error) in cases {
        let (answered, body) = up.get(path).await;
        assert_eq!(answered.as_u16(), status, "{path}: {body}");
        assert_eq!(body["error"], error);
        assert!(body["mend"].as_str().is_some_and(|mend| !mend.is_empty()));
    }
    let (status, body) = up.post("/api/flows", "application/json", "{}").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(body["error"], "POST is not served at /api/flows");
    up.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_begins_where_it_is_asked_to() {
    // Shows both beginnings, the filter by type, and that streams end when all stops.
    let up = Up::start().await;
    up.emit(&delivery("before")).await;
    let open = async |query: &str| {
        let request = Request::get(format!("/api/tail?{query}"));
        let request = request.body(Body::empty()).unwrap();
        let answer = up.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body().into_data_stream()
    };
    let mut from_now = open("type=GoodsReceived").await;
    let mut from_beginning = open("from=beginning").await;
    up.emit(&delivery("after")).await;

    let now = read_until(&mut from_now, "\"after\"").await;
    let all = read_until(&mut from_beginning, "\"after\"").await;
    assert!(!now.contains("\"before\""), "{now}");
    assert!(all.contains("\"before\""), "{all}");

    up.stop().await;
    while from_now.next().await.is_some() {}
}

async fn read_until(stream: &mut axum::body::BodyDataStream, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk = stream.next().await.expect("the stream goes on");
        let chunk = chunk.expect("the stream is whole");
        text.push_str(std::str::from_utf8(&chunk).expect("JSON is text"));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn one_page_has_the_metrics_of_all_services() {
    // Shows that services of one process are told apart, and that each metric is described once.
    let up = Up::start().await;
    let look = || async {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let answer = up.router.clone().oneshot(request).await.unwrap();
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; version=0.0.4"
        );
        let text = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        String::from_utf8(text.unwrap().to_vec()).unwrap()
    };
    // From the first look on, all is counted.
    look().await;
    let (status, _) = up.emit(&delivery("tea")).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let services = [
        "orders",
        "inventory",
        "payments",
        "shipping",
        "notifications",
    ];
    let has = |text: &str, service: &str| {
        let label = format!("service_name=\"{service}\"");
        let of_gauge = |line: &str| line.starts_with("bus_partitions{") && line.contains(&label);
        text.lines().any(of_gauge)
    };
    let mut text = look().await;
    while !services.iter().all(|service| has(&text, service)) {
        up.world.sleep(Duration::from_millis(5)).await;
        text = look().await;
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let labels = line.split_once('{').map_or("", |(_, labels)| labels);
        let mut names: Vec<_> = labels
            .split("\",")
            .map(|label| label.split('=').next())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{line}");
    }
    let mut described: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("# TYPE"))
        .collect();
    let count = described.len();
    described.dedup();
    assert!(
        count > 5 && described.len() == count && described.is_sorted(),
        "{described:?}"
    );
    up.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_nobody_else() {
    // Shows that the page needs no network, and that a browser would not let it use any.
    let up = Up::start().await;
    let request = Request::get("/").body(Body::empty()).unwrap();
    let answer = up.router.clone().oneshot(request).await.unwrap();
    let policy = &answer.headers()["content-security-policy"];
    let policy = policy.to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .unwrap();
    let page = std::str::from_utf8(&page).unwrap();
    assert!(!page.contains("src=\"http"), "a script of somebody else");
    let (status, ready) = up.get("/readyz").await;
    assert_eq!((status, &ready["ready"]), (StatusCode::OK, &json!(true)));
    up.stop().await;
}
