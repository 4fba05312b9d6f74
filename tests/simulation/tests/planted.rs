//! Bugs that are planted are found, shrunk and replayed: tests of the simulator itself.

use quadrille::world::Bug;
use quadrille_simulation::orders;
use quadrille_simulator::{Failure, Simulation, simulate};

/// Within so many seeds each must be found.
const SEEDS: u64 = 1_000;
/// No more steps and faults than this may be left of it.
const LINES_MAX: usize = 10;

fn with(bug: Bug) -> Simulation {
    simulate("orders", orders::stage).seeds(SEEDS).planted(bug)
}

/// Finds a bug, and shows that its story is short, and the same when it is told again.
fn found(bug: Bug) -> Failure {
    let failure = with(bug).run().failure;
    let failure = failure.unwrap_or_else(|| panic!("{bug:?} is not found in {SEEDS} seeds"));
    assert!(failure.script.len() <= LINES_MAX, "{failure}");
    let written = failure.regression();
    let again = with(bug)
        .replay(&written)
        .expect_err("the bug is still there");
    assert_eq!(again.broken.what, failure.broken.what, "{again}");
    let mended = simulate("orders", orders::stage).replay(&written);
    assert!(mended.is_ok(), "it fails without the bug too");
    failure
}

#[test]
fn an_offset_committed_before_settle_is_found() {
    let failure = found(Bug::CommitBeforeSettle);
    assert!(
        ["low water", "nothing lost"].contains(&&*failure.broken.what),
        "{failure}"
    );
}

#[test]
fn an_inbox_outside_the_transaction_is_found() {
    found(Bug::InboxOutside);
}

#[test]
fn an_effect_key_that_changes_with_the_attempt_is_found() {
    let failure = found(Bug::KeyPerAttempt);
    let told = [
        "no card is charged twice",
        "money is conserved",
        "no order is shipped twice",
        "parcels are conserved",
        "nobody is told twice",
        "customers are told how it ended",
    ];
    assert!(told.contains(&&*failure.broken.what), "{failure}");
}
