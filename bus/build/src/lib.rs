//! Turns `.proto` files with Quadrille's options into typed events, from a build script, without
//! `protoc`.
//!
//! The options say what the bus must know of an event, at the event itself, so that there is no
//! second place to say it. In `proto/orders/v1/orders.proto`:
//!
//! ```proto
//! syntax = "proto3";
//!
//! package orders.v1;
//!
//! import "quadrille/v1/options.proto";
//!
//! // The topics that this file's events live on.
//! option (quadrille.v1.file) = {
//!   topic: [{ name: "orders" owner: "orders" partitions: 6 retention: "7d" }]
//! };
//!
//! // A customer has placed an order.
//! message OrderPlaced {
//!   option (quadrille.v1.event) = { topic: "orders" };
//!
//!   // The order.
//!   string order_id = 1 [(quadrille.v1.field) = { key: { of: "order" } }];
//!   // Where the customer is told of the outcome.
//!   string email = 2 [(quadrille.v1.field) = { sensitive: true }];
//! }
//! ```
//!
//! The build script is one line. `quadrille-build` is a build dependency, and `quadrille` the only
//! dependency that generated code needs:
//!
//! ```text
//! // build.rs
//! fn main() {
//!     quadrille_build::compile("proto");
//! }
//! ```
//!
//! and so is the library:
//!
//! ```text
//! // src/lib.rs
//! quadrille::include_events!();
//! ```
//!
//! # What is generated
//!
//! A module for each part of a package's name, here `orders::v1`, and in it
//!
//! - for every message and enum the type that [prost](prost_build) makes of it, with the comments
//!   of the `.proto` file as its documentation;
//! - for every event `impl quadrille::Event`, with all that its options say;
//! - for every message with a sensitive field a `Debug` that shows `***` in its place. A message
//!   that holds such a message shows it so, too.
//!
//! Beside the modules stand `DESCRIPTORS`, the encoded `FileDescriptorSet` with our options in it,
//! and `EVENTS`, the schemas of all events.
//!
//! # Options
//!
//! `import "quadrille/v1/options.proto"` resolves anywhere: the file is carried here, as
//! [`OPTIONS_PROTO`]. An editor or a linter may want a copy of it beside the schemas, which is
//! allowed as long as it is one.
//!
//! | option | says |
//! |---|---|
//! | `(quadrille.v1.file).topic` | name, owner, partitions (6), replication (the broker's), retention (`"7d"`) or compacted. Without an owner the topic is checked, and never created |
//! | `(quadrille.v1.event).topic` | the topic of the event, declared in any file |
//! | `.kind` | `FACT`, `FAILURE` (effects before it are to be undone), `OUTCOME` (ends a flow) or `NOTICE` (nobody need react) |
//! | `.compensated_by` | the event that undoes this one's effect |
//! | `.deadline` | what is emitted `after` a time, unless one of some events has come |
//! | `.reads` | the event of another owner of which this message reads a part. Its fields are checked against that event, and it has no topic of its own |
//! | `(quadrille.v1.field).key` | the event's key, and whose id it is. One per event, a string or an integer |
//! | `.sensitive` | masked in logs and pages |
//!
//! # What is refused
//!
//! A wrong schema stops the build. All problems of a run are told, each with its place and its
//! mend:
//!
//! ```text
//! error: proto/orders/v1/orders.proto:13:1: orders.v1.OrderPlaced: no field is its key
//!   mend: add [(quadrille.v1.field) = { key: { of: "order" } }] to the field that says what the event is about, with your own word for "order"
//! ```
//!
//! Events inside messages are refused, and packages that do not end with a version such as `v1`.
//! That an event's name is in the past tense is not checked.
//!
//! [`Config`] imports schemas of other crates, and returns what is wrong instead of printing it.

mod check;
mod config;
mod error;
mod facts;
mod files;
mod generate;
mod names;
mod nearest;
mod options;
mod sources;
mod text;

use std::path::Path;

pub use config::Config;
pub use error::{Error, Problem};
pub use options::OPTIONS_PROTO;

/// Generates the events of all `.proto` files under `folder`, which is relative to the crate.
///
/// For the body of a build script's `main`. Where a schema is wrong it prints every problem, with
/// file, line and mend, and ends the process with exit code 1.
pub fn compile(folder: impl AsRef<Path>) {
    Config::new().compile(folder);
}
