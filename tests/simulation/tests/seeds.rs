//! The order flow under many seeds, with all that can go wrong.

use std::collections::BTreeSet;

use quadrille_simulation::orders;
use quadrille_simulator::{Breach, End, Kind, Stage, simulate};

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

#[test]
fn a_second_copy_of_an_event_has_a_receipt_too() {
    // Shows, where nothing else goes wrong that could excuse it, that whoever reacts to an event says of
    // each place at which it stands what became of it there.
    let stage = |stage: &mut Stage| {
        orders::stage(stage);
        stage.holds("each place has a receipt", each_place_has_a_receipt);
    };
    let twice = simulate("orders", stage).faults(&[Kind::Duplicate]);
    twice.seeds(300).check();
}

fn each_place_has_a_receipt(end: &End) -> Result<(), Breach> {
    let told: BTreeSet<_> = end
        .receipts
        .iter()
        .map(|told| &told.receipt)
        .map(|told| (&*told.service, &*told.topic, told.partition, told.offset))
        .collect();
    for contract in &end.contracts {
        for placed in &end.events {
            let (at, service) = (&placed.record, &*contract.service);
            let mut reactions = contract.reactions.iter();
            if !reactions.any(|one| *one.event.name == *placed.envelope.kind) {
                continue;
            }
            let (topic, partition) = (at.partition.topic.as_str(), at.partition.partition);
            if !told.contains(&(service, topic, partition, at.offset)) {
                let why = format!("{service} says nothing of {} there", placed.called());
                return Err(Breach::from(why).in_flow(placed.envelope.flow.clone()));
            }
        }
    }
    Ok(())
}
