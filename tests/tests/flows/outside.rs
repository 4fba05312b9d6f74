//! Calls to the outside rest on what is in the database, and not on what is still on its way there.

use std::path::Path;
use std::sync::Arc;

use quadrille::broker::{Broker, NewTopic, TopicName, memory};
use quadrille::bus::Bus;
use quadrille::event::Retention;
use quadrille::service::Running;
use quadrille::state::sqlite::{Options, Stores};
use quadrille::world::{self, Live};
use quadrille::{Cx, Failure, Reacted, Record, Service, State};
use quadrille_tests::events::kit::v1::Ticked;
use quadrille_tests::hall;
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::mpsc;

use crate::flows::sqlite::opened;

struct Clocks;

impl State for Clocks {}

/// The one record. Its text is the number alone.
#[derive(Serialize, Deserialize)]
struct Shown(u32);

impl Record for Shown {
    type In = Clocks;
    const KIND: &'static str = "shown";
}

const RECORD: &str = "tower";

/// What the test hears of the service.
#[derive(Debug, PartialEq)]
enum Heard {
    /// The reaction that calls has loaded the record.
    Loaded(u32),
    /// It called, having loaded this, while the database held that.
    Called(u32, Option<u32>),
}

/// Writes 1 where there is nothing, and calls once there is something.
async fn ticked(tick: Ticked, mut cx: Cx<Clocks, Outside>) -> Reacted<()> {
    let shown: Option<Shown> = cx.load(RECORD).await?;
    match (&*tick.clock, shown) {
        ("writes", None) => cx.put(RECORD, &Shown(1))?,
        ("calls", None) => {
            let nothing = std::io::Error::other("it is not shown yet");
            return Err(Failure::outage("not_yet", nothing));
        }
        ("calls", Some(Shown(shown))) => {
            let outside = cx.given();
            outside.tell(Heard::Loaded(shown));
            let call = async {
                let held = held(&mut outside.connection().await).await;
                outside.tell(Heard::Called(shown, held));
                Ok::<_, Failure>(())
            };
            cx.calling(call).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Where the calls go.
struct Outside {
    folder: tempfile::TempDir,
    heard: mpsc::Sender<Heard>,
}

impl Outside {
    fn tell(&self, heard: Heard) {
        self.heard.try_send(heard).expect("the test listens");
    }

    async fn connection(&self) -> SqliteConnection {
        opened(self.folder.path(), "tocker").await
    }
}

/// What the database holds.
async fn held(connection: &mut SqliteConnection) -> Option<u32> {
    let held = sqlx::query_scalar("select json from quadrille_record where kind = 'shown'");
    let held: Option<String> = held
        .fetch_optional(connection)
        .await
        .expect("it can be read");
    held.map(|json| json.parse().expect("it is a number"))
}

async fn start(broker: &Arc<dyn Broker>, outside: Outside, folder: &Path) -> (Bus, Running) {
    let world: world::Shared = Arc::new(Live::new());
    let stores = Stores::in_folder(Arc::clone(&world), folder, Options::default());
    for name in ["ticks", "tocks"] {
        let topic = NewTopic {
            name: TopicName::parse(name).expect("a legal name"),
            partitions: 6,
            replication: None,
            retention: Retention::Forever,
        };
        broker.create(&topic).await.expect("the broker answers");
    }
    let bus = Bus::new(
        Arc::clone(broker),
        world,
        Arc::new(stores),
        hall::settings(),
    );
    let service = Service::named("tocker")
        .keeps(Clocks)
        .given(outside)
        .on(ticked);
    let running = service.start(&bus);
    running.status().until(|report| report.ready).await;
    (bus, running)
}

/// What the service does where `other` is what another program does with the database, which it has
/// locked while a change is on its way.
async fn heard_where(other: Option<&'static str>) -> Vec<Heard> {
    // Given a database that somebody else has locked.
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::new(Live::new())));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().to_owned();
    let (heard, mut hears) = mpsc::channel(100);
    let (bus, running) = start(&broker, Outside { folder, heard }, &path).await;
    let mut connection = opened(&path, "tocker").await;
    let mut lock = connection
        .begin_with("begin immediate")
        .await
        .expect("it can be locked");

    // When one reaction writes, and another one has seen what it wrote and is about to call.
    for clock in ["writes", "calls"] {
        let (clock, nth) = (clock.to_owned(), 0);
        let tick = Ticked { clock, nth };
        bus.publisher("ticker")
            .publish(tick)
            .await
            .expect("the broker answers");
    }
    let mut all = vec![hears.recv().await.expect("it goes on")];
    assert_eq!(all, [Heard::Loaded(1)]);
    if let Some(statement) = other {
        sqlx::query(statement)
            .execute(&mut *lock)
            .await
            .expect("it holds the lock");
    }
    lock.commit().await.expect("it holds the lock");

    while !matches!(all.last(), Some(Heard::Called(..))) {
        all.push(hears.recv().await.expect("it goes on"));
    }
    running.stop().await.expect("it drains");
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_waits_until_what_it_rests_on_is_in_the_database() {
    let heard = heard_where(None).await;

    assert_eq!(heard, [Heard::Loaded(1), Heard::Called(1, Some(1))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_would_rest_on_what_never_was_is_not_made() {
    // Given another program that writes something else, so that the change on its way conflicts.
    let other =
        "insert into quadrille_record (kind, key, version, json) values ('shown', 'tower', 1, '7')";

    let heard = heard_where(Some(other)).await;

    // Then the reaction runs again, on what is there.
    let again = [
        Heard::Loaded(1),
        Heard::Loaded(7),
        Heard::Called(7, Some(7)),
    ];
    assert_eq!(heard, again);
}
