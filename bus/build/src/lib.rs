//! Turns `.proto` files with Quadrille's options into typed events, from a build script.
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
