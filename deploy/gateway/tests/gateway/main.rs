//! The gateway from outside, over HTTP.
//!
//! `http` asks a gateway in this process, `process` starts, kills and starves the real program.

#![expect(
    clippy::unwrap_used,
    reason = "tests panic, and so do the functions that they share"
)]

mod asking;
mod http;
mod process;
