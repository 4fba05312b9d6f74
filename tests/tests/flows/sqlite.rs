//! The order flow on SQLite, whose services crash in the middle and go on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use quadrille::broker::{Assignor, Broker, Membership, Start, TopicName, memory};
use quadrille::state::sqlite::{Options, Stores};
use quadrille::status::Report;
use quadrille::world::{self, Live, World as _};
use quadrille_orders::requests::Placed;
use quadrille_orders::state::Outcome;
use quadrille_tests::carrier::Parcels;
use quadrille_tests::gateway::{Books, DECLINED_CARD};
use quadrille_tests::hall::{GOOD_CARD, Hall, Ports, order};
use quadrille_tests::witness;
use sqlx::Connection as _;

const ORDERS: usize = 60;

async fn hall(broker: &Arc<dyn Broker>, ports: &Ports, folder: &Path, options: Options) -> Hall {
    let world: quadrille::world::Shared = Arc::new(Live::new());
    let stores = Stores::in_folder(Arc::clone(&world), folder, options);
    let stores = Arc::new(stores);
    let hall = Hall::start_with(Arc::clone(broker), world, ports.clone(), stores);
    hall.ready().await;
    hall
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_a_crash_interrupts_end_once_and_all_adds_up() {
    // Given a hall with goods, and orders of which every tenth has a bad card.
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let (books, parcels): (Arc<Books>, Arc<Parcels>) = Default::default();
    let ports = Ports {
        carrier: Arc::clone(&parcels) as _,
        ..Ports::with(Arc::clone(&books) as _)
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let first = hall(&broker, &ports, folder.path(), Options::default()).await;
    first.deliver("tea", 1_000).await;
    let card = |nth: usize| match nth % 10 {
        0 => DECLINED_CARD,
        _ => GOOD_CARD,
    };
    let placing = (0..ORDERS).map(|nth| {
        let first = &first;
        async move { first.place(&nth.to_string(), "tea", card(nth)).await }
    });
    join_all(placing).await;

    // When all crash as soon as the first is confirmed, and start again on what is on the disk.
    first.outcome("1").await;
    first.crash();
    let second = hall(&broker, &ports, folder.path(), Options::default()).await;

    // Then every order ends as it must, once, and the books agree.
    for nth in 0..ORDERS {
        let confirmed = second.outcome(&nth.to_string()).await == Outcome::Confirmed;
        assert_eq!(confirmed, card(nth) == GOOD_CARD, "order {nth}");
    }
    let paid = (0..ORDERS).filter(|nth| card(*nth) == GOOD_CARD).count();
    assert_eq!(books.balance(), 20 * paid as i64);
    assert_eq!(parcels.on_their_way().len(), paid);
    assert_eq!(parcels.taken(), paid, "no order was dispatched twice");
    let wanted = ORDERS + (ORDERS - paid);
    while distinct_of(&broker, "StockReserved", "StockReleased").await < wanted {
        Live::new().sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        distinct_of(&broker, "StockReserved", "StockReleased").await,
        wanted
    );
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_unready_while_its_store_fails_its_door() {
    // Given a hall, and a program of somebody else that has locked the database of orders.
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let ports = Ports::with(Arc::<Books>::default());
    let hall = hall(&broker, &ports, folder.path(), impatient()).await;
    let mut other = opened(folder.path(), "orders").await;
    let lock = other.begin_with("begin immediate").await.unwrap();

    // When somebody places an order.
    let placed = quadrille_orders::requests::place(&hall.doors, order("1", "tea", GOOD_CARD)).await;

    // Then it is not taken, and the service is unready and says why until it can write again.
    assert!(placed.is_err(), "{placed:?}");
    let report = hall.status("orders").report();
    assert!(!report.ready);
    assert!(report.waiting_for[0].contains("locked"), "{report:?}");
    lock.rollback().await.unwrap();
    hall.status("orders").until(|report| report.ready).await;
    assert_eq!(hall.place("1", "tea", GOOD_CARD).await, Placed::Taken);
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_stops_although_it_cannot_take_its_partitions_over() {
    // Given a hall, and a program of somebody else that has locked the database of inventory.
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let ports = Ports::with(Arc::<Books>::default());
    let hall = hall(&broker, &ports, folder.path(), impatient()).await;
    let mut other = opened(folder.path(), "inventory").await;
    let lock = other.begin_with("begin immediate").await.unwrap();

    // When a second member makes the group give its partitions out anew.
    let second = broker
        .join(Membership {
            group: "inventory".to_owned(),
            topics: vec![TopicName::parse("orders").unwrap()],
            start: Start::Beginning,
            assignor: Assignor::Range,
            instance: None,
            session_timeout: Duration::from_secs(45),
            rebalance_timeout: Duration::from_secs(300),
        })
        .await
        .unwrap();
    let status = hall.status("inventory");
    let locked = |report: &Report| {
        let mut reasons = report.waiting_for.iter();
        reasons.any(|reason| reason.contains("locked"))
    };
    status.until(locked).await;

    // Then it ends when it is asked to, and does not wait for the database.
    second.leave().await;
    let world = hall.bus.world().clone();
    let stopped = world::timeout(&world, Duration::from_secs(30), hall.stop()).await;
    stopped.expect("it does not wait for ever");
    lock.rollback().await.unwrap();
}

/// Options with which a locked database is soon told.
fn impatient() -> Options {
    Options {
        busy_timeout: Duration::from_millis(20),
        ..Options::default()
    }
}

/// A connection of somebody else to the database of a service.
pub(super) async fn opened(folder: &Path, service: &str) -> sqlx::SqliteConnection {
    let file = folder.join(format!("{service}.sqlite"));
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let connection = sqlx::SqliteConnection::connect_with(&options).await;
    connection.expect("the service has made the database")
}

/// How many distinct events of two types of inventory there are.
async fn distinct_of(broker: &Arc<dyn Broker>, one: &str, other: &str) -> usize {
    let records = witness::raw(broker, "inventory").await.into_iter();
    let ids: std::collections::BTreeSet<_> = records
        .filter(|record| {
            let kind = record.headers.get("ce_type").expect("it is ours");
            kind.ends_with(one.as_bytes()) || kind.ends_with(other.as_bytes())
        })
        .map(|record| record.headers.get("ce_id").expect("it is ours").to_vec())
        .collect();
    ids.len()
}
