//! What can go wrong at the edge to a broker.

use std::fmt;

/// A broker could not do what was asked.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// Why a broker could not do what was asked. Every adapter maps its own errors to these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No broker answers, or not in time.
    Unreachable,
    /// The topic or partition is not there.
    UnknownTopic,
    /// The record is larger than the broker or the client takes.
    TooLarge,
    /// The broker does not let this user do it.
    NotAuthorised,
    /// The broker does not believe who we are.
    NotAuthenticated,
    /// The member or producer was replaced by a newer one, or no longer owns the partition.
    Fenced,
    /// The request itself is wrong, e.g. more replicas than brokers.
    Invalid,
    /// The client was shut down.
    Closed,
    /// Anything else.
    Other,
}

impl Error {
    /// An error with what was tried and why it failed, in lower case, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Why the broker could not do it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// A short code for the kind, the same for all errors of it.
    pub(crate) fn code(&self) -> &'static str {
        match self.kind {
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::UnknownTopic => "unknown_topic",
            ErrorKind::TooLarge => "too_large",
            ErrorKind::NotAuthorised => "not_authorised",
            ErrorKind::NotAuthenticated => "not_authenticated",
            ErrorKind::Fenced => "fenced",
            ErrorKind::Invalid => "invalid",
            ErrorKind::Closed => "closed",
            ErrorKind::Other => "other",
        }
    }

    /// Whether the same request may succeed later without anybody mending anything.
    pub fn is_transient(&self) -> bool {
        match self.kind {
            ErrorKind::Unreachable => true,
            // A topic may be about to be created by the service that owns it.
            ErrorKind::UnknownTopic => true,
            // A rebalance hands the partition to somebody else, who goes on.
            ErrorKind::Fenced => false,
            ErrorKind::TooLarge
            | ErrorKind::NotAuthorised
            | ErrorKind::NotAuthenticated
            | ErrorKind::Invalid
            | ErrorKind::Closed => false,
            // Unknown errors are treated as weather: giving up would lose events.
            ErrorKind::Other => true,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
