//! Compensations and deadlines that lead nowhere.

use super::{HEAD, refused};

#[test]
fn a_compensation_exists() {
    // A misspelt name finds the right one.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = {
    topic: "orders"
    compensated_by: "orders.v1.OrderCanceled"
  };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:8:5: orders.v1.OrderPlaced: compensated_by names orders.v1.OrderCanceled, which does not exist
  mend: did you mean "orders.v1.OrderCancelled"?"#
    );
}

#[test]
fn a_compensation_has_its_full_name() {
    // A short name finds the full one.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" compensated_by: "OrderCancelled" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:6:51: orders.v1.OrderPlaced: compensated_by names OrderCancelled, which does not exist
  mend: did you mean "orders.v1.OrderCancelled"?"#
    );
}

#[test]
fn a_strange_compensation_is_to_be_named_in_full() {
    // Where nothing is like it, the form is told.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" compensated_by: "weather" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:6:51: orders.v1.OrderPlaced: compensated_by names weather, which does not exist
  mend: write the full name of an event, such as "orders.v1.OrderPlaced""#
    );
}

#[test]
fn a_compensation_is_an_event() {
    // A plain message is never published.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" compensated_by: "orders.v1.Line" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message Line {}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:6:51: orders.v1.OrderPlaced: compensated_by names orders.v1.Line, which is no event
  mend: give that message an option (quadrille.v1.event), or name another one"
    );
}

#[test]
fn a_compensation_is_another_event() {
    // Nothing undoes itself.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" compensated_by: "orders.v1.OrderPlaced" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:6:51: orders.v1.OrderPlaced: compensated_by names the event itself
  mend: name the event that undoes its effect"
    );
}

#[test]
fn a_compensation_is_the_owners_event() {
    // A reader's message is never published.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" compensated_by: "orders.v1.OrderSeen" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderSeen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderCancelled" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:6:51: orders.v1.OrderPlaced: compensated_by names orders.v1.OrderSeen, which only reads orders.v1.OrderCancelled
  mend: name "orders.v1.OrderCancelled""#
    );
}

#[test]
fn a_compensation_has_the_same_key_space() {
    // Keys of different spaces never match.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" compensated_by: "orders.v1.OrderCancelled" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string sku = 1 [(quadrille.v1.field) = { key: { of: "sku" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:6:51: orders.v1.OrderPlaced: compensated_by names orders.v1.OrderCancelled, whose key is of "sku", not of "order"
  mend: key both events by the same thing, or name another event"#
    );
}

#[test]
fn a_deadline_has_a_time() {
    // The time has the form of all times.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = {
    topic: "orders"
    deadline: {
      after: "15 min"
      unless_any: ["orders.v1.OrderCancelled"]
      emits: "orders.v1.OrderCancelled"
    }
  };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:9:7: orders.v1.OrderPlaced: its deadline's after "15 min" is no time
  mend: write it as "7d", "12h", "30m" or "45s""#
    );
}

#[test]
fn a_deadline_says_what_meets_it_and_what_follows() {
    // An empty deadline would never be met, and tell nobody.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" deadline: { after: "15m" } };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:6:51: orders.v1.OrderPlaced: its deadline emits nothing
  mend: add emits with the full name of the event that says the time has passed
error: proto/orders/v1/orders.proto:6:51: orders.v1.OrderPlaced: its deadline names no event that meets it
  mend: add unless_any with the full names of the events that meet it"
    );
}

#[test]
fn a_deadline_names_events() {
    // Each of its events is looked for.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = {
    topic: "orders"
    deadline: {
      after: "15m"
      unless_any: ["orders.v1.OrderCancelled", "orders.v1.OrderCanceled", "orders.v1.Line"]
      emits: "orders.v1.Expired"
    }
  };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message Line {}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:10:48: orders.v1.OrderPlaced: unless_any names orders.v1.OrderCanceled, which does not exist
  mend: did you mean "orders.v1.OrderCancelled"?
error: proto/orders/v1/orders.proto:10:75: orders.v1.OrderPlaced: unless_any names orders.v1.Line, which is no event
  mend: give that message an option (quadrille.v1.event), or name another one
error: proto/orders/v1/orders.proto:11:7: orders.v1.OrderPlaced: emits names orders.v1.Expired, which does not exist
  mend: write the full name of an event, such as "orders.v1.OrderPlaced""#
    );
}

#[test]
fn a_deadline_emits_an_event() {
    // A plain message cannot be emitted.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = {
    topic: "orders"
    deadline: { after: "15m" unless_any: "orders.v1.OrderCancelled" emits: "orders.v1.Line" }
  };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message Line {}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:8:69: orders.v1.OrderPlaced: emits names orders.v1.Line, which is no event
  mend: give that message an option (quadrille.v1.event), or name another one"
    );
}

#[test]
fn a_deadline_emits_an_event_of_the_same_key_space() {
    // Keys of different spaces never match.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = {
    topic: "orders"
    deadline: { after: "15m" unless_any: "orders.v1.OrderCancelled" emits: "orders.v1.OrderLost" }
  };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderCancelled {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message OrderLost {
  option (quadrille.v1.event) = { topic: "orders" };
  uint64 sku = 1 [(quadrille.v1.field) = { key: { of: "sku" } }];
}
"#
            ]
        )]),
        r#"error: proto/orders/v1/orders.proto:8:69: orders.v1.OrderPlaced: emits names orders.v1.OrderLost, whose key is of "sku", not of "order"
  mend: key both events by the same thing, or name another event"#
    );
}
