//! A withdrawal at every moment of an order's way, in a seeded world with slow outside parties.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use quadrille::Failure;
use quadrille::broker::{Broker, memory};
use quadrille::id::EffectKey;
use quadrille::state::memory::MemoryStores;
use quadrille::world;
use quadrille_orders::requests::Withdrawn;
use quadrille_orders::state::Outcome;
use quadrille_payments::gateway::{Charge, Charged, Gateway};
use quadrille_schemas::common::v1::Money;
use quadrille_shipping::carrier::{Carrier, Shipped};
use quadrille_simulator::seeded;
use quadrille_tests::carrier::{NOWHERE, Parcels};
use quadrille_tests::gateway::Books;
use quadrille_tests::hall::{GOOD_CARD, Hall, Ports};
use quadrille_tests::post::Mails;

/// What a party takes before it books, and before it answers.
const SLOW: Duration = Duration::from_millis(10);
/// Moments at which an order is withdrawn, a millisecond apart: from before it is charged to after it
/// has ended.
const MOMENTS: u64 = 90;

/// A party that takes its time, so that others may act while it is asked.
struct Slow<P> {
    party: Arc<P>,
    world: world::Shared,
}

impl<P> Slow<P> {
    async fn around<T>(&self, asked: impl Future<Output = T>) -> T {
        self.world.sleep(SLOW).await;
        let answer = asked.await;
        self.world.sleep(SLOW).await;
        answer
    }
}

#[async_trait]
impl Gateway for Slow<Books> {
    async fn charge(&self, charge: Charge) -> Result<Charged, Failure> {
        self.around(self.party.charge(charge)).await
    }

    async fn refund(&self, key: &EffectKey, payment: &str, amount: &Money) -> Result<(), Failure> {
        self.around(self.party.refund(key, payment, amount)).await
    }

    async fn void(&self, key: &EffectKey, charge_key: &EffectKey) -> Result<(), Failure> {
        self.around(self.party.void(key, charge_key)).await
    }
}

#[async_trait]
impl Carrier for Slow<Parcels> {
    async fn ship(&self, key: &EffectKey, order_id: &str) -> Result<Shipped, Failure> {
        self.around(self.party.ship(key, order_id)).await
    }

    async fn recall(&self, key: &EffectKey, shipment_key: &EffectKey) -> Result<(), Failure> {
        self.around(self.party.recall(key, shipment_key)).await
    }
}

/// What became of an order that was withdrawn at some moment.
#[derive(Debug, PartialEq)]
struct Story {
    withdrawn: Withdrawn,
    outcome: Outcome,
    balance: i64,
    taken: usize,
    on_their_way: usize,
    mails: usize,
}

fn tell(seed: u64, order_id: &'static str, moment: Duration) -> Story {
    seeded(seed, move |world| async move {
        let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
        let (books, parcels): (Arc<Books>, Arc<Parcels>) = Default::default();
        let mails: Arc<Mails> = Arc::default();
        let ports = Ports {
            gateway: Arc::new(Slow {
                party: Arc::clone(&books),
                world: Arc::clone(&world),
            }),
            carrier: Arc::new(Slow {
                party: Arc::clone(&parcels),
                world: Arc::clone(&world),
            }),
            post: Arc::clone(&mails) as _,
        };
        let stores = Arc::new(MemoryStores::default());
        let hall = Hall::start_with(broker, Arc::clone(&world), ports, stores);
        hall.ready().await;
        hall.deliver("tea", 1).await;
        world.sleep(Duration::from_secs(1)).await;
        hall.place(order_id, "tea", GOOD_CARD).await;
        world.sleep(moment).await;
        let withdrawn = hall.withdraw(order_id).await;
        let outcome = hall.outcome(order_id).await;
        // Whatever is still under way comes to its end.
        world.sleep(Duration::from_secs(5)).await;
        hall.stop().await;
        Story {
            withdrawn,
            outcome,
            balance: books.balance(),
            taken: parcels.taken(),
            on_their_way: parcels.on_their_way().len(),
            mails: mails.sent().len(),
        }
    })
}

#[test]
fn a_withdrawal_that_was_accepted_never_ends_in_a_dispatched_order() {
    // Shows it for every moment, and that all three ways are gone: never dispatched, dispatched and
    // called back, and too late.
    let (mut spared, mut called_back, mut too_late) = (0, 0, 0);
    for moment in 0..MOMENTS {
        let story = tell(moment, "4711", Duration::from_millis(moment));
        match story.withdrawn {
            Withdrawn::Accepted => {
                assert_eq!(story.outcome, Outcome::Withdrawn, "{moment} ms: {story:?}");
                assert_eq!(
                    (story.balance, story.on_their_way),
                    (0, 0),
                    "{moment} ms: {story:?}"
                );
                spared += u32::from(story.taken == 0);
                called_back += u32::from(story.taken == 1);
            }
            Withdrawn::TooLate(Outcome::Confirmed) => {
                assert_eq!(story.outcome, Outcome::Confirmed, "{moment} ms: {story:?}");
                assert_eq!(
                    (story.balance, story.on_their_way),
                    (20, 1),
                    "{moment} ms: {story:?}"
                );
                too_late += 1;
            }
            other => panic!("{moment} ms: {other:?}"),
        }
        assert_eq!(story.mails, 1, "{moment} ms: {story:?}");
    }
    assert!(
        spared > 0 && called_back > 0 && too_late > 0,
        "{spared} {called_back} {too_late}"
    );
}

#[test]
fn a_withdrawal_of_an_order_that_cannot_be_delivered_gives_the_money_back_once() {
    // Shows it for every moment: a refund for each reason would be one too many.
    assert!("4711-nowhere".ends_with(NOWHERE));
    let mut outcomes = std::collections::BTreeSet::new();
    for moment in 0..MOMENTS {
        let story = tell(moment, "4711-nowhere", Duration::from_millis(moment));
        assert_eq!(
            (story.balance, story.taken),
            (0, 0),
            "{moment} ms: {story:?}"
        );
        let accepted = story.withdrawn == Withdrawn::Accepted;
        let expected = match accepted {
            true => Outcome::Withdrawn,
            false => Outcome::ShipmentFailed,
        };
        assert_eq!(story.outcome, expected, "{moment} ms: {story:?}");
        assert_eq!(story.mails, 1, "{moment} ms: {story:?}");
        outcomes.insert(accepted);
    }
    assert_eq!(outcomes.len(), 2, "some come in time and some too late");
}
