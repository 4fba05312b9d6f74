//! Types that cannot be generated, or not be masked.

use super::{HEAD, refused};

#[test]
fn the_options_types_are_for_options() {
    // They are no part of any event.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  quadrille.v1.Kind kind = 2;
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:8:3: orders.v1.OrderPlaced.kind: its type quadrille.v1.Kind is imported and has no Rust path
  mend: use a type of your own: this one is for options only"
    );
}

#[test]
fn enum_values_have_different_names_in_rust() {
    // The prefix that a value loses may be all that told two apart.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r"enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
  RED = 2;
}
"
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:8:3: orders.v1.RED is Red in Rust, as COLOUR_RED is
  mend: rename one of them"
    );
}

#[test]
fn a_sensitive_field_has_an_end() {
    // A message inside itself has paths without end, of which some would stay unmasked.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[
                HEAD,
                r#"message OrderPlaced {
  option (quadrille.v1.event) = { topic: "orders" };
  string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
  Person payer = 2;
}
message Person {
  string name = 1 [(quadrille.v1.field) = { sensitive: true }];
  Person spouse = 2;
}
"#
            ]
        )]),
        r"error: proto/orders/v1/orders.proto:11:45: orders.v1.Person.name: a sensitive field in a message that holds messages of its own type
  mend: mark the field that holds the outermost of them as sensitive instead"
    );
}
