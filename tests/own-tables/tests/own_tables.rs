//! The example at work: what it writes and what it tells happen together, whatever crashes when.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::FutureExt as _;
use quadrille::broker::{Broker, memory};
use quadrille::prost::Message as _;
use quadrille::service::Running;
use quadrille::wire::Outcome;
use quadrille::world::{Live, Point, World};
use quadrille_orders::requests;
use quadrille_own_tables::events::loyalty::v1::PointsEarned;
use quadrille_own_tables::{Joining, bus, http, open, service};
use quadrille_schemas::orders::v1::OrderPlaced;
use quadrille_tests::gateway::Books;
use quadrille_tests::hall::{self, Hall};
use quadrille_tests::watched::Watched;
use quadrille_tests::witness;
use sqlx::SqlitePool;
use tower::ServiceExt as _;

/// The example, running.
struct Loyalty {
    running: Running,
    router: Router,
    pool: SqlitePool,
}

impl Loyalty {
    async fn start(broker: &Arc<dyn Broker>, file: &Path, until: Option<Point>) -> Self {
        // An event that comes by this point goes no further.
        let world = Arc::new(Watched::new(move |point| {
            (until == Some(point)).then(|| std::future::pending().boxed())
        }));
        let pool = open(file).await.expect("the database opens");
        let bus = bus(Arc::clone(broker), world, pool.clone(), hall::settings());
        let joining = Joining::new();
        let running = service(pool.clone(), &joining).start(&bus);
        running.status().until(|report| report.ready).await;
        let router = http::router(http::Shared {
            pool: pool.clone(),
            joining,
        });
        Self {
            running,
            router,
            pool,
        }
    }

    async fn join(&self, id: &str) -> StatusCode {
        let request = Request::post("/customers")
            .header("content-type", "application/json")
            .body(Body::from(format!(
                "{{\"id\": \"{id}\", \"name\": \"Ada\"}}"
            )))
            .expect("a request");
        let router = self.router.clone();
        router.oneshot(request).await.expect("it answers").status()
    }

    async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&self.pool)
            .await
            .expect("the table is there")
    }

    async fn until(&self, query: &'static str, wanted: i64) {
        while self.number(query).await != wanted {
            self.live().sleep(Duration::from_millis(10)).await;
        }
    }

    fn live(&self) -> Live {
        Live::new()
    }
}

/// The order flow, so that orders can be placed.
async fn orders(broker: &Arc<dyn Broker>) -> Hall {
    let gateway = Arc::new(Books::default());
    let hall = Hall::start(Arc::clone(broker), Arc::new(Live::new()), gateway);
    hall.ready().await;
    hall
}

async fn place(hall: &Hall, order_id: &str, customer_id: &str) {
    let order = OrderPlaced {
        customer_id: customer_id.to_owned(),
        ..hall::order(order_id, "tea", hall::GOOD_CARD)
    };
    requests::place(&hall.doors, order)
        .await
        .expect("the door is open");
}

async fn earned(broker: &Arc<dyn Broker>) -> Vec<PointsEarned> {
    let records = witness::raw(broker, "loyalty").await.into_iter();
    let earned = records.filter(|record| {
        let kind = record.headers.get("ce_type").expect("it is ours");
        kind == b"loyalty.v1.PointsEarned"
    });
    let earned = earned.map(|record| {
        let value = record.value.expect("it is no tombstone");
        PointsEarned::decode(value).expect("it is what its type says")
    });
    earned.collect()
}

async fn until_told(broker: &Arc<dyn Broker>, topic: &str, records: usize) {
    while witness::raw(broker, topic).await.len() < records {
        Live::new().sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_and_its_event_are_there_together() {
    // Given the example and somebody who joins, twice.
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let hall = orders(&broker).await;
    let loyalty_file = folder.path().join("loyalty.sqlite");
    let loyalty = Loyalty::start(&broker, &loyalty_file, None).await;
    assert_eq!(loyalty.join("ada").await, StatusCode::CREATED);
    assert_eq!(loyalty.join("ada").await, StatusCode::CONFLICT);

    // When she orders, and so does somebody who has not joined.
    place(&hall, "1", "ada").await;
    place(&hall, "2", "bob").await;

    // Then she has points, and both rows of hers are told of, once.
    loyalty
        .until("select coalesce(max(points), 0) from customer", 20)
        .await;
    loyalty
        .until("select count(*) from quadrille_inbox", 2)
        .await;
    until_told(&broker, "loyalty", 2).await;
    loyalty
        .until("select count(*) from quadrille_outbox", 0)
        .await;
    let earned = earned(&broker).await;
    assert_eq!(earned.len(), 1);
    assert_eq!(
        (earned[0].customer_id.as_str(), earned[0].points),
        ("ada", 20)
    );
    assert_eq!(witness::raw(&broker, "loyalty").await.len(), 2);

    loyalty.running.stop().await.expect("it drains and leaves");
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_is_told_after_a_crash_and_done_once() {
    // Given an example that dies after each commit, before anything is published.
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("loyalty.sqlite");
    let hall = orders(&broker).await;
    let first = Loyalty::start(&broker, &file, Some(Point::Committed)).await;
    // Its answer never comes: the customer cannot know.
    let mut joining = Box::pin(first.join("ada"));
    while first.number("select count(*) from customer").await == 0 {
        assert!(futures::poll!(&mut joining).is_pending());
        first.live().sleep(Duration::from_millis(10)).await;
    }
    drop(joining);
    place(&hall, "1", "ada").await;
    first
        .until("select coalesce(max(points), 0) from customer", 20)
        .await;
    assert!(
        witness::raw(&broker, "loyalty").await.is_empty(),
        "nothing was published"
    );
    let Loyalty {
        running,
        router,
        pool,
    } = first;
    running.crash();
    drop(router);
    pool.close().await;

    // When it is started again.
    let second = Loyalty::start(&broker, &file, None).await;

    // Then both events are told, and the points were given once.
    until_told(&broker, "loyalty", 2).await;
    second
        .until("select count(*) from quadrille_outbox", 0)
        .await;
    assert_eq!(second.number("select points from customer").await, 20);
    assert_eq!(earned(&broker).await.len(), 1);
    let receipts = witness::receipts(&broker).await;
    let of_loyalty: Vec<_> = receipts.iter().filter(|r| r.service == "loyalty").collect();
    assert_eq!(of_loyalty.len(), 1, "{of_loyalty:?}");
    assert_eq!(of_loyalty[0].outcome(), Outcome::Done);

    second.running.stop().await.expect("it drains and leaves");
    hall.stop().await;
}
