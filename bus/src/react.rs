//! React: an event comes in, a decision goes out.
//!
//! A reaction is a plain async function of one fixed shape, and its return type is its contract:
//! ```text
//! async fn order_placed(order: OrderPlaced, mut cx: Cx<Stock>) -> Reacted<Option<StockReserved>>;
//! ```
//! It decides; what it decided happens in [`crate::settle`], after it has returned. It publishes
//! nothing itself, and reaches outside only through [`Cx`] and the ports that its service was given.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

mod cx;
mod emits;
pub(crate) mod reaction;

pub use cx::Cx;
#[cfg(feature = "sqlite")]
pub use cx::joined::Joined;
pub(crate) use cx::{Cause, Context, InDelivery, Work};
pub(crate) use emits::{Born, Commit};
pub use emits::{Either, Emits, Emitted, NewFlow};

use crate::state;
use crate::status;

/// What a reaction returns: the events that it emits, or why it failed.
pub type Reacted<E> = Result<E, Failure>;

/// A reaction failed.
///
/// Any error turns into one with `?` and means *try again*: whoever knows that trying again is no
/// use says so with [`Failure::park`].
pub struct Failure {
    code: Cow<'static, str>,
    remedy: Remedy,
    source: Arc<dyn std::error::Error + Send + Sync>,
}

/// What helps against a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Trying again, a limited number of times.
    Retry,
    /// Trying again until what is out of order is in order.
    Wait,
    /// Nothing but a person.
    Park,
}

impl Failure {
    /// The event is tried again, with backoff, until its attempts are used up.
    ///
    /// The code is short and the same for all failures of this kind; it goes into receipts and logs.
    /// The error's text goes into the parked event, and into the log at level debug only: it may hold
    /// what is nobody's business. It never goes into receipts.
    pub fn retry(
        code: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            code: code.into(),
            remedy: Remedy::Retry,
            source: source.into().into(),
        }
    }

    /// The event is parked at once: trying again would fail in the same way.
    pub fn park(
        code: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            remedy: Remedy::Park,
            ..Self::retry(code, source)
        }
    }

    /// What the reaction needs of the outside is out of order: the event is tried again, with
    /// backoff, for as long as that lasts. It uses up no attempts.
    pub fn outage(
        code: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            remedy: Remedy::Wait,
            ..Self::retry(code, source)
        }
    }

    /// The short code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What helps against it.
    pub fn remedy(&self) -> Remedy {
        self.remedy
    }

    /// The store's error, where it is what failed.
    pub(crate) fn store_error(&self) -> Option<&state::Error> {
        self.source.downcast_ref()
    }

    /// The whole chain of errors as one line.
    pub fn chain(&self) -> String {
        status::chain(&*self.source)
    }
}

// Not an `Error` itself, so that every error converts into it.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let any: &dyn std::any::Any = &error;
        let unavailable = any
            .downcast_ref::<state::Error>()
            .is_some_and(|error| error.kind.is_weather());
        if unavailable {
            Self::outage("state_unavailable", error)
        } else {
            Self::retry("error", error)
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {}", self.remedy, self.code, self.chain())
    }
}
