use super::*;
use crate::broker::{Headers, TopicName, TopicPartition};

const PLACE: Place<'_> = Place {
    cluster: "c1",
    single_type: Some("orders.v1.OrderPlaced"),
};

fn record(headers: &[(&'static str, &'static str)], value: &'static str) -> Incoming {
    let mut all = Headers::new();
    for (name, value) in headers {
        all.push(*name, *value);
    }
    Incoming {
        partition: TopicPartition::new(TopicName::parse("orders").unwrap(), 3),
        offset: 17,
        timestamp_ms: 1_700_000_000_000,
        key: None,
        value: Some(Bytes::from(value)),
        headers: all,
    }
}

#[test]
fn what_we_write_reads_back_the_same() {
    // Shows that no attribute is lost on the way through the headers.
    let envelope = Envelope {
        id: EventId::new("e"),
        source: Source::of_service("orders"),
        kind: "orders.v1.OrderPlaced".into(),
        subject: Some("4711".into()),
        time: "2026-11-24T10:00:00.123456Z".parse().unwrap(),
        flow: FlowId::new("f"),
        cause: Some(EventId::new("c")),
        hops: 3,
        trace: Trace {
            parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            state: Some("a=b".into()),
            baggage: None,
        },
    };
    let mut written = record(&[], "x");
    written.headers = envelope.headers("4711");

    let read = read(
        &written,
        Place {
            single_type: None,
            ..PLACE
        },
    )
    .unwrap();

    assert_eq!(read.envelope, envelope);
    assert_eq!(read.payload, Payload::Protobuf(Bytes::from("x")));
}

#[test]
fn a_record_without_headers_gets_what_every_reader_agrees_on() {
    // Shows that a foreign record has a stable id, source, type, time and flow.
    let bare = record(&[], "x");

    let envelope = read(&bare, PLACE).unwrap().envelope;

    assert_eq!(envelope.id.as_str(), "c1/orders/3/17");
    assert_eq!(envelope.source.as_str(), "kafka:c1/orders");
    assert_eq!(&*envelope.kind, "orders.v1.OrderPlaced");
    assert_eq!(envelope.time.as_millisecond(), 1_700_000_000_000);
    assert_eq!(
        envelope.flow,
        FlowId::of_event(&envelope.source, &envelope.id)
    );
    assert_eq!(read(&bare, PLACE).unwrap().envelope, envelope);
}

#[test]
fn a_record_without_type_is_skipped_where_the_topic_carries_several() {
    // Shows that we never guess a type.
    let unread = read(
        &record(&[], "x"),
        Place {
            single_type: None,
            ..PLACE
        },
    );
    assert_eq!(unread, Err(Unreadable::NoType));
}

#[test]
fn structured_mode_is_read() {
    // Shows that JSON data, bare integers and extensions arrive.
    let text = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"orders.v1.OrderPlaced",
        "subject":"4711","hops":2,"correlationid":"f","datacontenttype":"application/json",
        "data":{"orderId":"4711"}}"#;
    let headers = [(
        "content-type",
        "application/cloudevents+json; charset=UTF-8",
    )];

    let read = read(&record(&headers, text), PLACE).unwrap();

    assert_eq!(read.envelope.flow.as_str(), "f");
    assert_eq!(read.envelope.hops, 2);
    assert_eq!(
        read.payload,
        Payload::Json(serde_json::json!({"orderId": "4711"}))
    );
}

#[test]
fn structured_protobuf_is_base64() {
    // Shows that protobuf bytes survive structured mode.
    let text = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"T",
        "datacontenttype":"application/protobuf","data_base64":"CgQ0NzEx"}"#;
    let headers = [("content-type", "application/cloudevents+json")];

    let read = read(&record(&headers, text), PLACE).unwrap();

    assert_eq!(
        read.payload,
        Payload::Protobuf(Bytes::from_static(b"\n\x044711"))
    );
}

#[test]
fn what_is_broken_says_so() {
    // Shows the text that ends up beside a parked record.
    let structured = [("content-type", "application/cloudevents+json")];
    let cases = [
        (
            record(&[("ce_time", "noon")], "x"),
            "time `noon` is not RFC 3339",
        ),
        (
            record(&[("ce_hops", "-1")], "x"),
            "hop count `-1` is not a number",
        ),
        (
            record(&[("content-type", "application/json")], "{"),
            "payload is not JSON",
        ),
        (
            record(&structured, "[]"),
            "structured CloudEvent is not a JSON object",
        ),
        (
            record(&structured, r#"{"data":1,"data_base64":""}"#),
            "both `data` and `data_base64`",
        ),
        (
            record(&structured, r#"{"data_base64":"*"}"#),
            "`data_base64` is not base64",
        ),
        (
            record(
                &[("content-type", "application/cloudevents-batch+json")],
                "[]",
            ),
            "send one event a record",
        ),
    ];
    for (record, part) in cases {
        match read(&record, PLACE) {
            Err(Unreadable::Broken(text)) => assert!(text.contains(part), "{text}"),
            other => panic!("{part}: {other:?}"),
        }
    }
}

#[test]
fn a_tombstone_is_no_event() {
    // Shows that a record without a value is told apart from a broken one.
    let mut tombstone = record(&[("ce_id", "1")], "");
    tombstone.value = None;
    assert_eq!(read(&tombstone, PLACE), Err(Unreadable::Tombstone));
}
