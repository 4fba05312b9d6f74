//! Bugs that a world can ask for, so that the simulator's own tests can show that it finds them.
//!
//! Built with the cargo feature `planted` only, and off there too unless a world asks.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// An offset is committed once its record is handed out, and not once it is settled.
    CommitBeforeSettle,
    /// The inbox is written behind the change, and not with it.
    InboxOutside,
    /// Each attempt gets effect keys of its own.
    KeyPerAttempt,
}
