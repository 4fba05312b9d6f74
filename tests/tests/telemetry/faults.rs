//! Attempts that fail, copies that are parked, events that come twice, instances that die.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use quadrille::bus::Bus;
use quadrille::id::FlowId;
use quadrille::observe::Mode;
use quadrille::service::Running;
use quadrille::state::memory::MemoryStores;
use quadrille::{Cx, Failure, Service};
use quadrille_tests::events::kit::v1::{Ticked, Tocked};
use quadrille_tests::{hall, topics, witness};

use crate::evening::{Observed, of_flow, until};
use crate::receiver::{Link, Span};

/// Attempts that fail before one succeeds.
const FAILURES: u32 = 2;

impl Observed {
    fn bus(&self) -> Bus {
        let stores = Arc::new(MemoryStores::default());
        let (broker, world) = (Arc::clone(&self.broker), Arc::clone(&self.world));
        let mut settings = hall::settings();
        settings.limits.attempts_max = 3;
        Bus::new(broker, world, stores, settings).told_to(self.telemetry.clone())
    }

    /// A service that fails for some clocks, and how often it was asked.
    fn listener(&self, bus: &Bus) -> Running {
        let asked = Arc::new(AtomicU32::new(0));
        let service = Service::named("tocker").on(move |tick: Ticked, _: Cx| {
            let asked = Arc::clone(&asked);
            async move {
                let before = asked.fetch_add(1, Ordering::SeqCst);
                match tick.clock.as_str() {
                    "slow" if before < FAILURES => {
                        Err(std::io::Error::other("it has no hands").into())
                    }
                    "broken" => Err(Failure::park("no_hands", "it has no hands")),
                    _ => Ok(Tocked {
                        clock: tick.clock,
                        nth: tick.nth,
                    }),
                }
            }
        });
        service.start(bus)
    }

    async fn tick(&self, bus: &Bus, clock: &str) -> FlowId {
        let tick = Ticked {
            clock: clock.to_owned(),
            nth: 0,
        };
        let published = bus.publisher("ticker").publish(tick).await;
        published.unwrap().flow
    }

    async fn seen(&self, topic: &str, records: usize) {
        until(|| async { witness::raw(&self.broker, topic).await.len() == records }).await;
    }
}

fn processed(spans: &[Span]) -> Vec<&Span> {
    let mut processed: Vec<_> = spans.iter().filter(|span| !span.is_send()).collect();
    processed.sort_by_key(|span| span.start);
    processed
}

fn send<'a>(spans: &'a [Span], topic: &str) -> &'a Span {
    let name = format!("send {topic}");
    let mut found = spans.iter().filter(|span| span.name == name);
    let first = found
        .next()
        .unwrap_or_else(|| panic!("{name} in {spans:?}"));
    assert!(found.next().is_none(), "one {name}");
    first
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_in_place_are_siblings_and_a_span_is_never_held_across_a_wait() {
    let observed = Observed::start(|_| {}).await;
    topics::create(&observed.broker).await;
    let bus = observed.bus();
    let running = observed.listener(&bus);
    let flow = observed.tick(&bus, "slow").await;
    observed.seen("tocks", 1).await;
    running.stop().await.unwrap();

    let (_, spans) = observed.ended().await;
    let spans = of_flow(spans, &flow);
    let tick = send(&spans, "ticks");
    assert_eq!((&*tick.service, &*tick.parent), ("ticker", ""));
    let attempts = processed(&spans);
    assert_eq!(attempts.len(), 3);
    for (nth, attempt) in attempts.iter().enumerate() {
        assert_eq!((&attempt.trace, &attempt.parent), (&tick.trace, &tick.id));
        assert_eq!(
            attempt.links.len(),
            1,
            "siblings need no link to each other"
        );
        assert_eq!(attempt.get("bus.retry.attempt"), (nth + 1).to_string());
        let is_last = nth == 2;
        let outcome = match is_last {
            true => ("ok", "", false),
            false => ("retry", "error", true),
        };
        let found = (
            attempt.get("bus.outcome"),
            attempt.get("error.type"),
            attempt.has_failed,
        );
        assert_eq!(found, outcome);
    }
    // The waits between them are in none of them.
    assert!(attempts.windows(2).all(|pair| pair[0].end < pair[1].start));
    // What the last one emitted stands below it.
    assert_eq!(send(&spans, "tocks").parent, attempts[2].id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_mode_link_an_attempt_links_to_the_one_before_it() {
    let observed = Observed::start(|options| options.trace_mode = Mode::Link).await;
    topics::create(&observed.broker).await;
    let bus = observed.bus();
    let running = observed.listener(&bus);
    let flow = observed.tick(&bus, "slow").await;
    observed.seen("tocks", 1).await;
    running.stop().await.unwrap();

    let (_, spans) = observed.ended().await;
    let spans = of_flow(spans, &flow);
    let attempts = processed(&spans);
    let traces: BTreeSet<_> = attempts.iter().map(|attempt| &attempt.trace).collect();
    assert_eq!(traces.len(), 3);
    let tick = send(&spans, "ticks");
    for (nth, attempt) in attempts.iter().enumerate() {
        let link = |to: &Span, kind: &str| Link {
            trace: to.trace.clone(),
            id: to.id.clone(),
            kind: kind.to_owned(),
        };
        let before = nth
            .checked_sub(1)
            .map(|before| link(attempts[before], "retry"));
        let expected: Vec<_> = [link(tick, "publish")].into_iter().chain(before).collect();
        assert_eq!((&attempt.links, &*attempt.parent), (&expected, ""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_parked_says_where_it_came_from_and_is_kept_whatever_is_sampled() {
    // Shows an event that its reaction refuses, with and without sampling, and one that nobody can read.
    for ratio in [1.0, 0.0] {
        let observed = Observed::start(|options| options.sample_ratio = ratio).await;
        topics::create(&observed.broker).await;
        let bus = observed.bus();
        let running = observed.listener(&bus);
        let flow = observed.tick(&bus, "broken").await;
        observed.seen("parked.tocker.ticks", 1).await;
        running.stop().await.unwrap();

        let copy = witness::raw(&observed.broker, "parked.tocker.ticks").await;
        let header = |name| {
            let all = copy[0].headers.iter().filter(|(found, _)| *found == name);
            let texts = all.map(|(_, value)| String::from_utf8(value.to_vec()).unwrap());
            texts.collect::<Vec<_>>()
        };
        let original = &header("traceparent")[0];
        assert_eq!(
            &header("x-orig-traceparent")[..],
            std::slice::from_ref(original)
        );
        assert_eq!(header("quadrille-parked-flow"), [flow.to_string()]);
        let (_, spans) = observed.ended().await;
        let spans = of_flow(spans, &flow);
        let [attempt] = processed(&spans)[..] else {
            panic!("one attempt: {spans:?}");
        };
        assert_eq!(attempt.get("bus.outcome"), "dead_letter");
        assert_eq!(attempt.get("error.type"), "no_hands");
        assert!(attempt.has_failed);
        assert_eq!(attempt.links[0].id, original[36..52]);
        let parked = send(&spans, "parked.tocker.ticks");
        assert_eq!(parked.parent, attempt.id);
        assert_eq!(
            header("traceparent")[1],
            format!("00-{}-{}-01", parked.trace, parked.id)
        );
        assert_eq!(spans.len(), if ratio > 0.5 { 3 } else { 2 });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_leaves_a_tree_whose_parts_all_have_their_flow() {
    // Shows that whoever comes after a crash goes on in the same trace.
    let observed = Observed::start(|_| {}).await;
    topics::create(&observed.broker).await;
    let bus = observed.bus();
    let first = observed.listener(&bus);
    first.status().until(|report| report.ready).await;
    let early = observed.tick(&bus, "a").await;
    observed.seen("tocks", 1).await;
    first.crash();
    let late = observed.tick(&bus, "b").await;
    let second = observed.listener(&bus);
    // What was not committed is handled again, by a service that has no inbox.
    let both = || async { witness::all(&observed.broker, "tocks").await.len() >= 2 };
    until(both).await;
    let is_told = || async {
        let tocks = witness::all(&observed.broker, "tocks").await;
        tocks.iter().any(|tock| tock.envelope.flow == late)
    };
    until(is_told).await;
    second.stop().await.unwrap();

    let (_, spans) = observed.ended().await;
    for flow in [early, late] {
        let spans = of_flow(spans.clone(), &flow);
        let tick = send(&spans, "ticks");
        assert!(!processed(&spans).is_empty());
        for attempt in processed(&spans) {
            assert_eq!((&attempt.trace, &attempt.parent), (&tick.trace, &tick.id));
        }
        assert!(spans.iter().all(|span| span.trace == tick.trace));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_holds_nothing_up() {
    // Given an endpoint where nobody listens, when an event goes its way, then it arrives, and the end
    // does not wait longer than it may.
    let observed = Observed::start(|options| {
        options.endpoint = Some("http://127.0.0.1:9".to_owned());
        options.flush_timeout_ms = 500;
        options.spans_delay_ms = 10;
    })
    .await;
    topics::create(&observed.broker).await;
    let bus = observed.bus();
    let running = observed.listener(&bus);
    observed.tick(&bus, "a").await;
    observed.seen("tocks", 1).await;
    running.stop().await.unwrap();
    let began = observed.world.elapsed();
    let world = Arc::clone(&observed.world);
    let (_, spans) = observed.ended().await;
    assert!(spans.is_empty());
    assert!((world.elapsed() - began).as_millis() < 5_000);
}
