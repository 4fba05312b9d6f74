//! What the simulator has found once must not come back.

use std::path::Path;

use quadrille_simulation::orders;
use quadrille_simulator::{Regression, simulate};

#[test]
fn nothing_that_was_mended_comes_back() {
    // Shows that every file in `regressions` holds now: an exported failure is a test from then on.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let simulation = simulate("orders", orders::stage);
    let files = Regression::files(&folder).expect("the folder is there");
    assert!(!files.is_empty(), "there is nothing to show");
    for file in files {
        let regression = Regression::read(&file).expect("it can be read");
        if let Err(failure) = simulation.replay(&regression) {
            panic!("{} has come back:\n{failure}", file.display());
        }
    }
}
