//! Events that are not said to be complete.

use super::{HEAD, refused};

#[test]
fn an_event_has_a_topic() {
    // The declared topics are offered.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { kind: OUTCOME };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:6:3: orders.v1.OrderPlaced: it has no topic
  mend: add topic: "…" to its option (quadrille.v1.event); declared are "orders""#
    );
}

#[test]
fn an_event_has_a_topic_even_where_none_is_declared() {
    // The mend says how to declare one.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {
  option (quadrille.v1.event) = {};
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:3: orders.v1.OrderPlaced: it has no topic
  mend: add topic: "…" to its option (quadrille.v1.event), and declare the topic by option (quadrille.v1.file)"#
    );
}

#[test]
fn a_topic_is_declared() {
    // A misspelt topic finds the right one.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = {
    kind: OUTCOME
    topic: "ordres"
  };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:8:5: orders.v1.OrderPlaced: no file declares its topic "ordres"
  mend: did you mean "orders"? Else declare it: option (quadrille.v1.file) = { topic: [{ name: "ordres" owner: "…" }] };"#
    );
}

#[test]
fn a_strange_topic_is_declared() {
    // A topic like no other is to be declared.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "weather" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:6:35: orders.v1.OrderPlaced: no file declares its topic "weather"
  mend: declare it: option (quadrille.v1.file) = { topic: [{ name: "weather" owner: "…" }] };"#
    );
}

#[test]
fn an_event_is_a_message_of_its_own() {
    // Nested messages have no name of their own on a topic.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message Order {
  message Placed {
    option (quadrille.v1.event) = { topic: "orders" };
    string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  }
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:6:3: orders.v1.Order.Placed: an event inside message Order
  mend: move message Placed out of it"
    );
}

#[test]
fn a_package_has_a_version() {
    // A second version could not stand beside it.
    assert_eq!(
        refused(&[(
            "orders/orders.proto",
            &[r#"syntax = "proto3";
package orders;
message Line {}
"#]
        )]),
        r#"error: proto/orders/orders.proto:2:1: package orders does not end with a version
  mend: name it "package orders.v1;""#
    );
}

#[test]
fn a_file_has_a_package() {
    // A name without a package means nothing to others.
    assert_eq!(
        refused(&[(
            "orders.proto",
            &[r#"syntax = "proto3";
message Line {}
"#]
        )]),
        r#"error: proto/orders.proto:1:1: the file has no package
  mend: add one that ends with a version, such as "package orders.v1;""#
    );
}

#[test]
fn every_problem_is_told_at_once() {
    // One run tells all problems of all files, in the order of their places.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1;
}
message OrderLost {
  option (quadrille.v1.event) = { topic: "order" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
                ]
            ),
            (
                "payments/v1/payments.proto",
                &[r#"syntax = "proto3";
package payments;
"#]
            )
        ]),
        r#"error: proto/orders/v1/orders.proto:5:1: orders.v1.OrderPlaced: no field is its key
  mend: add [(quadrille.v1.field) = { key: { of: "order" } }] to the field that says what the event is about, with your own word for "order"
error: proto/orders/v1/orders.proto:10:35: orders.v1.OrderLost: no file declares its topic "order"
  mend: did you mean "orders"? Else declare it: option (quadrille.v1.file) = { topic: [{ name: "order" owner: "…" }] };
error: proto/payments/v1/payments.proto:2:1: package payments does not end with a version
  mend: name it "package payments.v1;""#
    );
}
