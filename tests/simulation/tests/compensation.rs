//! Whatever step of the order flow fails, what was done before is undone, or named as not.

use quadrille_simulation::orders;
use quadrille_simulator::simulate;

#[test]
fn every_effect_is_undone_whichever_step_fails() {
    // Shows 100 % of the failures that a flow gets over by itself, and that each step was failed.
    let coverage = simulate("orders", orders::stage).seeds(60).compensation();
    assert!(
        (coverage.percent() - 100.0).abs() < f64::EPSILON,
        "{coverage}"
    );
    assert!(coverage.undoing().count() >= 3, "{coverage}");
    let unseen = coverage.cases.iter().find(|(_, count)| count.seen == 0);
    assert!(unseen.is_none(), "{coverage}");
}
