//! An order goes in, services react to each other's events, and it ends in exactly one outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::{Broker, memory};
use quadrille::event::{Event, Kind};
use quadrille::wire;
use quadrille::world::Live;
use quadrille_orders::requests::{Placed, Withdrawn};
use quadrille_orders::state::Outcome;
use quadrille_schemas::orders::v1::{OrderCancelled, OrderConfirmed};
use quadrille_tests::gateway::{Books, DECLINED_CARD};
use quadrille_tests::hall::{GOOD_CARD, Hall};
use quadrille_tests::witness;

struct Evening {
    broker: Arc<dyn Broker>,
    books: Arc<Books>,
    hall: Hall,
}

async fn evening(goods: u32) -> Evening {
    let world: quadrille::world::Shared = Arc::new(Live::new());
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
    let books = Arc::new(Books::default());
    let hall = Hall::start(Arc::clone(&broker), world, Arc::clone(&books) as _);
    hall.ready().await;
    hall.deliver("tea", goods).await;
    // The goods are on the shelf once inventory's receipt says so.
    until(|| async {
        witness::receipts(&broker)
            .await
            .iter()
            .any(|receipt| receipt.reaction == "goods_received")
    })
    .await;
    Evening {
        broker,
        books,
        hall,
    }
}

async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let limit = Duration::from_secs(30);
    let waited = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    let world: quadrille::world::Shared = Arc::new(Live::new());
    quadrille::world::timeout(&world, limit, waited)
        .await
        .expect("it comes to hold in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_order_is_confirmed() {
    // Shows the straight way, and that every event has a receipt from everyone who reacts to it.
    let evening = evening(1).await;

    assert_eq!(
        evening.hall.place("4711", "tea", GOOD_CARD).await,
        Placed::Taken
    );
    assert_eq!(evening.hall.outcome("4711").await, Outcome::Confirmed);

    assert_eq!(evening.books.balance(), 20);
    assert_eq!(
        evening.hall.withdraw("4711").await,
        Withdrawn::TooLate(Outcome::Confirmed)
    );
    evening.hall.stop().await;
    let done = |service: &str| (service.to_owned(), wire::Outcome::Done);
    let tally = witness::tally(&witness::receipts(&evening.broker).await);
    let expected = BTreeMap::from([
        (done("inventory"), 2),
        (done("payments"), 1),
        (done("orders"), 2),
    ]);
    assert_eq!(tally, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_order_placed_again_is_one_order() {
    // Shows idempotence by the id that the client sent.
    let evening = evening(5).await;
    assert_eq!(
        evening.hall.place("4711", "tea", GOOD_CARD).await,
        Placed::Taken
    );
    assert_eq!(
        evening.hall.place("4711", "tea", GOOD_CARD).await,
        Placed::Again
    );
    assert_eq!(evening.hall.outcome("4711").await, Outcome::Confirmed);
    assert_eq!(evening.books.balance(), 20);
    evening.hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_payment_releases_the_stock() {
    // Shows compensation: the only piece is free again for the next order.
    let evening = evening(1).await;

    evening.hall.place("poor", "tea", DECLINED_CARD).await;
    assert_eq!(evening.hall.outcome("poor").await, Outcome::PaymentDeclined);
    evening.hall.place("rich", "tea", GOOD_CARD).await;
    assert_eq!(evening.hall.outcome("rich").await, Outcome::Confirmed);
    evening.hall.place("late", "tea", GOOD_CARD).await;
    assert_eq!(evening.hall.outcome("late").await, Outcome::OutOfStock);

    assert_eq!(evening.books.balance(), 20);
    evening.hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_of_many_ends_once_whenever_it_is_withdrawn() {
    // Shows exactly one outcome per flow, and that goods and money add up, with withdrawals that
    // race with everything.
    const ORDERS: usize = 300;
    let evening = evening(10_000).await;

    for n in 0..ORDERS {
        let card = if n % 20 == 7 {
            DECLINED_CARD
        } else {
            GOOD_CARD
        };
        let order_id = format!("o{n}");
        evening.hall.place(&order_id, "tea", card).await;
        if n % 5 == 3 {
            evening.hall.withdraw(&order_id).await;
        }
    }
    let mut confirmed = 0;
    for n in 0..ORDERS {
        let outcome = evening.hall.outcome(&format!("o{n}")).await;
        confirmed += i64::from(outcome == Outcome::Confirmed);
    }
    evening.hall.stop().await;

    assert_eq!(evening.books.balance(), confirmed * 20);
    assert!(confirmed > 200, "most are confirmed: {confirmed}");
    let mut outcomes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for seen in witness::all(&evening.broker, "orders").await {
        let schemas = [OrderConfirmed::SCHEMA, OrderCancelled::SCHEMA];
        let ends = schemas
            .iter()
            .any(|schema| *schema.name == *seen.envelope.kind);
        assert!(schemas.iter().all(|schema| schema.kind == Kind::Outcome));
        if ends {
            let flow = outcomes.entry(seen.envelope.flow.to_string()).or_default();
            flow.insert(seen.envelope.id.to_string());
        }
    }
    assert_eq!(outcomes.len(), ORDERS);
    assert!(outcomes.values().all(|ended| ended.len() == 1));
}
