//! The order flow on SQLite, whose services crash in the middle and go on.

use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use quadrille::broker::{Broker, memory};
use quadrille::state::sqlite::{Options, Stores};
use quadrille::world::{Live, World as _};
use quadrille_orders::state::Outcome;
use quadrille_tests::gateway::{Books, DECLINED_CARD};
use quadrille_tests::hall::{GOOD_CARD, Hall};
use quadrille_tests::witness;

const ORDERS: usize = 60;

async fn hall(broker: &Arc<dyn Broker>, books: &Arc<Books>, folder: &Path) -> Hall {
    let world: quadrille::world::Shared = Arc::new(Live::new());
    let stores = Stores::in_folder(Arc::clone(&world), folder, Options::default());
    let gateway = Arc::clone(books) as _;
    let hall = Hall::start_on(Arc::clone(broker), world, gateway, Arc::new(stores));
    hall.ready().await;
    hall
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_a_crash_interrupts_end_once_and_all_adds_up() {
    // Given a hall with goods, and orders of which every tenth has a bad card.
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let books = Arc::new(Books::default());
    let folder = tempfile::tempdir().expect("a folder can be made");
    let first = hall(&broker, &books, folder.path()).await;
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
    let second = hall(&broker, &books, folder.path()).await;

    // Then every order ends as it must, once, and the books agree.
    for nth in 0..ORDERS {
        let confirmed = second.outcome(&nth.to_string()).await == Outcome::Confirmed;
        assert_eq!(confirmed, card(nth) == GOOD_CARD, "order {nth}");
    }
    let paid = (0..ORDERS).filter(|nth| card(*nth) == GOOD_CARD).count();
    assert_eq!(books.balance(), 20 * paid as i64);
    let wanted = ORDERS + (ORDERS - paid);
    while distinct_of(&broker, "StockReserved", "StockReleased").await < wanted {
        Live::new()
            .sleep(std::time::Duration::from_millis(10))
            .await;
    }
    assert_eq!(
        distinct_of(&broker, "StockReserved", "StockReleased").await,
        wanted
    );
    second.stop().await;
}

/// How many distinct events of two types of inventory there are.
async fn distinct_of(broker: &Arc<dyn Broker>, one: &str, other: &str) -> usize {
    let records = witness::raw(broker, "inventory").await.into_iter();
    let ids: std::collections::BTreeSet<_> = records
        .filter(|record| {
            let kind = record.headers.get("ce_type").expect("it is ours");
            kind.ends_with(one.as_bytes()) || kind.ends_with(other.as_bytes())
        })
        .map(|record| record.headers.get("ce_id").expect("it is ours").clone())
        .collect();
    ids.len()
}
