//! An example: a web service that was there already, with tables of its own, and that joins a
//! choreography. Its customers earn points by their orders.
//!
//! What it needs for that: it gives its pool to the bus ([`bus`]), says what it reacts to and what
//! begins at its door ([`service`]), and ends its transactions with `commit(tx, event)` instead of
//! `tx.commit()`. Events then go out if, and only if, the transaction that they belong to was
//! committed, and a repeated event counts once, whatever crashes when.

use std::path::Path;
use std::sync::Arc;

use quadrille::broker::Broker;
use quadrille::bus::{Bus, Settings};
use quadrille::state::sqlite;
use quadrille::{Door, Service, State, world};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

pub mod http;
pub mod reactions;

/// The events of this service.
pub mod events {
    quadrille::include_events!();
}

use events::loyalty::v1::CustomerJoined;

/// How a transaction begins that is to write: it waits for its turn here, and not in its middle.
pub const BEGIN: &str = "BEGIN IMMEDIATE";

/// The tables of the service. They stand in no `Record`: it writes its own SQL.
pub struct Tables;

impl State for Tables {}

/// Where customers join.
pub type Joining = Door<Tables, CustomerJoined>;

/// Opens the database, with the tables that the service has had all along.
pub async fn open(file: &Path) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        // What the bus puts beside the service's tables wants to be as safe as these.
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePool::connect_with(options).await?;
    sqlx::query(
        "create table if not exists customer \
         (id text primary key, name text not null, points integer not null) strict",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

/// The bus, with inbox and outbox in the service's own database.
pub fn bus(
    broker: Arc<dyn Broker>,
    world: world::Shared,
    pool: SqlitePool,
    settings: Settings,
) -> Bus {
    let stores = sqlite::Stores::within(Arc::clone(&world), pool, sqlite::Options::default());
    Bus::new(broker, world, Arc::new(stores), settings)
}

/// What the service reacts to, and what begins at its door.
pub fn service(pool: SqlitePool, joining: &Joining) -> Service<Tables, SqlitePool> {
    Service::named("loyalty")
        .version(env!("CARGO_PKG_VERSION"))
        .keeps(Tables)
        .given(pool)
        .originates(joining)
        .on(reactions::order_placed)
}
