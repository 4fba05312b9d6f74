//! The order flow in a seeded world: one thread, virtual time, no tokio runtime.

use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::{Broker, memory};
use quadrille::world;
use quadrille_orders::state::Outcome;
use quadrille_tests::gateway::{Books, DECLINED_CARD};
use quadrille_tests::hall::{GOOD_CARD, Hall};
use quadrille_tests::seeded::Seeded;
use quadrille_tests::witness;

/// What a run looks like from outside: every event and receipt with its place and its id.
fn run(seed: u64) -> (Vec<Outcome>, i64, Vec<String>) {
    let seeded = Seeded::new(seed);
    let world: world::Shared = Arc::new(seeded.clone());
    seeded.run(async move {
        let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
        let books = Arc::new(Books::default());
        let hall = Hall::start(Arc::clone(&broker), world, Arc::clone(&books) as _);
        hall.ready().await;
        hall.deliver("tea", 2).await;
        hall.bus.world().sleep(Duration::from_secs(1)).await;
        let cards = [GOOD_CARD, DECLINED_CARD, GOOD_CARD];
        let mut outcomes = Vec::new();
        for (order_id, card) in ["a", "b", "c"].into_iter().zip(cards) {
            hall.place(order_id, "tea", card).await;
            outcomes.push(hall.outcome(order_id).await);
        }
        hall.stop().await;
        let mut story = Vec::new();
        for topic in [
            "orders",
            "inventory",
            "payments",
            "shipping",
            "notifications",
            "quadrille.receipts",
        ] {
            for seen in witness::all(&broker, topic).await {
                let (at, offset) = (seen.record.partition, seen.record.offset);
                let envelope = seen.envelope;
                story.push(format!(
                    "{at} {offset} {} {} {}",
                    envelope.kind, envelope.id, envelope.time
                ));
            }
        }
        (outcomes, books.balance(), story)
    })
}

#[test]
fn orders_end_under_a_seed() {
    // Shows that nothing in the bus needs more than the seam: no runtime, no wall clock.
    let (outcomes, balance, _) = run(7);
    assert_eq!(
        outcomes,
        [
            Outcome::Confirmed,
            Outcome::PaymentDeclined,
            Outcome::Confirmed
        ]
    );
    assert_eq!(balance, 40);
}

#[test]
fn a_seed_gives_the_same_events_at_the_same_places() {
    // Shows that a run can be repeated to the letter: ids, times, offsets.
    assert_eq!(run(11).2, run(11).2);
}
