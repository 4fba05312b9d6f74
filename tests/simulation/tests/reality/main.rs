//! Simulator against reality: the same script on the simulator and on a real Kafka gives the same
//! receipts, as sets per flow.
//!
//! The scripts hold what a real broker can have too: instances that are killed, that join and leave,
//! and steps that come while somebody is away. What they lead to does not depend on who is quicker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use quadrille::broker::Assignor;
use quadrille_simulation::mailbox::Refused;
use quadrille_simulation::orders::{self, Ports};
use quadrille_simulator::{End, Script, simulate};
use quadrille_tests::carrier::Parcels;
use quadrille_tests::cluster;
use quadrille_tests::gateway::Books;
use quadrille_tests::post::Mails;

mod real; // the script on a real Kafka

/// Steps at one time are taken one after the other; before a later one, all is handled.
const SCRIPTS: [(&str, &[&str], &[&str]); 3] = [
    (
        "kills",
        &[
            "0 ms: deliver d1: 5 tea",
            "60000 ms: place o1: 1 tea by good card",
            "120000 ms: place o2: 2 tea by bad card",
            "180000 ms: place o3: 9 tea by good card",
        ],
        &[
            "crash payments at committed 1 back after 100 ms",
            "crash inventory at flushed 3 back after 100 ms",
            "crash orders at reacted 2 back after 100 ms",
            "crash shipping at called 1 back after 100 ms",
            "crash notifications at called 1 back after 100 ms",
        ],
    ),
    (
        "rebalances",
        &[
            "0 ms: deliver d1: 5 tea",
            "60000 ms: place o1: 1 tea by good card",
            "60000 ms: place o2: 1 tea by bad card",
            "60000 ms: place o3-nowhere: 1 tea by good card",
            "120000 ms: place o4: 1 tea by good card",
        ],
        &[
            "join payments at 60000 ms",
            "join inventory at 60000 ms",
            "leave inventory at 120000 back after 100 ms",
        ],
    ),
    (
        "away",
        &[
            "0 ms: deliver d1: 5 tea",
            "120000 ms: place o1: 1 tea by good card",
            "130000 ms: withdraw o1",
        ],
        // It comes back when the withdrawal stands behind the order.
        &["leave inventory at 60000 back after 90000 ms"],
    ),
];

/// What was handled in one flow: by which service, which type, to which end; and what stands there.
type Flow = (BTreeSet<(String, String, String)>, BTreeSet<String>);

/// What was handled, by the key of the flow's first event.
fn flows(end: &End) -> BTreeMap<String, Flow> {
    let mut flows: BTreeMap<String, Flow> = BTreeMap::new();
    let first = |flow: &str| {
        let mut events = end.events.iter();
        let first = events.find(|placed| {
            placed.envelope.flow.as_str() == flow && placed.envelope.cause.is_none()
        });
        let key = first.and_then(|placed| placed.envelope.subject.clone());
        key.expect("a flow begins").to_string()
    };
    for told in &end.receipts {
        let receipt = &told.receipt;
        let outcome = receipt.outcome();
        // How often something was tried or seen twice depends on the moment.
        if matches!(
            outcome,
            quadrille::wire::Outcome::Retry | quadrille::wire::Outcome::Duplicate
        ) {
            continue;
        }
        let handled = (
            receipt.service.clone(),
            receipt.event_type.clone(),
            format!("{outcome:?}"),
        );
        let flow = flows.entry(first(&receipt.flow_id)).or_default();
        flow.0.insert(handled);
    }
    for placed in &end.events {
        let flow = flows
            .entry(first(placed.envelope.flow.as_str()))
            .or_default();
        flow.1.insert(placed.envelope.kind.to_string());
    }
    flows
}

/// An outside that answers at once.
fn ports() -> Ports {
    Ports {
        gateway: Arc::<Books>::default(),
        carrier: Arc::<Parcels>::default(),
        post: Arc::<Mails>::default(),
        refused: Refused::default(),
    }
}

fn simulated(script: &Script, assignor: Assignor) -> BTreeMap<String, Flow> {
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let kept = Arc::clone(&seen);
    let simulation = simulate("reality", |stage| {
        orders::services(stage, ports());
    });
    let simulation = simulation.assignor(assignor);
    let played = simulation.play(0, script, move |end| {
        *kept.lock().expect("nobody panics") = flows(end);
    });
    played.unwrap_or_else(|failure| panic!("{failure}"));
    let seen = seen.lock().expect("nobody panics");
    seen.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_give_the_same_receipts_on_kafka() {
    compare(0, Assignor::Range).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebalances_give_the_same_receipts_on_kafka() {
    compare(1, Assignor::Range).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cooperative_rebalances_give_the_same_receipts_on_kafka() {
    compare(1, Assignor::CooperativeSticky).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_while_somebody_is_away_give_the_same_receipts_on_kafka() {
    compare(2, Assignor::Range).await;
}

async fn compare(nth: usize, assignor: Assignor) {
    let (name, steps, faults) = SCRIPTS[nth];
    let script = Script {
        steps: steps
            .iter()
            .map(|step| step.parse().expect("a step"))
            .collect(),
        faults: faults
            .iter()
            .map(|fault| fault.parse().expect("a fault"))
            .collect(),
    };
    let wanted = simulated(&script, assignor);
    assert!(wanted.len() > 1, "{name}: something happens");
    let Some(address) = cluster::address() else {
        return;
    };
    let end = real::play(&address, name, &script, assignor).await;
    assert_eq!(
        flows(&end),
        wanted,
        "{name}: on Kafka on the left, simulated on the right"
    );
    // What must hold of any services holds there too.
    for invariant in quadrille_simulator::invariants::all() {
        if let Some(broken) = invariant.check(&end) {
            panic!("{name}, on Kafka: {broken}");
        }
    }
}
