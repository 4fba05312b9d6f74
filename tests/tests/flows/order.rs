//! An order goes in, services react to each other's events, and it ends in exactly one outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use quadrille::broker::{Broker, TopicName, TopicPartition, memory};
use quadrille::event::{Event, Kind};
use quadrille::state::Stores as _;
use quadrille::state::memory::MemoryStores;
use quadrille::wire;
use quadrille::world::Live;
use quadrille_orders::requests::{Placed, Withdrawn};
use quadrille_orders::state::Outcome;
use quadrille_schemas::orders::v1::{OrderCancelled, OrderConfirmed};
use quadrille_tests::carrier::{NOWHERE, Parcels};
use quadrille_tests::gateway::{Books, DECLINED_CARD};
use quadrille_tests::hall::{GOOD_CARD, Hall, Ports};
use quadrille_tests::post::Mails;
use quadrille_tests::witness;

struct Evening {
    broker: Arc<dyn Broker>,
    books: Arc<Books>,
    parcels: Arc<Parcels>,
    mails: Arc<Mails>,
    hall: Hall,
}

async fn evening(goods: u32) -> Evening {
    evening_with(goods, Arc::new(MemoryStores::default())).await
}

async fn evening_with(goods: u32, stores: Arc<MemoryStores>) -> Evening {
    let world: quadrille::world::Shared = Arc::new(Live::new());
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
    let books = Arc::new(Books::default());
    let (parcels, mails): (Arc<Parcels>, Arc<Mails>) = Default::default();
    let ports = Ports {
        gateway: Arc::clone(&books) as _,
        carrier: Arc::clone(&parcels) as _,
        post: Arc::clone(&mails) as _,
    };
    let hall = Hall::start_with(Arc::clone(&broker), world, ports, stores);
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
        parcels,
        mails,
        hall,
    }
}

/// Waits until so many customers were told how their orders ended.
async fn told(evening: &Evening, orders: usize) {
    until(|| async { witness::all(&evening.broker, "notifications").await.len() >= orders }).await;
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
async fn an_order_that_is_paid_and_dispatched_is_confirmed() {
    // Shows the straight way, that the customer is told, and that every event has a receipt from everyone who reacts to it.
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
    assert_eq!(evening.parcels.on_their_way(), ["4711"]);
    told(&evening, 1).await;
    let [mail] = &evening.mails.sent()[..] else {
        panic!("one mail");
    };
    assert!(mail.text.contains("To: ada@example.org"), "{}", mail.text);
    assert!(
        mail.text.contains("Your order 4711 is on its way"),
        "{}",
        mail.text
    );
    evening.hall.stop().await;
    let done = |service: &str| (service.to_owned(), wire::Outcome::Done);
    let tally = witness::tally(&witness::receipts(&evening.broker).await);
    let expected = BTreeMap::from([
        (done("inventory"), 2),
        (done("payments"), 1),
        (done("shipping"), 1),
        (done("orders"), 2),
        (done("notifications"), 1),
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
async fn a_failed_shipment_refunds_the_money_and_releases_the_stock() {
    // Shows compensation over two services, and that the only piece is free again.
    let evening = evening(1).await;
    let lost = format!("lost{NOWHERE}");

    evening.hall.place(&lost, "tea", GOOD_CARD).await;
    assert_eq!(evening.hall.outcome(&lost).await, Outcome::ShipmentFailed);
    assert_eq!(evening.books.balance(), 0);
    evening.hall.place("next", "tea", GOOD_CARD).await;
    assert_eq!(evening.hall.outcome("next").await, Outcome::Confirmed);

    assert_eq!(evening.books.balance(), 20);
    assert_eq!(evening.parcels.on_their_way(), ["next"]);
    told(&evening, 2).await;
    let mails = evening.mails.sent();
    assert!(
        mails
            .iter()
            .any(|mail| mail.text.contains("could not be dispatched")),
        "{mails:?}"
    );
    evening.hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_of_many_ends_once_whenever_it_is_withdrawn() {
    // Shows exactly one outcome per flow, one mail about it, and that goods, money and parcels add up,
    // with failed shipments, and withdrawals that race with everything.
    const ORDERS: usize = 300;
    let evening = evening(10_000).await;
    let id = |n: usize| match n % 25 {
        11 => format!("o{n}{NOWHERE}"),
        _ => format!("o{n}"),
    };
    let mut accepted = BTreeSet::new();

    for n in 0..ORDERS {
        let card = if n % 20 == 7 {
            DECLINED_CARD
        } else {
            GOOD_CARD
        };
        let order_id = id(n);
        evening.hall.place(&order_id, "tea", card).await;
        if n % 5 == 3 {
            let withdrawn = evening.hall.withdraw(&order_id).await;
            if withdrawn == Withdrawn::Accepted {
                accepted.insert(order_id);
            }
        }
    }
    let mut confirmed = Vec::new();
    for n in 0..ORDERS {
        let outcome = evening.hall.outcome(&id(n)).await;
        if outcome == Outcome::Confirmed {
            confirmed.push(id(n));
        }
        let is_withdrawn = outcome == Outcome::Withdrawn;
        assert_eq!(
            is_withdrawn,
            accepted.contains(&id(n)),
            "{}: {outcome:?}",
            id(n)
        );
    }
    told(&evening, ORDERS).await;
    evening.hall.stop().await;

    assert_eq!(evening.books.balance(), confirmed.len() as i64 * 20);
    assert!(
        confirmed.len() > 180,
        "most are confirmed: {}",
        confirmed.len()
    );
    let mut on_their_way = evening.parcels.on_their_way();
    on_their_way.sort();
    confirmed.sort();
    assert_eq!(on_their_way, confirmed);
    let mails = evening.mails.sent();
    let ids: BTreeSet<_> = mails.iter().map(|mail| &mail.message_id).collect();
    assert_eq!((mails.len(), ids.len()), (ORDERS, ORDERS));
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

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_were_taken_over_too_late_come_back() {
    // Given inventory at work.
    let stores = Arc::new(MemoryStores::default());
    let evening = evening_with(10, Arc::clone(&stores)).await;
    evening.hall.place("before", "tea", GOOD_CARD).await;
    assert_eq!(evening.hall.outcome("before").await, Outcome::Confirmed);

    // When one that is no member any more takes its partitions over in the store: the late end of what
    // it began while it was one, and the store was away.
    let store = stores.open("inventory", "").await.unwrap();
    let topic = TopicName::parse("orders").unwrap();
    let partitions: Vec<_> = (0..6)
        .map(|number| TopicPartition::new(topic.clone(), number))
        .collect();
    store.take(&partitions).await.unwrap();

    // Then inventory joins again, and goes on.
    evening.hall.place("after", "tea", GOOD_CARD).await;
    assert_eq!(evening.hall.outcome("after").await, Outcome::Confirmed);
    evening.hall.ready().await;
    evening.hall.stop().await;
}
