//! What the protobuf compiler refuses, with our mends.

use super::refused;

#[test]
fn a_misspelt_option_field_finds_the_right_one() {
    // The place is that of the word, and all of a file's mistakes are told.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = { topic: { nam: "orders" } };
message OrderPlaced {
  option (quadrille.v1.event) = {
    topc: "orders"
  };
  string order_id = 1 [(quadrille.v1.field) = { key: { off: "order" } }];
  string email = 2 [(quadrille.v1.field).sensitve = true];
}
message OrderLost {
  option (quadrille.v1.event).deadline.aftr = "15m";
}
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:4:41: option (quadrille.v1.file): field 'nam' not found for message 'quadrille.v1.Topic'
  mend: did you mean "name"?
error: proto/orders/v1/orders.proto:7:5: option (quadrille.v1.event): field 'topc' not found for message 'quadrille.v1.EventOptions'
  mend: did you mean "topic"?
error: proto/orders/v1/orders.proto:9:56: option (quadrille.v1.field): field 'off' not found for message 'quadrille.v1.Key'
  mend: did you mean "of"?
error: proto/orders/v1/orders.proto:10:21: option field '(quadrille.v1.field).sensitve' is not defined
  mend: did you mean "sensitive"?
error: proto/orders/v1/orders.proto:13:3: option field '(quadrille.v1.event).deadline.aftr' is not defined
  mend: did you mean "after"?"#
    );
}

#[test]
fn a_strange_option_field_is_told_what_there_is() {
    // Where nothing is like it, all fields are offered.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {
  option (quadrille.v1.event) = { colour: "red" };
}
"#]
        )]),
        r"error: proto/orders/v1/orders.proto:5:35: option (quadrille.v1.event): field 'colour' not found for message 'quadrille.v1.EventOptions'
  mend: there are topic, kind, compensated_by, deadline, reads"
    );
}

#[test]
fn a_misspelt_kind_finds_the_right_one() {
    // Enum values are offered like fields.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {
  option (quadrille.v1.event) = { kind: FALURE };
}
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:41: option (quadrille.v1.event): value 'FALURE' was not found for enum 'quadrille.v1.Kind'
  mend: did you mean "FAILURE"?"#
    );
}

#[test]
fn a_misspelt_option_finds_the_right_one() {
    // Our three options are offered.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {
  option (quadrille.v1.evnt) = { topic: "orders" };
}
"#]
        )]),
        r"error: proto/orders/v1/orders.proto:5:3: name 'quadrille.v1.evnt' is not defined
  mend: did you mean (quadrille.v1.event)?"
    );
}

#[test]
fn the_options_are_imported() {
    // A file that uses the options without importing them is told how to.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
}
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:4:3: name 'quadrille.v1.event' is not defined
  mend: add import "quadrille/v1/options.proto";"#
    );
}

#[test]
fn an_option_stands_where_it_belongs() {
    // The option of a message does not go to a file.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.event) = { topic: "orders" };
"#]
        )]),
        r"error: proto/orders/v1/orders.proto:4:1: expected an extension to type 'google.protobuf.FileOptions', but 'quadrille.v1.event' extends 'google.protobuf.MessageOptions'
  mend: (quadrille.v1.file) belongs to a file, (quadrille.v1.event) into a message, (quadrille.v1.field) to a field"
    );
}

#[test]
fn an_options_value_has_its_type() {
    // A topic is text, not a number.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {
  option (quadrille.v1.event) = { topic: 7 };
}
"#]
        )]),
        r"error: proto/orders/v1/orders.proto:5:42: option (quadrille.v1.event): expected a string, but found '7'
  mend: write the value as quadrille/v1/options.proto declares it"
    );
}

#[test]
fn an_option_is_said_once() {
    // Twice in one value, or twice as an option.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {
  option (quadrille.v1.event) = {
    topic: "orders"
    topic: "order"
  };
}
message OrderLost {
  option (quadrille.v1.event) = { topic: "orders" };
  option (quadrille.v1.event) = { topic: "orders" };
}
"#]
        )]),
        r"error: proto/orders/v1/orders.proto:6:5: option (quadrille.v1.event): 'topic' is already set
  mend: say it once
error: proto/orders/v1/orders.proto:12:3: option field '(quadrille.v1.event)' has already been set
  mend: say it once"
    );
}

#[test]
fn an_import_exists() {
    // The mend says where imports are looked for.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
import "common/v1/money.proto";
message Line {}
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:4:1: import 'common/v1/money.proto' not found
  mend: write its path from the folder of schemas, or name its folder in the build script with .include("…")"#
    );
}

#[test]
fn a_type_exists() {
    // The name is told, with its place.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {
  common.v1.Money total = 1;
}
"#]
        )]),
        r"error: proto/orders/v1/orders.proto:5:3: name 'common.v1.Money' is not defined
  mend: correct the name, or import the file that declares it"
    );
}

#[test]
fn a_name_means_one_thing() {
    // Two files with one event, and one file with the same twice.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {}
message Line {}
message Line {}
"#]
            ),
            (
                "orders/v1/withdrawn.proto",
                &[r#"syntax = "proto3";
package orders.v1;
message OrderPlaced {}
"#]
            ),
            (
                "orders/v1/also.proto",
                &[r#"syntax = "proto3";
package orders.v1;
message OrderPlaced {}
"#]
            )
        ]),
        r"error: proto/orders/v1/orders.proto:4:9: name 'orders.v1.OrderPlaced' is already defined in file 'orders/v1/also.proto'
  mend: rename one of the two, or remove it
error: proto/orders/v1/orders.proto:6:9: name 'orders.v1.Line' is defined twice
  mend: rename one of the two, or remove it
error: proto/orders/v1/withdrawn.proto:3:9: name 'orders.v1.OrderPlaced' is already defined in file 'orders/v1/also.proto'
  mend: rename one of the two, or remove it"
    );
}

#[test]
fn a_syntax_error_has_its_place() {
    // Every one of a file is told.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
message OrderPlaced {
  string order_id = 1
}
message Line {
  string sku 1;
}
"#]
        )]),
        r"error: proto/orders/v1/orders.proto:6:1: expected ';' or '[', but found '}'
error: proto/orders/v1/orders.proto:8:14: expected '=', but found '1'"
    );
}

#[test]
fn an_import_circle_is_drawn() {
    // Files that import each other cannot be read.
    assert_eq!(
        refused(&[
            (
                "a/v1/a.proto",
                &[r#"syntax = "proto3";
package a.v1;
import "b/v1/b.proto";
"#]
            ),
            (
                "b/v1/b.proto",
                &[r#"syntax = "proto3";
package b.v1;
import "a/v1/a.proto";
"#]
            )
        ]),
        r"error: proto/a/v1/a.proto: import cycle detected: a/v1/a.proto -> b/v1/b.proto -> a/v1/a.proto
error: proto/b/v1/b.proto: import cycle detected: b/v1/b.proto -> a/v1/a.proto -> b/v1/b.proto"
    );
}
