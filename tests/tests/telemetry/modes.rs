//! Who stands in whose trace, and under which names.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use quadrille::broker::{Headers, Outgoing, TopicName};
use quadrille::config::Telemetry;
use quadrille::event::Event as _;
use quadrille::observe::{Keys, Mode, Semconv};
use quadrille::prost::Message as _;
use quadrille_schemas::orders::v1::OrderPlaced;
use quadrille_tests::hall::{GOOD_CARD, order};

use crate::evening::{self, Observed, told};
use crate::receiver::{Link, Span};

const USERS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What an order that goes the straight way makes, as service and name.
const EXPECTED: [(&str, &str); 12] = [
    ("inventory", "process orders"),
    ("inventory", "send inventory"),
    ("notifications", "process orders"),
    ("notifications", "send notifications"),
    ("orders", "process orders"),
    ("orders", "process shipping"),
    ("orders", "send orders"),
    ("orders", "send orders"),
    ("payments", "process inventory"),
    ("payments", "send payments"),
    ("shipping", "process payments"),
    ("shipping", "send shipping"),
];

/// Shows what holds in every mode: names, kinds, one link to the publishing span, times that fit.
fn check(spans: &[Span]) -> BTreeMap<&str, &Span> {
    let mut found: Vec<_> = spans.iter().map(|s| (&*s.service, &*s.name)).collect();
    found.sort_unstable();
    assert_eq!(found, EXPECTED);
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| (&*span.id, span)).collect();
    assert_eq!(by_id.len(), spans.len(), "ids are unique");
    for span in spans {
        assert!(span.start <= span.end, "{span:?}");
        assert!(!span.has_failed, "{span:?}");
        if span.is_send() {
            assert_eq!(span.links, [], "{span:?}");
            continue;
        }
        assert_eq!(span.kind, SpanKind::Consumer);
        let [Link { trace, id, kind }] = &span.links[..] else {
            panic!("one link: {span:?}");
        };
        let sent = by_id[&**id];
        assert_eq!((trace, &**kind), (&sent.trace, "publish"));
        // What is linked to is the span that published this very event.
        assert_eq!(
            span.get("messaging.message.id"),
            sent.get("messaging.message.id")
        );
        assert_eq!(span.get("kafka.offset"), sent.get("kafka.offset"));
        assert_eq!(span.get("bus.outcome"), "ok");
        assert_eq!(span.get("bus.retry.attempt"), "1");
        assert_eq!(span.get("messaging.consumer.group.name"), span.service);
    }
    by_id
}

/// Shows that each `send` but the first is a child of the attempt that decided it.
fn check_sends(spans: &[Span], by_id: &BTreeMap<&str, &Span>) {
    let mut roots = 0;
    for sent in spans.iter().filter(|span| span.is_send()) {
        let Some(parent) = by_id.get(&*sent.parent) else {
            assert_eq!((&*sent.parent, sent.get("bus.causation_id")), ("", ""));
            roots += 1;
            continue;
        };
        assert_eq!(parent.trace, sent.trace);
        assert_eq!(parent.service, sent.service);
        assert_eq!(
            parent.get("messaging.message.id"),
            sent.get("bus.causation_id")
        );
    }
    assert_eq!(roots, 1, "the order was placed from outside");
}

fn traces(spans: &[Span]) -> usize {
    let traces: BTreeSet<_> = spans.iter().map(|span| &span.trace).collect();
    traces.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_soon_stands_in_one_trace() {
    // Shows mode auto, and mode parent, on a flow that takes no time.
    for mode in [Mode::Auto, Mode::Parent] {
        let spans = evening::order(|options| options.trace_mode = mode).await;
        let by_id = check(&spans);
        check_sends(&spans, &by_id);
        assert_eq!(traces(&spans), 1, "{mode:?}");
        for span in spans.iter().filter(|span| !span.is_send()) {
            assert_eq!(span.parent, span.links[0].id);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_mode_link_each_reaction_begins_a_trace() {
    let spans = evening::order(|options| options.trace_mode = Mode::Link).await;
    let by_id = check(&spans);
    check_sends(&spans, &by_id);
    // One at the door, and one for each reaction.
    assert_eq!(traces(&spans), 7);
    let reactions = spans.iter().filter(|span| !span.is_send());
    assert!(reactions.clone().all(|span| span.parent.is_empty()));
    assert!(
        reactions
            .clone()
            .all(|span| span.trace != span.links[0].trace)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_mode_auto_what_comes_late_or_deep_begins_a_trace() {
    // Shows an event that is an hour old, one that is 32 hops deep, one whose publisher wants links, and
    // that mode parent heeds neither age nor depth.
    let hour_ago = |record: &mut Outgoing, now_ms: i64| {
        record.timestamp_ms = Some(now_ms - 3_600_000);
    };
    let deep = |record: &mut Outgoing, _: i64| record.headers.push("ce_hops", "32");
    let wish = |record: &mut Outgoing, _: i64| record.headers.push("tracestate", "quadrille=;link");
    let fresh = |_: &mut Outgoing, _: i64| {};
    type Change = fn(&mut Outgoing, i64);
    let cases: [(Mode, Change, bool); 6] = [
        (Mode::Auto, fresh, true),
        (Mode::Auto, hour_ago, false),
        (Mode::Auto, deep, false),
        (Mode::Auto, wish, false),
        (Mode::Parent, hour_ago, true),
        (Mode::Parent, deep, true),
    ];
    for (nth, (mode, change, is_child)) in cases.into_iter().enumerate() {
        let spans = given(mode, change).await;
        let first = spans
            .iter()
            .filter(|span| !span.is_send() && span.get("cloudevents.event_id") == "given");
        let first: Vec<_> = first.collect();
        assert_eq!(first.len(), 2, "orders and inventory");
        for span in first {
            assert_eq!(span.links[0].id, "b7ad6b7169203331");
            let parent = match is_child {
                true => "b7ad6b7169203331",
                false => "",
            };
            assert_eq!(span.parent, parent, "case {nth}");
        }
    }
}

/// The spans that follow from an event that came from outside with a trace of its own.
async fn given(mode: Mode, change: fn(&mut Outgoing, i64)) -> Vec<Span> {
    let observed = Observed::start(|options| options.trace_mode = mode).await;
    let hall = observed.hall().await;
    let record = outside(change, observed.world.now().as_millisecond());
    hall.bus.publisher("shop").forward(record).await.unwrap();
    told(&observed.broker, 1).await;
    hall.stop().await;
    let (_, spans) = observed.ended().await;
    let of_flow = spans.into_iter().filter(|span| span.flow() == "given-flow");
    of_flow.collect()
}

fn outside(change: fn(&mut Outgoing, i64), now_ms: i64) -> Outgoing {
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", "given"),
        ("ce_source", "/shop"),
        ("ce_type", OrderPlaced::SCHEMA.name),
        ("ce_correlationid", "given-flow"),
        ("traceparent", USERS),
        ("baggage", "tenant=blue"),
    ];
    let mut record = Outgoing {
        topic: TopicName::parse("orders").unwrap(),
        partition: None,
        key: Some("given".into()),
        value: Some(order("given", "tea", GOOD_CARD).encode_to_vec().into()),
        headers: Headers::from_iter(headers),
        timestamp_ms: Some(now_ms),
    };
    change(&mut record, now_ms);
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_from_outside_is_the_parent_and_is_handed_on() {
    // Shows that the record keeps what its publisher wrote, that our `send` of it and those who react
    // stand below that, and that baggage comes along to the end.
    let observed = Observed::start(|_| {}).await;
    let hall = observed.hall().await;
    let record = outside(|_, _| {}, observed.world.now().as_millisecond());
    hall.bus.publisher("shop").forward(record).await.unwrap();
    told(&observed.broker, 1).await;
    hall.stop().await;

    let orders = quadrille_tests::witness::all(&observed.broker, "orders").await;
    let parents: Vec<_> = orders
        .iter()
        .map(|seen| seen.envelope.trace.clone())
        .collect();
    assert_eq!(parents[0].parent.as_deref(), Some(USERS));
    assert_ne!(parents[1].parent.as_deref(), Some(USERS));
    assert_eq!(parents[1].baggage.as_deref(), Some("tenant=blue"));
    let (_, spans) = observed.ended().await;
    let of_flow = || spans.iter().filter(|span| span.flow() == "given-flow");
    assert_eq!(of_flow().count(), 12);
    assert!(of_flow().all(|span| span.trace == "0af7651916cd43dd8448eb211c80319c"));
    let below: Vec<_> = of_flow()
        .filter(|span| span.parent == "b7ad6b7169203331")
        .map(|span| (&*span.service, &*span.name))
        .collect();
    for expected in [
        ("shop", "send orders"),
        ("orders", "process orders"),
        ("inventory", "process orders"),
    ] {
        assert!(below.contains(&expected), "{expected:?} in {below:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_have_the_names_of_the_profile() {
    let cases = [
        (Semconv::V1_45, "https://opentelemetry.io/schemas/1.45.0"),
        (Semconv::V1_42, "https://opentelemetry.io/schemas/1.42.0"),
        (Semconv::Dup, ""),
    ];
    let new = ["messaging.system.name", "kafka.offset", "kafka.cluster.id"];
    let old = ["messaging.system", "messaging.kafka.offset"];
    for (profile, schema) in cases {
        let spans = evening::order(|options| options.semconv = profile).await;
        assert_eq!(spans.len(), EXPECTED.len());
        for span in &spans {
            assert_eq!(span.schema, schema);
            let has = |name: &&str| !span.get(name).is_empty();
            assert_eq!(new.iter().all(has), profile != Semconv::V1_42, "{span:?}");
            assert_eq!(new.iter().any(has), profile != Semconv::V1_42, "{span:?}");
            assert_eq!(old.iter().all(has), profile != Semconv::V1_45, "{span:?}");
            assert_eq!(old.iter().any(has), profile != Semconv::V1_45, "{span:?}");
            common(span);
        }
    }
}

/// Shows attributes that stand on every span under every profile.
fn common(span: &Span) {
    let operation = match span.is_send() {
        true => "send",
        false => "process",
    };
    let topic = span.name.split_once(' ').unwrap().1;
    for (name, value) in [
        ("messaging.operation.name", operation),
        ("messaging.operation.type", operation),
        ("messaging.destination.name", topic),
        ("messaging.client.id", "quadrille"),
        ("server.address", "broker.example"),
        ("server.port", "9092"),
        ("cloudevents.event_spec_version", "1.0"),
        ("messaging.message.id", span.get("cloudevents.event_id")),
        ("error.type", ""),
        ("kafka.message.key", ""),
        ("messaging.kafka.message.key", ""),
    ] {
        assert_eq!(span.get(name), value, "{name} of {span:?}");
    }
    for name in [
        "messaging.destination.partition.id",
        "cloudevents.event_type",
        "cloudevents.event_source",
    ] {
        assert_ne!(span.get(name), "", "{name} of {span:?}");
    }
    if !span.is_send() {
        assert_ne!(span.get("bus.reaction"), "", "{span:?}");
        assert_eq!(span.get("bus.retry.max"), "8");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_stand_on_spans_where_somebody_asks_for_them() {
    let keys = |keys: Keys| evening::order(move |options: &mut Telemetry| options.keys = keys);
    let plain = keys(Keys::Plain).await;
    assert!(
        plain
            .iter()
            .all(|span| span.get("kafka.message.key") == "4711")
    );
    let hashed = keys(Keys::Hash).await;
    let values: BTreeSet<_> = hashed
        .iter()
        .map(|span| span.get("kafka.message.key"))
        .collect();
    let [value] = Vec::from_iter(values)[..] else {
        panic!("equal keys look equal");
    };
    assert_eq!(value.len(), 32);
    assert!(value.chars().all(|c| c.is_ascii_hexdigit()), "{value}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flows_that_are_not_sampled_make_no_spans() {
    let spans = evening::order(|options| options.sample_ratio = 0.0).await;
    assert!(spans.is_empty(), "{spans:?}");
}
