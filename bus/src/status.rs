//! Whether a service is alive and ready, and why not, on a port of its own.
//!
//! The bus says what it waits for through a [`Status`]; the port tells it to whoever asks:
//! `/healthz` (200 unless the service failed for good), `/readyz` (200, or 503 with what is waited
//! for) and `/contract`. A service that waits is alive: to start it again would not help.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::watch;

/// Reasons that one report tells. More are counted.
const REASONS_MAX: usize = 100;

/// What the bus says about the service. All clones are one.
#[derive(Debug, Clone)]
pub struct Status(watch::Sender<Facts>);

/// What is known of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Facts {
    is_started: bool,
    is_draining: bool,
    waiting: BTreeMap<String, String>,
    failed: Option<String>,
}

/// What `/readyz` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether the service does its work.
    pub ready: bool,
    /// Where it stands.
    pub state: State,
    /// What it waits for, in the order of the conditions' names.
    pub waiting_for: Vec<String>,
    /// Why it failed for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// Where a service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has not said yet that it has started.
    Starting,
    /// It lacks something that it needs, and goes on by itself once that is there.
    Waiting,
    /// It does its work.
    Ready,
    /// It finishes what it has in hand, and takes nothing new.
    Draining,
    /// It failed for good and must be started again.
    Failed,
}

/// An error with all that led to it, on one line: a reason that a person reads.
pub fn chain(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    let all: Vec<_> = all.map(ToString::to_string).collect();
    all.join(": ")
}

impl Status {
    /// Of a service that has not started yet.
    pub fn starting() -> Self {
        Self(watch::Sender::new(Facts::default()))
    }

    /// The service has started: from now on it is ready unless it waits for something.
    pub fn started(&self) {
        self.change(|facts| facts.is_started = true);
    }

    /// A condition of this name is missing, for a reason that a person reads, such as
    /// ``topic `orders` does not exist``. Said again, the newer reason stands.
    pub fn set_waiting(&self, name: &str, reason: impl Into<String>) {
        let reason = reason.into();
        self.change(|facts| {
            facts.waiting.insert(name.to_owned(), reason);
        });
    }

    /// The condition of this name is missing no longer.
    pub fn clear(&self, name: &str) {
        self.change(|facts| {
            facts.waiting.remove(name);
        });
    }

    /// A condition of this name is missing until what this gives is dropped, however whoever waits for
    /// it ends.
    pub(crate) fn missing(&self, name: &'static str, reason: impl Into<String>) -> Missing<'_> {
        self.set_waiting(name, reason);
        Missing { status: self, name }
    }

    /// The service takes nothing new, for ever.
    pub fn draining(&self) {
        self.change(|facts| facts.is_draining = true);
    }

    /// The service failed for good. The first reason stands: the others follow from it.
    pub fn fail(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.change(|facts| {
            facts.failed.get_or_insert(reason);
        });
    }

    /// How it stands now.
    pub fn report(&self) -> Report {
        self.0.borrow().report()
    }

    /// Waits until a report is as wanted. Cancel-safe.
    pub async fn until(&self, wanted: impl Fn(&Report) -> bool + Send) -> Report {
        let mut facts = self.0.subscribe();
        match facts.wait_for(|facts| wanted(&facts.report())).await {
            Ok(facts) => facts.report(),
            Err(_) => unreachable!("the sender lives in `self`"),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Facts)) {
        self.0.send_if_modified(|facts| {
            let before = facts.clone();
            change(facts);
            *facts != before
        });
    }
}

impl Facts {
    fn report(&self) -> Report {
        let state = if self.failed.is_some() {
            State::Failed
        } else if self.is_draining {
            State::Draining
        } else if !self.waiting.is_empty() {
            State::Waiting
        } else if self.is_started {
            State::Ready
        } else {
            State::Starting
        };
        let mut waiting_for: Vec<String> =
            self.waiting.values().take(REASONS_MAX).cloned().collect();
        let untold = self.waiting.len() - waiting_for.len();
        if untold > 0 {
            waiting_for.push(format!("{untold} more"));
        }
        Report {
            ready: state == State::Ready,
            state,
            waiting_for,
            failed: self.failed.clone(),
        }
    }
}

/// A condition that is missing until this is dropped.
#[derive(Debug)]
pub(crate) struct Missing<'a> {
    status: &'a Status,
    name: &'static str,
}

impl Drop for Missing<'_> {
    fn drop(&mut self) {
        self.status.clear(self.name);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_service_is_ready_once_it_has_started_and_waits_for_nothing() {
        let status = Status::starting();
        assert_eq!(status.report().state, State::Starting);

        // Given two conditions that are missing, one of them told twice.
        status.started();
        status.set_waiting("topic orders", "topic `orders` does not exist");
        status.set_waiting("broker", "no broker answers");
        status.set_waiting("broker", "no broker answers for 3 s");
        let report = status.report();
        assert!(!report.ready);
        assert_eq!(
            report.waiting_for,
            ["no broker answers for 3 s", "topic `orders` does not exist"]
        );

        // When both are there.
        let clone = status.clone();
        clone.clear("broker");
        assert_eq!(status.report().state, State::Waiting);
        clone.clear("topic orders");

        // Then it is ready, until it drains.
        assert!(status.report().ready);
        status.draining();
        assert_eq!(status.report().state, State::Draining);
        assert!(!status.report().ready);
    }

    #[test]
    fn the_first_reason_of_a_failure_stands() {
        let status = Status::starting();
        status.fail("fenced by a newer instance");
        status.fail("the consumer is closed");
        let report = status.report();
        assert_eq!(report.state, State::Failed);
        assert_eq!(report.failed.as_deref(), Some("fenced by a newer instance"));
    }

    #[test]
    fn a_report_has_a_limit() {
        let status = Status::starting();
        for number in 0..REASONS_MAX + 5 {
            status.set_waiting(&format!("{number:03}"), format!("no {number}"));
        }
        let report = status.report();
        assert_eq!(report.waiting_for.len(), REASONS_MAX + 1);
        assert_eq!(report.waiting_for.last().unwrap(), "5 more");
    }

    #[test]
    fn whoever_waits_for_a_state_is_told() {
        let status = Status::starting();
        let waiting = status.clone();
        let mut ready = Box::pin(waiting.until(|report| report.ready));
        assert_eq!((&mut ready).now_or_never(), None);
        status.started();
        assert!(ready.now_or_never().unwrap().ready);
    }
}
