//! Settle: what becomes of an event after a reaction has had it.
//!
//! The one place that matches on an `Outcome`. *Done* applies the decision, publishes what it
//! emitted and its receipt, and lets the offset go; *retry* writes a receipt and says when to come
//! back; *park* puts the event aside, acknowledged, and lets the offset go. What the broker or the
//! store cannot do just now is tried again here for as long as it takes: giving up would lose an
//! event. Only a drain ends that, and then the event is somebody else's to handle again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;

pub(crate) mod emit;
pub(crate) mod outbox;
pub mod park;
#[cfg(feature = "planted")]
mod planted;
pub(crate) mod receipt;
pub mod retry;

use crate::broker::Outgoing;
use crate::consume::delivery::Delivery;
use crate::observe::{self, Handled};
use crate::react::reaction::Failed;
use crate::react::{Commit, Emitted, Failure, Remedy, Work};
use crate::service::host::Host;
use crate::state::locks::Guard;
use crate::state::{Applied, Change, Committed, ErrorKind, RecordId, Store};
use crate::wire;
use crate::world::{self, Point};
use receipt::Attempt;

/// What a reaction's attempt amounts to.
pub(crate) enum Outcome {
    /// It decided: apply and publish.
    Done(Emitted, Work),
    /// It failed, and is tried again after this long.
    Retry(Failure, Duration),
    /// It failed for good, on what it had read: put the event aside.
    Park(Failure, Reads),
    /// It rests on what is not so: decide again.
    Stale(Vec<RecordId>),
}

/// What an attempt rests on: records with the versions that it has seen.
pub(crate) type Reads = BTreeMap<RecordId, u64>;

/// How an attempt was settled.
pub(crate) enum Settled {
    /// The event is finished: its offset may be committed.
    Finished,
    /// To be tried again after this long, as a new attempt.
    Again(Duration),
    /// Somebody changed what the decision rested on: decide again, the same attempt, holding the
    /// locks of these records.
    Conflict(Vec<RecordId>),
    /// Somebody else has taken the partition over: the event is theirs.
    Fenced,
}

impl Outcome {
    /// Judges an attempt. `failures` counts those before it that use up attempts.
    pub(crate) fn of(
        result: Result<Emitted, Failed>,
        work: Work,
        attempt: u32,
        failures: u32,
        policy: &retry::Policy,
        random: u64,
    ) -> Self {
        if work.is_stale {
            return Self::Stale(work.reads.into_keys().collect());
        }
        let failure = match result {
            Ok(emitted) => return Self::Done(emitted, work),
            Err(Failed::Undecodable(detail)) => Failure::park("undecodable", detail),
            Err(Failed::Reaction(failure)) => failure,
        };
        let reads = work.reads;
        match failure.remedy() {
            Remedy::Park => Self::Park(failure, reads),
            Remedy::Wait => Self::Retry(failure, policy.wait(attempt, random)),
            Remedy::Retry => match policy.after(failures + 1, random) {
                Some(wait) => Self::Retry(failure, wait),
                None => Self::Park(failure, reads),
            },
        }
    }
}

/// Settles one attempt. Locks that the decision was made under are held until it is in the store.
///
/// There are thousands of these at once, of which nearly all wait for the broker: what that takes is
/// kept, and no more.
pub(crate) fn settle<'a>(
    host: &'a Host,
    delivery: &'a Delivery,
    attempt: Attempt,
    outcome: Outcome,
    locks: Option<Guard>,
) -> BoxFuture<'a, Settled> {
    match outcome {
        Outcome::Done(emitted, work) => done(host, delivery, attempt, emitted, work, locks),
        Outcome::Retry(failure, wait) => {
            observe::retrying(delivery, &attempt, &failure, wait);
            host.observer
                .handled(delivery, &attempt, Handled::Retried(&failure));
            let next = host.world.now() + wait;
            let receipt = receipt::Verdict::retry(&failure, next);
            let receipt = receipt.record(host, delivery, &attempt);
            let told = host.outbox.send_and_forget(receipt);
            told.map(move |()| Settled::Again(wait)).boxed()
        }
        Outcome::Park(failure, reads) => park(host, delivery, attempt, failure, reads).boxed(),
        Outcome::Stale(records) => ready(Settled::Conflict(records)).boxed(),
    }
}

fn done<'a>(
    host: &'a Host,
    delivery: &'a Delivery,
    attempt: Attempt,
    mut emitted: Emitted,
    work: Work,
    locks: Option<Guard>,
) -> BoxFuture<'a, Settled> {
    if let Some(commit) = emitted.take_committed() {
        return committed(host, delivery, attempt, commit).boxed();
    }
    let events = match emit::from_reaction(host, delivery, attempt.span, emitted) {
        Ok(events) => events,
        Err(failure) => return park(host, delivery, attempt, failure, work.reads).boxed(),
    };
    let receipt = receipt::Verdict::done(&events).record(host, delivery, &attempt);
    let mut outbox: Vec<Outgoing> = events.into_iter().map(|event| event.record).collect();
    outbox.extend(receipt);
    let Some(store) = &host.store else {
        host.observer.handled(delivery, &attempt, Handled::Done);
        return published(host, outbox).boxed();
    };
    let change = Change {
        event: Some(delivery.event_key()),
        position: Some(delivery.position()),
        reads: work.reads,
        writes: work.writes,
        outbox,
        at: attempt.started_at,
    };
    #[cfg(feature = "planted")]
    let (change, behind) = planted::split(host, change);
    let change = Arc::new(change);
    async move {
        let applied = apply(host, &**store, &change, locks).await;
        #[cfg(feature = "planted")]
        planted::write(host, behind).await;
        match applied {
            Ended::Applied(done) => {
                host.observer.handled(delivery, &attempt, Handled::Done);
                flush(host, done, &change.outbox).await;
                Settled::Finished
            }
            Ended::Duplicate => {
                duplicate(host, delivery, &attempt).boxed().await;
                Settled::Finished
            }
            Ended::Conflict(records) => Settled::Conflict(records),
            Ended::Fenced => Settled::Fenced,
        }
    }
    .boxed()
}

/// Publishes for a service that keeps nothing.
async fn published(host: &Host, records: Vec<Outgoing>) -> Settled {
    host.outbox.send_all(&records).await;
    world::pass(&host.world, Point::Flushed).await;
    Settled::Finished
}

/// Publishes what a reaction has committed inside a transaction of its own.
async fn committed(host: &Host, delivery: &Delivery, attempt: Attempt, commit: Commit) -> Settled {
    match commit.applied {
        Applied::Done(done) => {
            host.observer.handled(delivery, &attempt, Handled::Done);
            flush(host, done, &commit.outbox).await;
            Settled::Finished
        }
        Applied::Duplicate => {
            duplicate(host, delivery, &attempt).await;
            Settled::Finished
        }
        Applied::Fenced => Settled::Fenced,
        // It has read no records that somebody could have changed.
        Applied::Conflict(records) => Settled::Conflict(records),
    }
}

/// Says that an event had been handled before. Nothing else happens.
pub(crate) async fn duplicate(host: &Host, delivery: &Delivery, attempt: &Attempt) {
    host.observer.handled(delivery, attempt, Handled::Duplicate);
    let record = receipt::Verdict::of(wire::Outcome::Duplicate).record(host, delivery, attempt);
    host.outbox.send_and_forget(record).await;
}

/// Puts an event aside, acknowledged by the broker, with its receipt.
pub(crate) async fn park(
    host: &Host,
    delivery: &Delivery,
    attempt: Attempt,
    failure: Failure,
    reads: Reads,
) -> Settled {
    observe::parked(delivery, &attempt, &failure);
    host.counts.parked();
    let handled = Handled::Parked(&failure);
    let detail = failure.chain();
    let parked = park::Parked {
        service: &host.service,
        reaction: delivery.reaction,
        code: failure.code(),
        flow: delivery.envelope.flow.as_str(),
        detail: &detail,
        attempts: attempt.number,
        first_attempt_at: attempt.first_at,
        parked_at: host.world.now(),
        bytes_max: host.limits.event_bytes_max,
    };
    let topic = host.parked_topic(&delivery.record.partition.topic);
    let mut parked = parked.record(&delivery.record, topic);
    host.observer
        .packed_to_park(&mut parked, delivery, attempt.span);
    let receipt = receipt::Verdict::parked(&failure).record(host, delivery, &attempt);
    let records = [parked].into_iter().chain(receipt).collect();
    let Some(store) = &host.store else {
        host.observer.handled(delivery, &attempt, handled);
        return published(host, records).await;
    };
    let change = Change {
        event: Some(delivery.event_key()),
        position: Some(delivery.position()),
        reads,
        outbox: records,
        at: attempt.started_at,
        ..Change::default()
    };
    let change = Arc::new(change);
    match apply(host, &**store, &change, None).await {
        Ended::Applied(done) => {
            host.observer.handled(delivery, &attempt, handled);
            flush(host, done, &change.outbox).await;
            Settled::Finished
        }
        Ended::Fenced => Settled::Fenced,
        // It may have seen one record before and another one after somebody else's change, and so what
        // never was: that is no reason to put an event aside.
        Ended::Conflict(records) => Settled::Conflict(records),
        // A duplicate is parked or handled already.
        Ended::Duplicate => Settled::Finished,
    }
}

enum Ended {
    Applied(Committed),
    Duplicate,
    Conflict(Vec<RecordId>),
    Fenced,
}

/// Applies a change, however long that takes.
async fn apply(
    host: &Host,
    store: &dyn Store,
    change: &Arc<Change>,
    mut locks: Option<Guard>,
) -> Ended {
    let mut attempt = 1;
    loop {
        let submitted = store.submit(Arc::clone(change));
        // The next may decide: it sees what this one writes.
        drop(locks.take());
        match submitted.await {
            Ok(Applied::Done(done)) => return Ended::Applied(done),
            Ok(Applied::Duplicate) => return Ended::Duplicate,
            Ok(Applied::Fenced) => {
                observe::fenced(&host.service, change.position.as_ref());
                return Ended::Fenced;
            }
            Ok(Applied::Conflict(records)) => {
                let touched = change.reads.keys().chain(change.writes.keys()).cloned();
                return Ended::Conflict(touched.chain(records).collect());
            }
            Err(error) => {
                let wait = host.retry.wait(attempt, host.world.random());
                observe::store_in_trouble(&host.service, &error, wait);
                let _missing = (error.kind != ErrorKind::OutboxFull)
                    .then(|| host.status.missing("state", error.message.as_str()));
                host.world.sleep(wait).await;
                attempt += 1;
            }
        }
    }
}

/// Publishes what is in the store's outbox for a change.
async fn flush(host: &Host, done: Committed, records: &[Outgoing]) {
    world::pass(&host.world, Point::Committed).await;
    if let Some(row) = done.row {
        host.outbox.flush(row, &done.after, records).await;
    }
}

/// A moment as protobuf has it.
pub(crate) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }
}
