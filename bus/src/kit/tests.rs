use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::*;
use crate::Door;
use crate::id::EffectKey;
use crate::wire::{ContractPublished, PresenceAnnounced};

/// The state of a toy that counts the contracts of each service.
struct Toy;

impl State for Toy {}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Count {
    contracts: u32,
}

impl Record for Count {
    type In = Toy;
    const KIND: &'static str = "count";
}

/// What the toy is given: whether its next reactions fail, what it saw, and a gate.
struct Given {
    failures: AtomicU32,
    seen: Mutex<Vec<(u32, EffectKey)>>,
    gate: Semaphore,
}

impl Given {
    fn failing(failures: u32) -> Arc<Self> {
        Arc::new(Self {
            failures: AtomicU32::new(failures),
            seen: Mutex::default(),
            gate: Semaphore::new(100),
        })
    }
}

async fn contract_published(
    contract: ContractPublished,
    mut cx: Cx<Toy, Arc<Given>>,
) -> Reacted<Option<PresenceAnnounced>> {
    let mut count: Count = cx.load(&contract.service).await?.unwrap_or_default();
    let (attempt, key) = (cx.attempt(), cx.effect_key());
    cx.given().seen.lock().unwrap().push((attempt, key));
    cx.given().gate.acquire().await?.forget();
    count.contracts += 1;
    cx.put(&contract.service, &count)?;
    let failures = &cx.given().failures;
    if failures
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        })
        .is_ok()
    {
        return Err(Failure::retry("told_to", "it was told to fail"));
    }
    Ok((count.contracts == 2).then(|| PresenceAnnounced {
        instance: contract.service,
        ..PresenceAnnounced::default()
    }))
}

type Births = Door<Toy, ContractPublished>;

fn bench(given: &Arc<Given>, births: &Births) -> Bench<Toy> {
    let service = Service::named("toy")
        .keeps(Toy)
        .given(Arc::clone(given))
        .originates(births)
        .on(contract_published);
    Bench::of(service)
}

/// What a future comes to that has nothing to wait for, as all on a bench.
fn done<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing on a bench waits")
}

fn contract(service: &str) -> ContractPublished {
    ContractPublished {
        id: service.to_owned(),
        service: service.to_owned(),
        ..ContractPublished::default()
    }
}

#[test]
fn each_event_finds_what_the_one_before_has_left() {
    // Shows changes, events decoded as their type, and a record that the test put there.
    let bench = bench(&Given::failing(0), &Births::new());

    let first = done(bench.react(contract("a"))).unwrap();
    let second = done(bench.react(contract("a"))).unwrap();
    done(bench.put("b", &Count { contracts: 7 }));
    let other = done(bench.react(contract("b"))).unwrap();

    assert!(first.is_empty() && other.is_empty());
    assert_eq!(second.types(), ["quadrille.v1.PresenceAnnounced"]);
    assert_eq!(second.only::<PresenceAnnounced>().instance, "a");
    assert_eq!(done(bench.get("a")), Some(Count { contracts: 2 }));
    assert_eq!(done(bench.get("b")), Some(Count { contracts: 8 }));
    assert_eq!(done(bench.get::<Count>("c")), None);
}

#[test]
fn an_event_is_attempted_until_it_has_succeeded() {
    // Shows a failure, a crash, a success and a repetition: only the success changes anything, and
    // all attempts have one key.
    let given = Given::failing(1);
    let bench = bench(&given, &Births::new());
    let sent = bench.sent(contract("a"));

    let failure = done(bench.attempt(&sent)).unwrap_err();
    done(bench.crash(&sent)).unwrap();
    assert_eq!(done(bench.get::<Count>("a")), None);
    done(bench.attempt(&sent)).unwrap();
    let again = done(bench.attempt(&sent)).unwrap();

    assert_eq!(failure.code(), "told_to");
    assert!(again.is_empty());
    assert_eq!(done(bench.get("a")), Some(Count { contracts: 1 }));
    let seen = given.seen.lock().unwrap();
    let attempts: Vec<u32> = seen.iter().map(|(attempt, _)| *attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert!(seen.iter().all(|(_, key)| *key == seen[0].1), "{seen:?}");
}

#[test]
fn a_decision_on_what_has_changed_meanwhile_is_made_again() {
    // Given a reaction that has loaded a record and waits.
    let given = Given::failing(0);
    given.gate.forget_permits(100);
    let bench = bench(&given, &Births::new());
    let mut slow = std::pin::pin!(bench.react(contract("a")));
    assert!(slow.as_mut().now_or_never().is_none());

    // When somebody else changes the record before it goes on.
    done(bench.put("a", &Count { contracts: 1 }));
    given.gate.add_permits(2);
    let told = done(slow).unwrap();

    // Then it has decided twice, as one attempt, and the second time on the newer record.
    assert_eq!(told.only::<PresenceAnnounced>().instance, "a");
    assert_eq!(done(bench.get("a")), Some(Count { contracts: 2 }));
    let seen = given.seen.lock().unwrap();
    assert!(
        seen.len() == 2 && seen.iter().all(|(attempt, _)| *attempt == 1),
        "{seen:?}"
    );
}

#[test]
fn what_is_born_at_a_door_is_told_once() {
    let births = Births::new();
    let bench = bench(&Given::failing(0), &births);
    for service in ["a", "b"] {
        let decided = births
            .new_flow()
            .decide(|_| async { Ok((contract(service), ())) });
        done(decided).unwrap();
    }

    let born = done(bench.born());

    let services: Vec<String> = born
        .all()
        .into_iter()
        .map(|c: ContractPublished| c.service)
        .collect();
    assert_eq!(services, ["a", "b"]);
    assert!(done(bench.born()).is_empty());
}

#[test]
fn time_passes_when_it_is_told_to() {
    let bench = bench(&Given::failing(0), &Births::new());
    let before = bench.now();
    bench.pass(Duration::from_secs(90));
    assert_eq!(bench.now().duration_since(before).as_secs(), 90);
}

#[test]
#[should_panic(expected = "toy does not react to quadrille.v1.PresenceAnnounced")]
fn an_event_that_the_service_does_not_react_to_is_the_tests_mistake() {
    let bench = bench(&Given::failing(0), &Births::new());
    drop(done(bench.react(PresenceAnnounced::default())));
}

#[test]
#[should_panic(
    expected = "quadrille.v1.PresenceAnnounced was to be told and nothing else, but [] was"
)]
fn an_event_that_was_not_told_is_missed() {
    Told::default().only::<PresenceAnnounced>();
}
