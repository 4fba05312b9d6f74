//! Services that keep nothing, under seeds: what they emit is a pure function of their events, and the
//! group's offsets are all that is remembered.

use std::future::ready;

use quadrille::{Cx, Door, Reacted, Service};
use quadrille_simulator::{Stage, simulate};
use quadrille_tests::events::kit::v1::{Ticked, Tocked};

/// Seeds here.
const SEEDS: u64 = 400;

async fn ticked(tick: Ticked, _: Cx) -> Reacted<Tocked> {
    let Ticked { clock, nth } = tick;
    Ok(Tocked { clock, nth })
}

async fn tocked(_: Tocked, _: Cx) -> Reacted<()> {
    Ok(())
}

fn stage(stage: &mut Stage) {
    let door = Door::<(), Ticked>::new();
    let of_ticker = door.clone();
    stage.service(move || Service::named("ticker").originates(&of_ticker));
    stage.service(|| Service::named("tocker").on(ticked));
    stage.service(|| Service::named("listener").on(tocked));
    stage.steps(
        |draw| {
            let count = draw.between(3, 20);
            (0..count)
                .map(|nth| format!("c{} {nth}", draw.below(4)))
                .collect()
        },
        move |step: String| {
            let (clock, nth) = step.split_once(' ').expect("a clock and a number");
            let nth = nth.parse().expect("a number");
            let tick = Ticked {
                clock: clock.to_owned(),
                nth,
            };
            let door = door.clone();
            async move {
                door.new_flow()
                    .decide(move |_| ready(Ok((tick.clone(), ()))))
                    .await
            }
        },
    );
    stage.holds("each tick is answered", |end| {
        let (ticks, tocks) = (end.all::<Ticked>().len(), end.all::<Tocked>().len());
        match ticks == tocks {
            true => Ok(()),
            false => Err(format!("{tocks} answers to {ticks} ticks").into()),
        }
    });
}

#[test]
fn nothing_is_lost_without_state() {
    // Shows that low-water commits alone carry services without an inbox through all that goes wrong.
    simulate("ticks", stage).seeds(SEEDS).check();
}

#[test]
fn without_state_an_offset_committed_too_early_loses_an_event() {
    // Shows that the planted bug is found where nothing but the offset is remembered.
    use quadrille::world::Bug;
    let planted = simulate("ticks", stage)
        .seeds(1_000)
        .planted(Bug::CommitBeforeSettle);
    let failure = planted.run().failure.expect("it is found in 1,000 seeds");
    assert!(failure.script.len() <= 10, "{failure}");
}
