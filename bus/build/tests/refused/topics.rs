//! Topics that may not be declared so.

use super::refused;

#[test]
fn a_topic_has_a_name() {
    // A topic without a name cannot be created.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ owner: "orders" }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:3: a topic without a name
  mend: add name: "orders", after what its events are about"#
    );
}

#[test]
fn a_topic_has_kafkas_characters() {
    // Kafka would refuse the name at start, which is late.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ owner: "orders" name: "orders placed" }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:29: topic "orders placed": a strange character in its name
  mend: use letters, digits, '.', '_' and '-' only"#
    );
}

#[test]
fn a_topic_has_kafkas_length() {
    // Kafka would refuse the name at start, which is late.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo" }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:13: topic "oooooooooooooooooooo…": its name has more than 249 characters
  mend: shorten it"#
    );
}

#[test]
fn a_topic_is_no_folder() {
    // Kafka keeps a topic in a folder of its name.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: ".." }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:13: topic "..": its name means a folder
  mend: use a letter or digit too"#
    );
}

#[test]
fn an_owner_is_a_service() {
    // Service names have no dots.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: "orders" owner: "shop.orders" }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:28: topic "orders": owner "shop.orders" is no service's name
  mend: use letters, digits, '_' and '-'; without owner it is owned elsewhere"#
    );
}

#[test]
fn partitions_have_a_limit() {
    // Both ends of the range are refused.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: "orders" partitions: 0 },
    { name: "payments" partitions: 10001 }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:28: topic "orders": partitions is 0
  mend: say 1 to 10000, or nothing for 6
error: proto/orders/v1/orders.proto:6:24: topic "payments": partitions is 10001
  mend: say 1 to 10000, or nothing for 6"#
    );
}

#[test]
fn replication_has_a_limit() {
    // Both ends of the range are refused.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: "orders" replication: 0 },
    { name: "payments" replication: 17 }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:28: topic "orders": replication is 0
  mend: say 1 to 16, or nothing for the broker's default
error: proto/orders/v1/orders.proto:6:24: topic "payments": replication is 17
  mend: say 1 to 16, or nothing for the broker's default"#
    );
}

#[test]
fn retention_is_a_time() {
    // A unit must be one of four.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: "orders" retention: "1 week" }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:28: topic "orders": retention "1 week" is no time
  mend: write it as "7d", "12h", "30m" or "45s", or "forever""#
    );
}

#[test]
fn retention_has_a_limit() {
    // Longer than a hundred years is for ever.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: "orders" retention: "36501d" }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:28: topic "orders": retention "36501d" is no time
  mend: write it as "7d", "12h", "30m" or "45s", or "forever""#
    );
}

#[test]
fn a_compacted_topic_has_no_retention() {
    // The two contradict each other.
    assert_eq!(
        refused(&[(
            "orders/v1/orders.proto",
            &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: "orders" retention: "7d" compacted: true }]
};
"#]
        )]),
        r#"error: proto/orders/v1/orders.proto:5:44: topic "orders": says both retention and compacted
  mend: keep retention for a time, or compacted for the newest event of each key"#
    );
}

#[test]
fn a_topic_is_declared_once() {
    // A second declaration names the first, in the same file or another.
    assert_eq!(
        refused(&[
            (
                "orders/v1/orders.proto",
                &[r#"syntax = "proto3";
package orders.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = {
  topic: [{ name: "orders" }, { name: "orders" }]
};
"#]
            ),
            (
                "payments/v1/payments.proto",
                &[r#"syntax = "proto3";
package payments.v1;
import "quadrille/v1/options.proto";
option (quadrille.v1.file) = { topic: { name: "orders" owner: "payments" } };
"#]
            )
        ]),
        r#"error: proto/orders/v1/orders.proto:5:31: topic "orders" is declared twice, first in proto/orders/v1/orders.proto:5:11
  mend: declare it in one file only, its owner's
error: proto/payments/v1/payments.proto:4:32: topic "orders" is declared twice, first in proto/orders/v1/orders.proto:5:11
  mend: declare it in one file only, its owner's"#
    );
}
