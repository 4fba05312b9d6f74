//! Schemas that use all that may be used, under the same lints as everything else.
//!
//! That this crate compiles is half of the test; `tests/` shows that what is generated also holds.

/// Generated into a module, as a service with a schema of its own would.
pub mod events {
    quadrille::include_events!();
}
