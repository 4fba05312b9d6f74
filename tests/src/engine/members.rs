//! Instances of a service come, go and die, and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use quadrille::broker::Assignor;
use quadrille::broker::partitioner::partition_of;
use quadrille::status::Report;
use quadrille::{Cx, Service};
use tokio::sync::watch;

use super::{Stage, answer};
use crate::events::kit::v1::Ticked;
use crate::witness;

/// Shows that partitions move twice under load, and that every tick is answered.
pub async fn a_second_instance_joins_and_leaves_and_nothing_is_lost(stage: Stage) {
    const CLOCKS: usize = 300;
    let answering = || Service::named("tocker").on(answer);
    let first = answering().start(&stage.bus);
    first.status().until(|report| report.ready).await;
    let ticking = async {
        for _ in 0..10 {
            stage.tick(CLOCKS, 1).await;
        }
    };
    let moving = async {
        let second = answering().start(&stage.bus);
        second.status().until(|report| report.ready).await;
        second.stop().await.expect("it drains and leaves");
    };
    futures::future::join(ticking, moving).await;
    let all = i64::try_from(CLOCKS * 10).expect("a small number");
    stage
        .until("every tick is handled", || async {
            stage.committed("tocker").await.values().sum::<i64>() == all
        })
        .await;
    first.stop().await.expect("it drains and leaves");

    let tocks = witness::all(&stage.broker, "tocks").await;
    let distinct: BTreeSet<_> = tocks
        .iter()
        .map(|seen| seen.envelope.id.to_string())
        .collect();
    assert_eq!(distinct.len(), CLOCKS * 10);
}

/// Shows, where only what must move is given up, that what stays is handled while the rest drains. For
/// a broker that fetches meanwhile: librdkafka does not, so that on Kafka only what has been fetched
/// goes on.
pub async fn what_stays_goes_on_while_the_rest_drains(stage: Stage) {
    const HELD: usize = 60;
    const ALL: usize = 2 * HELD;
    let bus = stage.with(|settings| {
        settings.assignor = Assignor::CooperativeSticky;
        settings.limits.drain_timeout_ms = 120_000;
    });
    let (open, gate) = watch::channel(false);
    let handled: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let answering = || {
        let (gate, handled) = (gate.clone(), Arc::clone(&handled));
        Service::named("tocker").on(move |tick: Ticked, _: Cx| {
            let (mut gate, handled) = (gate.clone(), Arc::clone(&handled));
            async move {
                let number: usize = tick.clock[1..].parse().expect("clocks are numbered");
                let note = |clock: String| {
                    let mut handled = handled.lock().expect("nobody panics");
                    *handled.entry(clock).or_default() += 1;
                };
                if number < HELD {
                    note(format!("held {number}"));
                    gate.wait_for(|open| *open).await.expect("it is opened");
                }
                note(tick.clock);
                Ok(())
            }
        })
    };
    let count = |what: &dyn Fn(&str) -> bool| {
        let handled = handled.lock().expect("nobody panics");
        handled.keys().filter(|clock| what(clock)).count()
    };

    // Given: something runs in every partition, and half of them have to drain.
    stage.tick(HELD, 1).await;
    let first = answering().start(&bus);
    stage
        .until("all reactions are held", || async {
            count(&|clock| clock.starts_with("held")) == HELD
        })
        .await;
    let second = answering().start(&bus);
    second.status().until(|report| report.ready).await;

    // When: more comes.
    stage.tick(ALL, 1).await;

    // Then: the three partitions that stay are handled, and the three others are not.
    let free = |partition: i32| {
        let clocks = (HELD..ALL).map(|number| format!("c{number}"));
        clocks.filter(move |clock| partition_of(clock.as_bytes(), 6) == partition)
    };
    let done = |partition| {
        let handled = handled.lock().expect("nobody panics");
        free(partition).all(|clock| handled.contains_key(&clock))
    };
    stage
        .until("three partitions go on", || async {
            (0..6).filter(|partition| done(*partition)).count() >= 3
        })
        .await;
    assert_eq!((0..6).filter(|partition| done(*partition)).count(), 3);
    assert_eq!(count(&|clock| clock == "c0"), 0, "what is held is held");
    open.send_replace(true);
    stage
        .until("all is handled", || async {
            let total = i64::try_from(HELD + ALL).expect("a small number");
            stage.committed("tocker").await.values().sum::<i64>() == total
        })
        .await;
    for service in [first, second] {
        service.stop().await.expect("it drains and leaves");
    }
}

/// Shows that a service whose own topic is missing waits and says which one, that it can be stopped
/// meanwhile, and that it goes on once somebody has created it.
pub async fn a_topic_that_may_not_be_created_is_waited_for(stage: Stage) {
    let may_not = stage.with(|settings| settings.create_topics = false);
    let waits = |report: &Report| {
        let told = "topic `parked.tocker.ticks` does not exist; tocker creates it, and cannot";
        !report.ready && report.waiting_for.iter().any(|why| why.contains(told))
    };
    let leaving = Service::named("tocker").on(count).start(&may_not);
    leaving.status().until(waits).await;
    leaving.stop().await.expect("it has nothing to drain");

    let waiting = Service::named("tocker").on(count).start(&may_not);
    waiting.status().until(waits).await;
    let creating = Service::named("tocker").on(count).start(&stage.bus);
    waiting.status().until(|report| report.ready).await;
    for service in [waiting, creating] {
        service.stop().await.expect("it drains and leaves");
    }
}

/// Emits nothing, so that it owns no topic but those of what it parks.
async fn count(_: Ticked, _: Cx) -> quadrille::Reacted<()> {
    Ok(())
}

/// Shows that a stop lets end what runs, commits it, and leaves nothing to be done twice.
pub async fn a_stop_drains_and_commits(stage: Stage) {
    stage.tick(50, 4).await;
    let service = Service::named("tocker").on(answer);
    // Never commits on its own: only the stop does.
    let running =
        service.start(&stage.with(|settings| settings.limits.commit_interval_ms = 3_600_000));
    stage
        .until("all is answered", || async {
            witness::all(&stage.broker, "tocks").await.len() == 200
        })
        .await;
    assert!(stage.committed("tocker").await.is_empty());
    running.stop().await.expect("it drains and leaves");
    assert_eq!(stage.committed("tocker").await.values().sum::<i64>(), 200);
}

/// Shows that what a crash repeats has the same ids, so that distinct totals are right.
pub async fn a_crash_repeats_ids_and_loses_nothing(stage: Stage) {
    let bus = stage.with(|settings| settings.limits.commit_interval_ms = 3_600_000);
    stage.tick(50, 2).await;
    let crashing = Service::named("tocker").on(answer).start(&bus);
    stage
        .until("some is answered", || async {
            witness::all(&stage.broker, "tocks").await.len() > 10
        })
        .await;
    crashing.crash();

    let again = Service::named("tocker").on(answer).start(&stage.bus);
    stage
        .until("all is committed", || async {
            stage.committed("tocker").await.values().sum::<i64>() == 100
        })
        .await;
    again.stop().await.expect("it drains and leaves");

    let tocks = witness::all(&stage.broker, "tocks").await;
    let distinct: BTreeSet<_> = tocks
        .iter()
        .map(|seen| seen.envelope.id.to_string())
        .collect();
    assert!(tocks.len() > distinct.len(), "the crash has repeated some");
    assert_eq!(distinct.len(), 100);
}
