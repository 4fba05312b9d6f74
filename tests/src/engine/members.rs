//! Instances of a service come, go and die, and nothing is lost.

use std::collections::BTreeSet;

use quadrille::status::Report;
use quadrille::{Cx, Service};

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
