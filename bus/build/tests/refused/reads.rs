//! Messages that do not fit the event of which they read a part.

use super::{HEAD, refused};

#[test]
fn what_is_read_exists() {
    // A misspelt name finds the right one.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlacd" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#]
            )
        ]),
        r#"error: proto/shop/v1/shop.proto:6:35: shop.v1.Seen: reads names orders.v1.OrderPlacd, which does not exist
  mend: did you mean "orders.v1.OrderPlaced"?"#
    );
}

#[test]
fn what_is_read_is_an_event() {
    // Plain messages are on no topic.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = { reads: "orders.v1.Line" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#]
            )
        ]),
        r"error: proto/shop/v1/shop.proto:6:35: shop.v1.Seen: reads names orders.v1.Line, which is no event
  mend: give that message an option (quadrille.v1.event), or name another one"
    );
}

#[test]
fn what_is_read_is_the_owners() {
    // A reader's message is on no topic either.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlaced" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
message SeenAgain {
  option (quadrille.v1.event) = { reads: "shop.v1.Seen" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#]
            )
        ]),
        r#"error: proto/shop/v1/shop.proto:10:35: shop.v1.SeenAgain: reads names shop.v1.Seen, which only reads orders.v1.OrderPlaced
  mend: name "orders.v1.OrderPlaced""#
    );
}

#[test]
fn a_reader_says_nothing_else() {
    // The owner says it already.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = {
    reads: "orders.v1.OrderPlaced"
    topic: "orders"
    kind: NOTICE
    compensated_by: "orders.v1.OrderPlaced"
    deadline: { after: "1d" }
  };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
}
"#]
            )
        ]),
        r"error: proto/shop/v1/shop.proto:8:5: shop.v1.Seen: a topic of its own, though it reads orders.v1.OrderPlaced
  mend: keep only reads: the owner of the event says the rest
error: proto/shop/v1/shop.proto:9:5: shop.v1.Seen: a kind of its own, though it reads orders.v1.OrderPlaced
  mend: keep only reads: the owner of the event says the rest
error: proto/shop/v1/shop.proto:10:5: shop.v1.Seen: a compensation of its own, though it reads orders.v1.OrderPlaced
  mend: keep only reads: the owner of the event says the rest
error: proto/shop/v1/shop.proto:11:5: shop.v1.Seen: a deadline of its own, though it reads orders.v1.OrderPlaced
  mend: keep only reads: the owner of the event says the rest"
    );
}

#[test]
fn a_reader_has_a_key() {
    // It is an event too.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlaced" };
  string order_id = 1;
}
"#]
            )
        ]),
        r#"error: proto/shop/v1/shop.proto:5:1: shop.v1.Seen: no field is its key
  mend: add [(quadrille.v1.field) = { key: { of: "order" } }] to the field that says what the event is about, with your own word for "order""#
    );
}

#[test]
fn a_reader_has_the_owners_key() {
    // Another field, or another space, would order it differently.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlaced" };
  string order_id = 1;
  string customer_id = 7 [(quadrille.v1.field) = { key: { of: "customer" } }];
}
message SeenToo {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlaced" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "shop" } }];
}
"#]
            )
        ]),
        r#"error: proto/shop/v1/shop.proto:8:52: shop.v1.Seen.customer_id: not the key of orders.v1.OrderPlaced
  mend: take order_id as the key, of "order"
error: proto/shop/v1/shop.proto:12:49: shop.v1.SeenToo.order_id: not the key of orders.v1.OrderPlaced
  mend: take order_id as the key, of "order""#
    );
}

#[test]
fn a_readers_fields_are_the_owners() {
    // Number, name, type and label must agree, or it would decode nonsense.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlaced" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string mail = 2 [(quadrille.v1.field) = { sensitive: true }];
  orders.v1.Line lines = 3;
  string note = 4;
  map<string, string> extras = 5;
  string colour = 6;
  string customer_id = 8;
  string shipper_id = 9;
}
"#]
            )
        ]),
        r#"error: proto/shop/v1/shop.proto:8:3: shop.v1.Seen.mail: not as in orders.v1.OrderPlaced
  mend: declare it as "string email = 2;"
error: proto/shop/v1/shop.proto:9:3: shop.v1.Seen.lines: not as in orders.v1.OrderPlaced
  mend: declare it as "repeated orders.v1.Line lines = 3;"
error: proto/shop/v1/shop.proto:10:3: shop.v1.Seen.note: not as in orders.v1.OrderPlaced
  mend: declare it as "optional string note = 4;"
error: proto/shop/v1/shop.proto:11:3: shop.v1.Seen.extras: not as in orders.v1.OrderPlaced
  mend: declare it as "map<string, orders.v1.Line> extras = 5;"
error: proto/shop/v1/shop.proto:12:3: shop.v1.Seen.colour: not as in orders.v1.OrderPlaced
  mend: declare it as "orders.v1.Colour colour = 6;"
error: proto/shop/v1/shop.proto:13:3: shop.v1.Seen.customer_id: orders.v1.OrderPlaced has no field 8
  mend: declare it as there: "string customer_id = 7;"
error: proto/shop/v1/shop.proto:14:3: shop.v1.Seen.shipper_id: orders.v1.OrderPlaced has no field 9
  mend: remove it: nobody writes it"#
    );
}

#[test]
fn a_readers_parts_are_the_owners() {
    // A smaller message inside, or a smaller enum, must fit as well.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlaced" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  repeated Line lines = 3;
  map<string, Line> extras = 5;
  Colour colour = 6;
}
message Line {
  uint64 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_BLUE = 1;
}
"#]
            )
        ]),
        r#"error: proto/shop/v1/shop.proto:10:3: shop.v1.Seen.colour: not as in orders.v1.OrderPlaced
  mend: declare it as "orders.v1.Colour colour = 6;"
error: proto/shop/v1/shop.proto:13:3: shop.v1.Line.quantity: not as in orders.v1.Line
  mend: declare it as "uint32 quantity = 2;""#
    );
}

#[test]
fn what_is_sensitive_to_the_owner_is_to_the_reader() {
    // Else the reader's log would show it.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[
                    HEAD,
                    r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2 [(quadrille.v1.field) = { sensitive: true }];
  repeated Line lines = 3;
  optional string note = 4;
  map<string, Line> extras = 5;
  Colour colour = 6;
  string customer_id = 7;

}
message Line {
  string sku = 1;
  uint32 quantity = 2;
}
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#
                ]
            ),
            (
                "shop/v1/shop.proto",
                &[r#"syntax = "proto3";
package shop.v1;
import "orders/v1/orders.proto";
import "quadrille/v1/options.proto";
message Seen {
  option (quadrille.v1.event) = { reads: "orders.v1.OrderPlaced" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  string email = 2;
}
"#]
            )
        ]),
        r"error: proto/shop/v1/shop.proto:8:3: shop.v1.Seen.email: sensitive in orders.v1.OrderPlaced, and not here
  mend: add [(quadrille.v1.field) = { sensitive: true }] to it"
    );
}
