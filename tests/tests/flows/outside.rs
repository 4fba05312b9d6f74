//! Calls to the outside rest on what is in the database, and not on what is still on its way there.

use std::sync::Arc;

use quadrille::broker::{Broker, memory};
use quadrille::bus::Bus;
use quadrille::service::Running;
use quadrille::state::sqlite::{Options, Stores};
use quadrille::world::{self, Live};
use quadrille::{Cx, Door, Failure, Reacted, Record, Service, State};
use quadrille_tests::events::kit::v1::{Ticked, Tocked};
use quadrille_tests::{hall, topics};
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, SqliteConnection, SqliteTransaction};
use tokio::sync::{Semaphore, mpsc};

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
    /// It reacts.
    Began,
    /// The reaction that calls has loaded the record.
    Loaded(u32),
    /// It called, having loaded this, while the database held that.
    Called(u32, Option<u32>),
}

/// Writes 1 where there is nothing, and calls once there is something.
async fn ticked(tick: Ticked, mut cx: Cx<Clocks, Outside>) -> Reacted<()> {
    if tick.clock == "begins" {
        cx.given().tell(Heard::Began);
        return Ok(());
    }
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

/// What another program writes, so that a change of the service which is on its way conflicts.
const OTHER: &str =
    "insert into quadrille_record (kind, key, version, json) values ('shown', 'tower', 1, '7')";

/// The service at work.
struct Stage {
    bus: Bus,
    running: Running,
    door: Door<Clocks, Option<Tocked>>,
    hears: mpsc::Receiver<Heard>,
    /// A connection of another program to the database.
    other: SqliteConnection,
}

impl Stage {
    async fn new() -> Self {
        let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::new(Live::new())));
        topics::create(&broker).await;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().to_owned();
        let world: world::Shared = Arc::new(Live::new());
        let stores = Stores::in_folder(Arc::clone(&world), &path, Options::default());
        let bus = Bus::new(broker, world, Arc::new(stores), hall::settings());
        let ((heard, mut hears), door) = (mpsc::channel(100), Door::new());
        let service = Service::named("tocker")
            .keeps(Clocks)
            .given(Outside { folder, heard })
            .originates(&door)
            .on(ticked);
        let running = service.start(&bus);
        // Once it reacts, it has taken its partitions over, for which it writes.
        publish(&bus, "begins").await;
        assert_eq!(hears.recv().await, Some(Heard::Began));
        Self {
            bus,
            running,
            door,
            hears,
            other: opened(&path, "tocker").await,
        }
    }
}

async fn publish(bus: &Bus, clock: &str) {
    let (clock, nth) = (clock.to_owned(), 0);
    let tick = Ticked { clock, nth };
    let published = bus.publisher("ticker").publish(tick).await;
    published.expect("the broker answers");
}

/// Lets one reaction write, and another one see what it wrote and be about to call.
async fn tick(bus: &Bus, hears: &mut mpsc::Receiver<Heard>) {
    for clock in ["writes", "calls"] {
        publish(bus, clock).await;
    }
    assert_eq!(hears.recv().await, Some(Heard::Loaded(1)));
}

/// Locks the database: what is written from now on is on its way until that ends.
async fn locked(other: &mut SqliteConnection) -> SqliteTransaction<'_> {
    let lock = other.begin_with("begin immediate").await;
    lock.expect("it can be locked")
}

/// Writes something else into it, where given, and lets go of it.
async fn unlock(mut lock: SqliteTransaction<'_>, statement: Option<&'static str>) {
    if let Some(statement) = statement {
        let written = sqlx::query(statement).execute(&mut *lock).await;
        written.expect("it holds the lock");
    }
    lock.commit().await.expect("it holds the lock");
}

/// What the service does until it has called, where another program writes this meanwhile.
async fn heard_where(statement: Option<&'static str>) -> Vec<Heard> {
    let mut stage = Stage::new().await;
    let lock = locked(&mut stage.other).await;
    tick(&stage.bus, &mut stage.hears).await;
    unlock(lock, statement).await;
    let mut all = vec![Heard::Loaded(1)];
    while !matches!(all.last(), Some(Heard::Called(..))) {
        all.push(stage.hears.recv().await.expect("it goes on"));
    }
    stage.running.stop().await.expect("it drains");
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_waits_until_what_it_rests_on_is_in_the_database() {
    let heard = heard_where(None).await;

    assert_eq!(heard, [Heard::Loaded(1), Heard::Called(1, Some(1))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_would_rest_on_what_never_was_is_not_made() {
    let heard = heard_where(Some(OTHER)).await;

    // Then the reaction runs again, on what is there.
    let again = [
        Heard::Loaded(1),
        Heard::Loaded(7),
        Heard::Called(7, Some(7)),
    ];
    assert_eq!(heard, again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_decides_again_where_its_call_would_rest_on_what_never_was() {
    // Given a decision that found nothing there.
    let Stage {
        bus,
        running,
        door,
        mut hears,
        mut other,
    } = Stage::new().await;
    let lock = locked(&mut other).await;
    let (loaded, mut loads) = mpsc::channel(10);
    let goes_on = Semaphore::new(0);
    let decided = door.new_flow().decide(|mut cx| {
        let (loaded, goes_on) = (loaded.clone(), &goes_on);
        async move {
            let shown: Option<Shown> = cx.load(RECORD).await?;
            let shown = shown.map(|Shown(shown)| shown);
            loaded.send(shown).await?;
            goes_on.acquire().await?.forget();
            cx.calling(async { Ok::<_, Failure>(()) }).await?;
            Ok((None, shown))
        }
    });

    let course = async {
        assert_eq!(loads.recv().await, Some(None));
        // When a write on its way takes that from it, and is itself lost while the next attempt, which holds
        // the lock of the record, rests on it.
        tick(&bus, &mut hears).await;
        goes_on.add_permits(1);
        assert_eq!(loads.recv().await, Some(Some(1)));
        goes_on.add_permits(1);
        unlock(lock, Some(OTHER)).await;
        // Then it is made once more, on what is there.
        assert_eq!(loads.recv().await, Some(Some(7)));
        goes_on.add_permits(1);
    };
    let (decided, ()) = tokio::join!(decided, course);

    assert_eq!(decided.expect("it is decided"), Some(7));
    running.stop().await.expect("it drains");
}
