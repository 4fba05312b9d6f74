//! The machine's clock. This is an outside process under no simulator, so it may read it, but only
//! here.

use std::time::Duration;

use jiff::Timestamp;

#[expect(
    clippy::disallowed_methods,
    reason = "an outside party has its own clock"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "an outside party has its own clock"
)]
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// What the work gave, or nothing if it took longer than the limit.
#[expect(
    clippy::disallowed_methods,
    reason = "an outside party has its own clock"
)]
pub(crate) async fn timeout<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    tokio::time::timeout(limit, work).await.ok()
}
