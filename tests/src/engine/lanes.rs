//! Events of one key are handled in order, others meanwhile, and commits wait for all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quadrille::broker::Position;
use quadrille::broker::partitioner::partition_of;
use quadrille::wire::Outcome;
use quadrille::{Cx, Event as _, Failure, Service};

use super::Stage;
use crate::events::kit::v1::Ticked;
use crate::witness;

/// What reactions did, as they did it.
#[derive(Default)]
struct Log {
    running: BTreeSet<String>,
    next: BTreeMap<String, u64>,
    ended: BTreeSet<String>,
}

/// Shows, with 1,000 keys and random delays, that each key's events are handled one at a time and in
/// order, and from outside that no committed offset ever passes an unfinished event.
pub async fn keys_keep_their_order_and_commits_wait_for_them(stage: Stage) {
    const CLOCKS: usize = 1_000;
    let published = stage.tick(CLOCKS, 10).await;
    let log = Arc::new(Mutex::new(Log::default()));
    let (kept, world) = (Arc::clone(&log), Arc::clone(stage.bus.world()));
    let service = Service::named("listener").on(move |tick: Ticked, cx: Cx| {
        let (log, world) = (Arc::clone(&kept), Arc::clone(&world));
        async move {
            let id = cx.envelope().expect("an event has one").id.to_string();
            {
                let mut log = log.lock().expect("nobody panics");
                assert!(
                    log.running.insert(tick.clock.clone()),
                    "{} overlaps",
                    tick.clock
                );
                let next = log.next.entry(tick.clock.clone()).or_default();
                assert_eq!(*next, tick.nth, "{} is out of order", tick.clock);
                *next += 1;
            }
            world
                .sleep(Duration::from_micros(cx.random() % 3_000))
                .await;
            let mut log = log.lock().expect("nobody panics");
            log.running.remove(&tick.clock);
            log.ended.insert(id);
            Ok(())
        }
    });
    let running = service.start(&stage.bus);

    let at: BTreeMap<(i32, i64), String> = published
        .iter()
        .map(|(_, published)| (place(published.position), published.id.to_string()))
        .collect();
    let watched = Mutex::new(0_usize);
    stage
        .until("everything is committed", || async {
            let committed = stage.committed("listener").await;
            let log = log.lock().expect("nobody panics");
            *watched.lock().expect("nobody panics") += usize::from(!committed.is_empty());
            let mut below = 0;
            for (partition, offset) in committed {
                for (_, id) in at.range((partition.partition, 0)..(partition.partition, offset)) {
                    assert!(log.ended.contains(id), "{partition} is committed past {id}");
                    below += 1;
                }
            }
            below == published.len()
        })
        .await;

    assert!(
        *watched.lock().expect("nobody panics") > 1,
        "commits were seen on the way"
    );
    running.stop().await.expect("it drains and leaves");
    assert!(
        witness::receipts(&stage.broker)
            .await
            .iter()
            .all(|r| r.outcome() == Outcome::Done)
    );
}

fn place(position: Position) -> (i32, i64) {
    (position.partition, position.offset)
}

/// Shows that a key that fails over and over only holds its own events and the offset, and that the
/// rest of its partition is handled meanwhile.
pub async fn one_failing_key_does_not_hold_up_the_others(stage: Stage) {
    let published = stage.tick(200, 2).await;
    let handled = Arc::new(Mutex::new(BTreeSet::new()));
    let kept = Arc::clone(&handled);
    let service = Service::named("listener").on(move |tick: Ticked, _: Cx| {
        let handled = Arc::clone(&kept);
        async move {
            if tick.clock == "c7" {
                return Err(Failure::retry("broken_clock", "it stands still"));
            }
            handled
                .lock()
                .expect("nobody panics")
                .insert((tick.clock, tick.nth));
            Ok(())
        }
    });
    let bus = stage.with(|settings| {
        settings.limits.attempts_max = 1_000;
        settings.limits.retry_max_ms = 200;
    });
    let running = service.start(&bus);

    stage
        .until("all other keys are handled", || async {
            handled.lock().expect("nobody panics").len() == 199 * 2
        })
        .await;

    running.stop().await.expect("it drains and leaves");
    let receipts = witness::receipts(&stage.broker).await;
    assert!(
        receipts
            .iter()
            .any(|receipt| receipt.outcome() == Outcome::Retry)
    );
    let failing = published
        .iter()
        .find(|(tick, _)| tick.clock == "c7")
        .expect("it ticks");
    let Position { partition, offset } = failing.1.position;
    for (at, mark) in stage.committed("listener").await {
        let ticks = published
            .iter()
            .filter(|(_, p)| p.position.partition == at.partition)
            .count();
        let end = if at.partition == partition {
            usize::try_from(offset)
        } else {
            Ok(ticks)
        };
        assert_eq!(
            usize::try_from(mark),
            end,
            "{at}: only the failing event holds the offset"
        );
    }
}

/// Shows that as many reactions of a partition run at once as may, and no more.
pub async fn no_more_reactions_run_at_once_than_may(stage: Stage) {
    const CLOCKS: usize = 120;
    stage.tick(CLOCKS, 2).await;
    let at_once = Arc::new(Mutex::new((BTreeMap::<i32, usize>::new(), 0)));
    let (kept, world) = (Arc::clone(&at_once), Arc::clone(stage.bus.world()));
    let partitions = Ticked::SCHEMA.topic.partitions;
    let service = Service::named("listener").on(move |tick: Ticked, _: Cx| {
        let (at_once, world) = (Arc::clone(&kept), Arc::clone(&world));
        async move {
            let partition = partition_of(tick.clock.as_bytes(), partitions);
            {
                let (running, most) = &mut *at_once.lock().expect("nobody panics");
                let running = running.entry(partition).or_default();
                *running += 1;
                *most = (*most).max(*running);
            }
            world.sleep(Duration::from_millis(2)).await;
            let (running, _) = &mut *at_once.lock().expect("nobody panics");
            *running.entry(partition).or_default() -= 1;
            Ok(())
        }
    });
    let bus = stage.with(|settings| settings.limits.reactions_at_once_max = 3);
    let running = service.start(&bus);
    stage
        .until("all are handled", || async {
            witness::receipts(&stage.broker).await.len() == CLOCKS * 2
        })
        .await;
    running.stop().await.expect("it drains and leaves");
    let (_, most) = &*at_once.lock().expect("nobody panics");
    assert_eq!(*most, 3, "as many as may, and no more");
}
