use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use quadrille::kit::Bench;
use quadrille_schemas::inventory::v1::StockRejected;
use quadrille_schemas::orders::v1::OrderPlaced;
use quadrille_schemas::shipping::v1::ShipmentDispatched;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::state::Orders;

/// The door of a service on the bench.
struct Http {
    bench: Bench<Orders>,
    router: Router,
}

/// A status, headers and a body.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Http {
    fn open() -> Self {
        let doors = Doors::default();
        Self {
            bench: Bench::of(crate::service(&doors)),
            router: router(doors),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(path, "application/json", body.to_string()).await
    }

    async fn send(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, content_type);
        ask(&self.router, request.body(body.into()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        ask(
            &self.router,
            Request::get(path).body(Body::empty()).unwrap(),
        )
        .await
    }

    /// The order is dispatched.
    async fn confirm(&self, order_id: &str) {
        let dispatched = ShipmentDispatched {
            order_id: order_id.to_owned(),
            shipment_id: "shp-1".to_owned(),
            ..ShipmentDispatched::default()
        };
        self.bench.react(dispatched).await.unwrap();
    }
}

async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 1024 * 1024).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer {
        status,
        headers,
        body,
    }
}

fn order(order_id: &str) -> Value {
    json!({
        "order_id": order_id,
        "customer_id": "customer-1",
        "email": "ada@example.org",
        "lines": [
            line(2, json!({ "currency_code": "EUR", "units": 4, "nanos": 500_000_000 })),
            line(1, json!({ "currency_code": "EUR", "nanos": 990_000_000 })),
        ],
        "card_number": "4242424242424242",
    })
}

fn line(quantity: u32, unit_price: Value) -> Value {
    json!({ "sku": "tea", "quantity": quantity, "unit_price": unit_price })
}

fn with(mut order: Value, pointer: &str, value: Value) -> Value {
    match pointer.rsplit_once('/') {
        Some((parent, name)) if order.pointer(pointer).is_none() => {
            order.pointer_mut(parent).unwrap()[name] = value;
        }
        _ => *order.pointer_mut(pointer).unwrap() = value,
    }
    order
}

#[tokio::test]
async fn a_placed_order_is_announced_with_what_it_comes_to() {
    let http = Http::open();

    let answer = http.post("/orders", &order("4711")).await;

    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.headers[header::LOCATION], "/orders/4711");
    let links = json!({ "self": "/orders/4711", "withdraw": "/orders/4711/withdraw" });
    assert_eq!(
        answer.body,
        json!({ "order_id": "4711", "status": "placed", "links": links })
    );
    let placed: OrderPlaced = http.bench.born().await.only();
    assert_eq!(placed.order_id, "4711");
    assert_eq!(placed.email, "ada@example.org");
    assert_eq!(placed.lines.len(), 2);
    let total = placed.total.unwrap();
    assert_eq!((total.units, total.nanos), (9, 990_000_000));
    assert_eq!(placed.card_number, "4242424242424242");
}

#[tokio::test]
async fn the_same_request_again_is_the_same_order_and_another_is_a_conflict() {
    let http = Http::open();
    http.post("/orders", &order("4711")).await;
    http.confirm("4711").await;
    http.bench.born().await;

    let again = http.post("/orders", &order("4711")).await;
    let other_card = with(order("4711"), "/card_number", json!("4000000000000002"));
    let other = http.post("/orders", &other_card).await;

    // The answer to a repetition is what has become of the order.
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.body["status"], "confirmed");
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(other.body["error"], "there is another order `4711`");
    assert!(http.bench.born().await.is_empty());
}

#[tokio::test]
async fn an_order_without_an_id_is_given_one() {
    let http = Http::open();
    let mut nameless = order("");
    nameless.as_object_mut().unwrap().remove("order_id");

    let first = http.post("/orders", &nameless).await;
    let second = http.post("/orders", &nameless).await;

    let (first, second) = (&first.body["order_id"], &second.body["order_id"]);
    assert_eq!(first.as_str().unwrap().len(), 36);
    assert_ne!(first, second);
    assert_eq!(http.bench.born().await.all::<OrderPlaced>().len(), 2);
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    // Shows fields that are missing, of the wrong type, out of range, and unknown.
    let http = Http::open();
    let wrong = json!({
        "order_id": "not an id",
        "customer_id": 7,
        "email": "nobody",
        "lines": [
            { "sku": "", "quantity": 0, "unit_price": { "currency_code": "euro", "units": 1 } },
            { "sku": "tea", "quantity": "two", "unit_price": { "currency_code": "EUR", "units": -1 } },
            5,
            { "quantity": 1.5, "unit_price": { "currency_code": "EUR", "nanos": 1_000_000_000 } },
        ],
        "crad_number": "4242424242424242",
    });

    let answer = http.post("/orders", &wrong).await;

    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.body["error"], "14 fields are wrong");
    let errors: Vec<(&str, &str)> = answer.body["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| {
            (
                field["path"].as_str().unwrap(),
                field["error"].as_str().unwrap(),
            )
        })
        .collect();
    let whole = "must be a whole number from 0 to 4294967295";
    assert_eq!(
        errors,
        [
            (
                "$.order_id",
                "must have 1 to 64 letters, digits, '-' and '_'"
            ),
            ("$.customer_id", "must be a text"),
            ("$.email", "must be an address, such as ada@example.org"),
            ("$.lines[0].sku", "must have 1 to 64 characters"),
            ("$.lines[0].quantity", "must be 1 to 1000000"),
            (
                "$.lines[0].unit_price.currency_code",
                "a currency is three capital letters, such as EUR"
            ),
            ("$.lines[1].quantity", whole),
            ("$.lines[1].unit_price.units", "must not be below zero"),
            ("$.lines[2]", "must be an object"),
            ("$.lines[3].sku", "is missing: it must be a text"),
            ("$.lines[3].quantity", whole),
            (
                "$.lines[3].unit_price.nanos",
                "nanos are billionths of a unit: below 1000000000, with the sign of the units"
            ),
            ("$.card_number", "is missing: it must be a text"),
            ("$.crad_number", "is not a field that is known here"),
        ]
    );
    assert!(http.bench.born().await.is_empty());
}

#[tokio::test]
async fn an_order_that_does_not_add_up_is_refused_where_it_goes_wrong() {
    let http = Http::open();
    let euro = |units: i64| json!({ "currency_code": "EUR", "units": units });
    let dollar = json!({ "currency_code": "USD", "units": 1 });
    let cases = [
        (with(order("1"), "/lines", json!([])), "$.lines"),
        (
            with(order("1"), "/lines/1/unit_price", dollar),
            "$.lines[1].unit_price.currency_code",
        ),
        (
            with(order("1"), "/lines", json!([line(2, euro(i64::MAX))])),
            "$.lines",
        ),
        (
            with(
                order("1"),
                "/lines",
                json!([line(1, euro(i64::MAX)), line(1, euro(1))]),
            ),
            "$.lines",
        ),
        (
            with(order("1"), "/lines", json!([line(9, euro(0))])),
            "$.lines",
        ),
        (
            with(order("1"), "/card_number", json!("4242 4242 4242")),
            "$.card_number",
        ),
        (
            with(order("1"), "/card_number", json!("42424242424")),
            "$.card_number",
        ),
        (
            with(order("1"), "/card_number", json!("42424242424242424242")),
            "$.card_number",
        ),
        (with(order("1"), "/email", json!("a\u{1b}@b")), "$.email"),
    ];
    for (order, path) in cases {
        let answer = http.post("/orders", &order).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{order}");
        assert_eq!(
            answer.body["error"], "one field is wrong",
            "{}",
            answer.body
        );
        assert_eq!(answer.body["fields"][0]["path"], path, "{}", answer.body);
    }
    assert!(http.bench.born().await.is_empty());
}

#[tokio::test]
async fn no_answer_repeats_a_card_or_an_address() {
    // Shows it for everything that can be wrong with them, also when they stand where they do not
    // belong.
    let http = Http::open();
    let (card, address) = ("4242424242424242", "ada@example.org");
    http.post("/orders", &order("taken")).await;
    let bodies = [
        order("1").to_string(),
        order("taken").to_string(),
        with(order("2"), "/card_number", json!(4_242_424_242_424_242_u64)).to_string(),
        with(order("2"), "/card_number", json!([card])).to_string(),
        with(order("2"), "/lines", json!(card)).to_string(),
        with(order("2"), "/lines/0/sku", json!({ "card": card })).to_string(),
        with(order("taken"), "/customer_id", json!(address)).to_string(),
        with(order("2"), "/email", json!({ "at": address })).to_string(),
        json!(card).to_string(),
        format!("{{\"card_number\": {card}, \"email\": \"{address}\"!"),
    ];
    for body in bodies {
        let answer = http.send("/orders", "application/json", body.clone()).await;
        let said = answer.body.to_string();
        assert!(!said.contains(card), "{body} → {said}");
        assert!(!said.contains(address), "{body} → {said}");
    }
}

#[tokio::test]
async fn a_withdrawal_is_accepted_once() {
    let http = Http::open();
    http.post("/orders", &order("4711")).await;
    let path = "/orders/4711/withdraw";

    let first = http
        .post(path, &json!({ "reason": "bought it twice" }))
        .await;
    let again = http.post(path, &json!({})).await;
    let read = http.get("/orders/4711").await;

    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!(first.body["status"], "withdrawing");
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.body["status"], "withdrawing");
    assert_eq!(read.body["status"], "withdrawing");
    let born = http.bench.born().await;
    let withdrawn: Vec<OrderWithdrawn> = born.all();
    assert_eq!(withdrawn.len(), 1);
    assert_eq!(withdrawn[0].reason, "bought it twice");
}

#[tokio::test]
async fn a_withdrawal_that_comes_too_late_is_told_how_the_order_ended() {
    let http = Http::open();
    http.post("/orders", &order("paid")).await;
    http.post("/orders", &order("short")).await;
    http.confirm("paid").await;
    let rejected = StockRejected {
        order_id: "short".to_owned(),
        missing: Vec::new(),
    };
    http.bench.react(rejected).await.unwrap();

    let paid = http.post("/orders/paid/withdraw", &json!({})).await;
    let short = http.post("/orders/short/withdraw", &json!({})).await;

    assert_eq!(paid.status, StatusCode::CONFLICT);
    assert_eq!(paid.body["error"], "order `paid` is confirmed already");
    assert_eq!(paid.body["order"]["status"], "confirmed");
    assert_eq!(short.status, StatusCode::CONFLICT);
    assert_eq!(short.body["order"]["status"], "cancelled");
    assert_eq!(short.body["order"]["reason"], "out_of_stock");
}

#[tokio::test]
async fn an_order_can_be_read_with_the_flow_that_it_is_in() {
    let http = Http::open();
    http.post("/orders", &order("4711")).await;

    let placed = http.get("/orders/4711").await;
    http.confirm("4711").await;
    let confirmed = http.get("/orders/4711").await;

    assert_eq!(placed.status, StatusCode::OK);
    assert_eq!(placed.body["status"], "placed");
    let flow = quadrille::id::FlowId::of_key("order", "4711");
    assert_eq!(placed.body["flow_id"], flow.as_str());
    assert_eq!(confirmed.body["status"], "confirmed");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    // Shows orders, paths and methods, each with the error as JSON.
    let http = Http::open();
    let cases = [
        (http.get("/orders/4711").await, StatusCode::NOT_FOUND),
        (http.get("/orders/%ff").await, StatusCode::NOT_FOUND),
        (http.get("/nowhere").await, StatusCode::NOT_FOUND),
        (http.get("/orders").await, StatusCode::METHOD_NOT_ALLOWED),
        (
            http.post("/orders/4711/withdraw", &json!({})).await,
            StatusCode::NOT_FOUND,
        ),
    ];
    for (answer, status) in cases {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body["error"].is_string(), "{}", answer.body);
        assert!(answer.body["mend"].is_string(), "{}", answer.body);
        assert_eq!(answer.body["fields"], json!([]));
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_with_what_is_wrong() {
    let http = Http::open();
    let json = "application/json";
    let large = " ".repeat(BODY_BYTES_MAX + 1);
    let cases = [
        (
            json,
            "{\"order_id\":\n  oops}".to_owned(),
            400,
            "line 2 column 3",
        ),
        (json, String::new(), 400, "is not JSON"),
        (json, "[]".to_owned(), 422, "not an object"),
        (json, large, 413, "larger than 262144 bytes"),
        (
            "text/plain",
            order("1").to_string(),
            415,
            "not said to be JSON",
        ),
    ];
    for (content_type, body, status, what) in cases {
        let answer = http.send("/orders", content_type, body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        let error = answer.body["error"].as_str().unwrap();
        assert!(error.contains(what), "{error}");
    }
    let charset = "application/json; charset=utf-8";
    let answer = http.send("/orders", charset, order("1").to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_service_that_is_not_running_says_when_to_try_again() {
    let router = router(Doors::default());
    let place = Request::post("/orders")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(order("4711").to_string()));
    let read = Request::get("/orders/4711").body(Body::empty());
    for request in [place.unwrap(), read.unwrap()] {
        let answer = ask(&router, request).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers[header::RETRY_AFTER], "1");
        let error = answer.body["error"].as_str().unwrap();
        assert!(error.contains("has not started"), "{error}");
    }
}

#[test]
fn what_a_door_cannot_do_just_now_is_told_apart_from_what_it_never_will() {
    // Shows statuses, when to try again, and that what failed inside is not told outside.
    use quadrille::Failure;
    use requests::Error;
    let full = Error::Full("the outbox is full".to_owned());
    let outage = Error::Decision(Failure::outage("state_unavailable", "disk 7 is gone"));
    let broken = Error::Decision(Failure::park("cannot_emit", "disk 7 is gone"));
    for (error, status, again) in [
        (full, 503, Some("1")),
        (outage, 503, Some("1")),
        (Error::Conflicts, 503, Some("1")),
        (broken, 500, None),
    ] {
        let problem = Problem::door(error);
        assert!(!format!("{problem:?}").contains("disk 7"), "{problem:?}");
        let response = problem.into_response();
        assert_eq!(response.status().as_u16(), status);
        let after = response.headers().get(header::RETRY_AFTER);
        assert_eq!(after.map(|after| after.to_str().unwrap()), again);
    }
}

#[tokio::test]
async fn the_description_names_every_path_and_every_answer() {
    // Shows that each operation that the router has is described, with its errors, and that the
    // description holds together.
    let http = Http::open();
    let answer = http.get("/openapi.json").await;
    let api = answer.body;
    assert_eq!(api["openapi"], "3.1.0");
    let cases: [(&str, &str, Method, &[&str]); 4] = [
        (
            "/orders",
            "post",
            Method::POST,
            &[
                "200", "201", "400", "409", "413", "415", "422", "500", "503",
            ],
        ),
        (
            "/orders/{order_id}/withdraw",
            "post",
            Method::POST,
            &[
                "200", "202", "400", "404", "409", "413", "415", "422", "500", "503",
            ],
        ),
        (
            "/orders/{order_id}",
            "get",
            Method::GET,
            &["200", "404", "500", "503"],
        ),
        ("/openapi.json", "get", Method::GET, &["200"]),
    ];
    for (path, operation, method, statuses) in &cases {
        let responses = &api["paths"][path][operation]["responses"];
        let described: Vec<&String> = responses.as_object().unwrap().keys().collect();
        assert_eq!(described, *statuses, "{path}");
        let request = Request::builder()
            .method(method)
            .uri(path.replace(['{', '}'], ""));
        let answer = ask(&http.router, request.body(Body::empty()).unwrap()).await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(api["paths"].as_object().unwrap().len(), cases.len());
    for reference in references(&api) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn the_description_names_every_field_that_is_taken() {
    // Shows that an order with exactly the fields described is one that is taken.
    let api = serde_json::to_value(Api::openapi()).unwrap();
    let described = |schema: &str| {
        let properties = &api["components"]["schemas"][schema]["properties"];
        let names: Vec<String> = properties.as_object().unwrap().keys().cloned().collect();
        names
    };
    let order = order("4711");
    let names = |value: &Value| {
        let names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names
    };
    assert_eq!(described("PlaceOrder"), names(&order));
    assert_eq!(described("Line"), names(&order["lines"][0]));
    assert_eq!(described("Money"), names(&order["lines"][0]["unit_price"]));
    assert_eq!(described("WithdrawOrder"), ["reason"]);
    let required = &api["components"]["schemas"]["PlaceOrder"]["required"];
    assert_eq!(
        *required,
        json!(["customer_id", "email", "lines", "card_number"])
    );
}

/// All references in a description.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("$ref", Value::String(reference)) => vec![reference.clone()],
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
