//! One record from its lane to its end: read, react, settle, and again where that is called for.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use tokio::sync::watch;

use super::assignment::Started;
use super::delivery::Delivery;
use super::partition::{Slot, wait};
use crate::broker::Incoming;
use crate::envelope::read::{Payload, Read, Unreadable, fallback, read};
use crate::observe::{self, Begun, ambient};
use crate::react::reaction::{Failed, Reaction};
use crate::react::{Cause, Context, Emitted, Failure, InDelivery, Remedy, Work};
use crate::service::host::{Host, Retrying};
use crate::settle::receipt::Attempt;
use crate::settle::{Outcome, Reads, Settled, duplicate, park, settle};
use crate::state::locks::Guard;
use crate::state::{Applied, Change};
use crate::world::{self, Point};

/// How a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Its offset may be committed.
    Finished,
    /// A drain came first: it is the next owner's.
    Abandoned,
    /// Somebody else has taken the partition over in the store.
    Fenced,
}

/// How far a partition was when a record of it was started.
#[derive(Debug, Clone, Copy)]
struct Progress {
    low_water: i64,
    epoch: u64,
}

/// Takes a record from its lane to its end.
///
/// What there are thousands of at once is kept small: what seldom happens has memory of its own.
pub(crate) fn handle<'a>(
    host: &'a Arc<Host>,
    started: Started,
    epoch: u64,
    slot: Slot<'a>,
    draining: &'a watch::Receiver<bool>,
) -> BoxFuture<'a, End> {
    let progress = Progress {
        low_water: started.low_water,
        epoch,
    };
    let record = started.record;
    host.observer.taken(&record);
    let place = host.place(&record.partition.topic);
    if record.size() > host.limits.event_bytes_max {
        let why = too_large(host, &record);
        return park_unreadable(host, record, progress, why).boxed();
    }
    match read(&record, place) {
        Ok(read) => match host.reactions.get(&*read.envelope.kind) {
            Some(reaction) => {
                let delivery = delivery(record, read, reaction, progress);
                deliver(host, delivery, reaction, slot, draining).boxed()
            }
            None => skipped(host, &record, "type outside the contract"),
        },
        Err(Unreadable::Tombstone) => skipped(host, &record, "no value"),
        Err(Unreadable::NoType) => skipped(host, &record, "no type"),
        Err(Unreadable::Broken(what)) => {
            let why = Failure::park("unreadable", what);
            park_unreadable(host, record, progress, why).boxed()
        }
    }
}

/// Reacts to an event and settles it, and again where that is called for.
async fn deliver(
    host: &Arc<Host>,
    delivery: Arc<Delivery>,
    reaction: &Reaction,
    mut slot: Slot<'_>,
    draining: &watch::Receiver<bool>,
) -> End {
    if was_handled_before(host, &delivery).await {
        return settle_duplicate(host, &delivery).boxed().await;
    }
    world::pass(&host.world, Point::Taken).await;
    let first_at = host.world.now();
    host.observer.first_attempted(&delivery, first_at);
    let (mut number, mut failures) = (1, 0);
    let mut locks: Option<Guard> = None;
    let mut retrying = None;
    let mut previous = None;
    loop {
        let begins = Begins {
            number,
            first_at,
            previous,
        };
        let (attempt, result, work) = react(host, &delivery, reaction, begins).await;
        let begun = attempt.span;
        world::pass(&host.world, Point::Reacted).await;
        let random = host.world.random();
        let counts =
            matches!(&result, Err(Failed::Reaction(failure)) if failure.remedy() == Remedy::Retry);
        let outcome = Outcome::of(result, work, number, failures, &host.retry, random);
        if let Outcome::Retry(failure, wait) = &outcome {
            let next_at = host.world.now() + *wait;
            host.note_retry(
                &delivery,
                Retrying::new(&delivery, number, failure, next_at),
            );
            retrying.get_or_insert_with(|| host.retrying(&delivery));
        }
        slot.give_back();
        match settle(host, &delivery, attempt, outcome, locks.take()).await {
            Settled::Finished => {
                world::pass(&host.world, Point::Settled).await;
                return End::Finished;
            }
            Settled::Fenced => return End::Fenced,
            Settled::Conflict(records) => {
                // Those held until now have been let go: one may be among them.
                locks = Some(host.locks.lock(records).await);
                if !slot.take(draining).await {
                    return End::Abandoned;
                }
            }
            Settled::Again(pause) => {
                failures += u32::from(counts);
                (number, previous) = (number + 1, begun);
                if !wait(&host.world, pause, draining).await || !slot.take(draining).await {
                    return End::Abandoned;
                }
            }
        }
    }
}

/// What is known of an attempt before it begins.
struct Begins {
    number: u32,
    first_at: Timestamp,
    previous: Option<Begun>,
}

/// Runs the reaction once. A panic and a time-out are failures of this event.
async fn react(
    host: &Arc<Host>,
    delivery: &Arc<Delivery>,
    reaction: &Reaction,
    begins: Begins,
) -> (Attempt, Result<Emitted, Failed>, Work) {
    let Begins {
        number, first_at, ..
    } = begins;
    let started_at = host.world.now();
    let began = host.world.elapsed();
    let span = host
        .observer
        .begun(delivery, number, started_at, begins.previous);
    let context = Context::new(
        Arc::clone(host),
        Cause::Event(Arc::clone(&delivery.envelope)),
        number,
        started_at,
        Some(InDelivery {
            delivery: Arc::clone(delivery),
            first_at,
            began,
            span,
        }),
    );
    let limit = Duration::from_millis(host.limits.reaction_timeout_ms);
    // Called inside the async block, so that a panic before the first await is caught as well.
    let running = async {
        reaction
            .run(delivery.payload.clone(), Arc::clone(&context))
            .await
    };
    let running = AssertUnwindSafe(running).catch_unwind();
    // Spans that the reaction makes by itself stand below the attempt's.
    let result = match host.observer.context(span, delivery) {
        Some(context) => {
            let running = ambient::run_in(context, running);
            world::timeout(&host.world, limit, running).await
        }
        None => world::timeout(&host.world, limit, running).await,
    };
    let result = match result {
        Some(Ok(result)) => result,
        Some(Err(panic)) => {
            let message = world::panic_message(&*panic);
            Err(Failed::Reaction(Failure::retry(
                "panic",
                format!("the reaction panicked: {message}"),
            )))
        }
        None => Err(Failed::Reaction(Failure::retry(
            "timeout",
            format!(
                "the reaction took longer than limits.reaction_timeout_ms = {}",
                limit.as_millis()
            ),
        ))),
    };
    let work = context.seal();
    let duration = host.world.elapsed().saturating_sub(began);
    let attempt = Attempt {
        number,
        first_at,
        started_at,
        duration,
        span,
    };
    (attempt, result, work)
}

/// Whether the inbox has the event.
async fn was_handled_before(host: &Host, delivery: &Delivery) -> bool {
    match &host.store {
        // An error here is the store's trouble: the reaction will meet it too, and wait for its end.
        Some(store) => store.seen(&delivery.event_key()).await.unwrap_or(false),
        None => false,
    }
}

/// Does nothing for an event that was handled before, but to tell so in a receipt.
async fn settle_duplicate(host: &Host, delivery: &Delivery) -> End {
    let at = host.world.now();
    let span = host.observer.begun(delivery, 1, at, None);
    let attempt = Attempt::without_reaction(at, span);
    // Its second place is handled as well: without that in the store, it would come again with the
    // next assignment. Where the store cannot say so now, that is all that happens.
    let place = Change {
        event: Some(delivery.event_key()),
        position: Some(delivery.position()),
        at,
        ..Change::default()
    };
    if let Some(store) = &host.store
        && let Ok(Applied::Fenced) = store.apply(place).await
    {
        return End::Fenced;
    }
    duplicate(host, delivery, &attempt).await;
    End::Finished
}

fn delivery(
    record: Incoming,
    read: Read,
    reaction: &Reaction,
    progress: Progress,
) -> Arc<Delivery> {
    let Read { envelope, payload } = read;
    Arc::new(Delivery {
        record,
        envelope: Arc::new(envelope),
        payload,
        reaction: Some(reaction.name),
        low_water: progress.low_water,
        epoch: progress.epoch,
    })
}

fn skipped(host: &Host, record: &Incoming, why: &'static str) -> BoxFuture<'static, End> {
    host.counts.skipped();
    host.observer.skipped(record, why);
    observe::skipped(&host.service, record, why);
    ready(End::Finished).boxed()
}

fn too_large(host: &Host, record: &Incoming) -> Failure {
    let what = format!(
        "the record has {} bytes, more than limits.event_bytes_max = {}: raise that, and read it \
         again where it stands",
        record.size(),
        host.limits.event_bytes_max
    );
    Failure::park("too_large", what)
}

async fn park_unreadable(host: &Host, record: Incoming, progress: Progress, why: Failure) -> End {
    let at = host.world.now();
    let envelope = Arc::new(fallback(&record, host.place(&record.partition.topic)));
    let payload = Payload::Protobuf(bytes::Bytes::new());
    let delivery = Delivery {
        record,
        envelope,
        payload,
        reaction: None,
        low_water: progress.low_water,
        epoch: progress.epoch,
    };
    let span = host.observer.begun(&delivery, 1, at, None);
    let attempt = Attempt::without_reaction(at, span);
    match park(host, &delivery, attempt, why, Reads::new()).await {
        Settled::Fenced => End::Fenced,
        _ => End::Finished,
    }
}
