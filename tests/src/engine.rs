//! The suite for the bus on a broker: what must hold of order, commits, failures and rebalances.
//!
//! Each function shows one thing, on topics of its own. [`engine_suite!`](crate::engine_suite) makes a
//! test of each, for the in-memory broker and for Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quadrille::broker::{Broker, Headers, Incoming, Outgoing, Position, TopicName, TopicPartition};
use quadrille::bus::{Bus, Settings};
use quadrille::prost::Message as _;
use quadrille::publish::Published;
use quadrille::state::memory::MemoryStores;
use quadrille::wire::Outcome;
use quadrille::world::{self, Live};
use quadrille::{Cx, Event, Failure, Service};

use crate::events::kit::v1::{Ticked, Tocked};
use crate::hall;
use crate::witness;

/// Longest that a state is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// Makes a test of every function of the suite, with an expression that gives a broker,
/// or `None` where there is none to test on.
#[macro_export]
macro_rules! engine_suite {
    ($broker:expr) => {
        $crate::engine_suite!($broker;
            keys_keep_their_order_and_commits_wait_for_them
            one_failing_key_does_not_hold_up_the_others
            what_cannot_be_handled_is_parked_with_its_reason
            a_second_instance_joins_and_leaves_and_nothing_is_lost
            a_stop_drains_and_commits
            a_crash_repeats_ids_and_loses_nothing
            foreign_records_follow_the_rules
        );
    };
    ($broker:expr; $($name:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                // None: the test was skipped, and has said so.
                let Some(broker) = $broker else { return };
                let stage = $crate::engine::Stage::new(broker, stringify!($name)).await;
                $crate::engine::$name(stage).await;
            }
        )+
    };
}

/// What a test stands on.
pub struct Stage {
    bus: Bus,
    broker: Arc<dyn Broker>,
}

impl Stage {
    /// A stage with topics of its own.
    pub async fn new(cluster: Arc<dyn Broker>, name: &str) -> Self {
        let world: world::Shared = Arc::new(Live::new());
        let prefix = format!(
            "{:08x}.{}.",
            world.random() >> 32,
            &name[..name.len().min(20)]
        );
        let broker: Arc<dyn Broker> = Arc::new(crate::prefixed::Prefixed::new(cluster, &prefix));
        let stores = Arc::new(MemoryStores::default());
        let bus = Bus::new(Arc::clone(&broker), world, stores, hall::settings());
        let stage = Self { bus, broker };
        // The owner of the topic makes it, and is gone again.
        let owner = Service::named("ticker")
            .originates(&ticks())
            .start(&stage.bus);
        owner.status().until(|report| report.ready).await;
        owner.stop().await.expect("it has nothing to do");
        stage
    }

    fn with(&self, change: impl FnOnce(&mut Settings)) -> Bus {
        let mut settings = self.bus.settings().clone();
        change(&mut settings);
        self.bus.with(settings)
    }

    /// Lets clocks `c0`, `c1`, … tick so many times each.
    async fn tick(&self, clocks: usize, times: u64) -> Vec<(Ticked, Published)> {
        let tick = |nth| {
            move |clock| Ticked {
                clock: format!("c{clock}"),
                nth,
            }
        };
        let ticks: Vec<_> = (0..times)
            .flat_map(|nth| (0..clocks).map(tick(nth)))
            .collect();
        let published = self
            .bus
            .publisher("test")
            .publish_all(ticks.clone())
            .await
            .into_iter();
        let published = published.map(|published| published.expect("the broker takes it"));
        ticks.into_iter().zip(published).collect()
    }

    async fn send(&self, record: Outgoing) {
        let delivery = self.broker.send(record).await.expect("the broker takes it");
        delivery.await.expect("the broker takes it");
    }

    fn partitions(&self) -> Vec<TopicPartition> {
        let topic = TopicName::parse(Ticked::SCHEMA.topic.name).expect("a legal name");
        (0..6)
            .map(|partition| TopicPartition::new(topic.clone(), partition))
            .collect()
    }

    async fn committed(&self, group: &str) -> BTreeMap<TopicPartition, i64> {
        self.broker
            .committed(group, &self.partitions())
            .await
            .expect("the broker answers")
    }

    async fn until<F: Future<Output = bool>>(&self, what: &str, mut holds: impl FnMut() -> F) {
        let world = self.bus.world();
        let holds = async {
            while !holds().await {
                world.sleep(Duration::from_millis(20)).await;
            }
        };
        world::timeout(world, PATIENCE, holds)
            .await
            .unwrap_or_else(|| panic!("in vain: {what}"));
    }
}

fn ticks() -> quadrille::Door<(), Ticked> {
    quadrille::Door::new()
}

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

/// Shows what ends on the parked topic, under which code, and that everything else goes on.
pub async fn what_cannot_be_handled_is_parked_with_its_reason(stage: Stage) {
    stage.tick(5, 1).await;
    let event = |id| {
        [
            ("ce_type", Ticked::SCHEMA.name),
            ("ce_id", id),
            ("ce_source", "/elsewhere"),
        ]
    };
    stage
        .send(foreign(Some("c9"), &event("broken"), Some(vec![1, 2, 3])))
        .await;
    let world = Arc::clone(stage.bus.world());
    let service = Service::named("listener").on(move |tick: Ticked, _: Cx| {
        let world = Arc::clone(&world);
        async move {
            match tick.clock.as_str() {
                "c0" => Ok(()),
                "c1" => panic!("the spring is broken"),
                "c2" => {
                    world.sleep(Duration::from_secs(3_600)).await;
                    Ok(())
                }
                "c3" => Err(Failure::park("no_hands", "it cannot show the time")),
                _ => Err(std::io::Error::other("it stands still").into()),
            }
        }
    });
    let bus = stage.with(|settings| {
        settings.limits.attempts_max = 2;
        settings.limits.reaction_timeout_ms = 100;
    });
    let running = service.start(&bus);

    stage
        .until("five are parked", || async {
            witness::raw(&stage.broker, "parked.listener.ticks")
                .await
                .len()
                == 5
        })
        .await;
    running.stop().await.expect("it drains and leaves");

    let parked = witness::raw(&stage.broker, "parked.listener.ticks").await;
    let reasons: BTreeMap<String, (String, String)> = parked.iter().map(reason).collect();
    let expected = [
        ("c1", "panic", "2"),
        ("c2", "timeout", "2"),
        ("c3", "no_hands", "1"),
        ("c4", "error", "2"),
        ("c9", "undecodable", "1"),
    ];
    let expected = expected.map(|(key, code, n)| (key.to_owned(), (code.to_owned(), n.to_owned())));
    assert_eq!(reasons, BTreeMap::from(expected));
    let receipts = witness::receipts(&stage.broker).await;
    let count = |outcome| receipts.iter().filter(|r| r.outcome() == outcome).count();
    assert_eq!(
        (
            count(Outcome::Done),
            count(Outcome::Retry),
            count(Outcome::Parked)
        ),
        (1, 3, 5)
    );
    let committed: i64 = stage.committed("listener").await.values().sum();
    assert_eq!(committed, 6, "a parked event does not hold the offset");
}

/// Key, code and attempts of a parked record.
fn reason(record: &Incoming) -> (String, (String, String)) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("what we wrote is text");
    let header = |name: &str| text(record.headers.get(name).expect("the parked form has it"));
    assert_eq!(
        header("quadrille-parked-partition"),
        record.partition.partition.to_string()
    );
    let key = text(record.key.as_ref().expect("it had one"));
    (
        key,
        (
            header("quadrille-parked-code"),
            header("quadrille-parked-attempts"),
        ),
    )
}

/// A record that we did not write.
fn foreign(
    key: Option<&str>,
    headers: &[(&'static str, &'static str)],
    value: Option<Vec<u8>>,
) -> Outgoing {
    let mut all = Headers::new();
    for (name, value) in headers {
        all.push(*name, *value);
    }
    Outgoing {
        topic: TopicName::parse("ticks").expect("a legal name"),
        partition: None,
        key: key.map(|key| key.to_owned().into()),
        value: value.map(Into::into),
        headers: all,
        timestamp_ms: None,
    }
}

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

/// A pure function of its event.
async fn answer(tick: Ticked, _: Cx) -> quadrille::Reacted<Tocked> {
    Ok(Tocked {
        clock: tick.clock,
        nth: tick.nth,
    })
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

/// Shows what becomes of records that we did not write: no headers, no key, a type of somebody
/// else's, a tombstone, structured mode.
pub async fn foreign_records_follow_the_rules(stage: Stage) {
    let event = |clock: &str| {
        Ticked {
            clock: clock.to_owned(),
            nth: 0,
        }
        .encode_to_vec()
    };
    let structured = br#"{"specversion":"1.0","id":"1","source":"/shop","type":"kit.v1.Ticked",
        "datacontenttype":"application/json","data":{"clock":"structured","nth":"7"}}"#;
    let json = [("content-type", "application/cloudevents+json")];
    let other = [
        ("ce_type", "shop.v1.Sold"),
        ("ce_id", "2"),
        ("ce_source", "/x"),
    ];
    for record in [
        foreign(Some("bare"), &[], Some(event("bare"))),
        foreign(None, &[], Some(event("keyless"))),
        foreign(Some("x"), &other, Some(vec![])),
        foreign(Some("gone"), &[], None),
        foreign(Some("structured"), &json, Some(structured.to_vec())),
    ] {
        stage.send(record).await;
    }
    let running = Service::named("tocker").on(answer).start(&stage.bus);
    stage
        .until("all five are done with", || async {
            stage.committed("tocker").await.values().sum::<i64>() == 5
        })
        .await;
    running.stop().await.expect("it drains and leaves");

    let tocks = witness::all(&stage.broker, "tocks").await;
    let clocks: BTreeSet<_> = tocks
        .iter()
        .map(|seen| seen.event::<Tocked>().expect("it is one").clock)
        .collect();
    assert_eq!(
        clocks,
        ["bare", "keyless", "structured"].map(str::to_owned).into()
    );
    for tock in &tocks {
        // Every reader derives the same flow from source and id, and the answer is in that flow.
        assert!(!tock.envelope.flow.as_str().is_empty());
        assert_eq!(tock.envelope.hops, 1);
    }
    let parked = witness::raw(&stage.broker, "parked.tocker.ticks").await;
    assert!(parked.is_empty(), "nothing of this is parked");
}
