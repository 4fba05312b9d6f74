//! The order flow under many seeds, with all that can go wrong.

use quadrille_simulation::orders;
use quadrille_simulator::simulate;

/// Seeds here: enough for most of what is wrong, and few enough for every day. `quadrille simulate`
/// runs more.
const SEEDS: u64 = 1_000;

#[test]
fn all_holds_under_every_seed() {
    // Shows each invariant of the library, and that goods and money add up, whatever goes wrong.
    let done = simulate("orders", orders::stage).seeds(SEEDS).check();
    assert_eq!(done.seeds, SEEDS);
    assert!(done.records > 30 * SEEDS, "little has happened: {done:?}");
}
