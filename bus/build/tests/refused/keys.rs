//! Keys that no topic could be ordered by.

use super::{HEAD, refused};

#[test]
fn an_event_has_a_key() {
    // Without a key there is no order.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1;
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:1: orders.v1.OrderPlaced: no field is its key
  mend: add [(quadrille.v1.field) = { key: { of: "order" } }] to the field that says what the event is about, with your own word for "order""#
    );
}

#[test]
fn an_event_has_one_key() {
    // Which of two would it be?
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string customer_id = 2 [(quadrille.v1.field) = { key: { of: "customer" } }];
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:8:52: orders.v1.OrderPlaced.customer_id: a second key, after order_id
  mend: an event has one key: keep that of what the event is about"
    );
}

#[test]
fn a_key_is_text_or_integer() {
    // Other types have no text that all languages agree on.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message A {
  option (quadrille.v1.event) = { topic: "orders" };
  double id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message B {
  option (quadrille.v1.event) = { topic: "orders" };
  bool id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message C {
  option (quadrille.v1.event) = { topic: "orders" };
  bytes id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message D {
  option (quadrille.v1.event) = { topic: "orders" };
  Part id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message E {
  option (quadrille.v1.event) = { topic: "orders" };
  Colour id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message F {
  option (quadrille.v1.event) = { topic: "orders" };
  float id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message Part {}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:7:3: orders.v1.A.id: a key of type double
  mend: take a field of type string, or of an integer type
error: proto/orders/v1/orders.proto:11:3: orders.v1.B.id: a key of type bool
  mend: take a field of type string, or of an integer type
error: proto/orders/v1/orders.proto:15:3: orders.v1.C.id: a key of type bytes
  mend: take a field of type string, or of an integer type
error: proto/orders/v1/orders.proto:19:3: orders.v1.D.id: a key of type orders.v1.Part
  mend: take a field of type string, or of an integer type
error: proto/orders/v1/orders.proto:23:3: orders.v1.E.id: a key of type orders.v1.Colour
  mend: take a field of type string, or of an integer type
error: proto/orders/v1/orders.proto:27:3: orders.v1.F.id: a key of type float
  mend: take a field of type string, or of an integer type"
    );
}

#[test]
fn a_key_is_single() {
    // A key that may be absent, or many, is none.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message A {
  option (quadrille.v1.event) = { topic: "orders" };
  optional string id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message B {
  option (quadrille.v1.event) = { topic: "orders" };
  repeated string id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message C {
  option (quadrille.v1.event) = { topic: "orders" };
  map<string, string> id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message D {
  option (quadrille.v1.event) = { topic: "orders" };
  oneof one {
    string id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  }
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:7:3: orders.v1.A.id: a key that may be absent
  mend: remove "optional" from it
error: proto/orders/v1/orders.proto:11:3: orders.v1.B.id: a key that is repeated
  mend: take a single field that every event has
error: proto/orders/v1/orders.proto:15:3: orders.v1.C.id: a key that is a map
  mend: take a single field that every event has
error: proto/orders/v1/orders.proto:20:5: orders.v1.D.id: a key inside a oneof
  mend: take a single field that every event has"#
    );
}

#[test]
fn a_key_has_a_space() {
    // Keys of different things would match.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: {} }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:7:49: orders.v1.OrderPlaced.order_id: a key without a space
  mend: say whose id it is: key: { of: "order" }"#
    );
}

#[test]
fn a_space_is_a_name() {
    // A stray blank would make another space.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order " } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:7:56: orders.v1.OrderPlaced.order_id: key space "order " has a strange character
  mend: use letters, digits, '.', '_' and '-' only"#
    );
}

#[test]
fn a_key_is_not_sensitive() {
    // Everybody who may read the topic sees its keys.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string email = 1 [(quadrille.v1.field) = { key: { of: "customer" } sensitive: true }];
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:7:70: orders.v1.OrderPlaced.email: a sensitive key: everybody sees the keys on a topic
  mend: take another field as the key, or do not mark it sensitive"
    );
}

#[test]
fn only_events_have_keys() {
    // Whoever gives a message a key means it to be an event.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message Line {
  string sku = 1 [(quadrille.v1.field) = { key: { of: "sku" } }];
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:6:44: orders.v1.Line.sku: a key in what is no event
  mend: make Line an event by option (quadrille.v1.event), or remove the key"
    );
}
