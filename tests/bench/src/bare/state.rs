//! A loop that commits each event alone: inbox, record and offset in one SQLite transaction.

use quadrille::Event as _;
use quadrille::prost::Message as _;
use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection};

use super::clients;
use crate::contend::Stage;
use crate::events::bench::v1::Stored;
use crate::fault::Fault;
use crate::measure::{Measure, Watch};
use crate::work::{Ledger, Measured as _};

const TABLES: [&str; 3] = [
    "create table inbox (id text primary key) strict, without rowid",
    "create table tally (customer text primary key, events integer, bytes integer) strict",
    "create table handled (\"partition\" integer primary key, offset integer) strict",
];
const IN_INBOX: &str = "insert into inbox values (?)";
const TALLIED: &str = "insert into tally values (?, 1, ?) on conflict do update \
                       set events = events + 1, bytes = bytes + excluded.bytes";
const HANDLED: &str = "insert into handled values (?, ?) on conflict do update \
                       set offset = excluded.offset";

/// Handles all that is stored.
pub(crate) async fn state(stage: &Stage) -> Result<Measure, Fault> {
    let fault = |error: sqlx::Error| Fault::of("write to SQLite", &error);
    let folder = tempfile::tempdir().map_err(|error| Fault::of("make a folder", &error))?;
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("bare.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut database = SqliteConnection::connect_with(&options)
        .await
        .map_err(fault)?;
    for table in TABLES {
        sqlx::query(table)
            .execute(&mut database)
            .await
            .map_err(fault)?;
    }
    let order = &stage.order;
    let consumer = clients::polled(&order.kafka, &order.group, Stored::SCHEMA.topic.name)?;
    let ledger = Ledger::of(order.events);
    let watch = Watch::new(&stage.world);
    loop {
        let message = clients::next(&consumer, &stage.world)?;
        watch.start();
        let event = Stored::decode(message.payload().unwrap_or_default())
            .map_err(|error| Fault::of("decode", &error))?;
        let facts = event.facts();
        ledger.begin(&facts);
        let mut tx = database
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(fault)?;
        // The place of a record is as good an id as any.
        let id = format!("{}/{}", message.partition(), message.offset());
        let inbox = sqlx::query(IN_INBOX).bind(id).execute(&mut *tx).await;
        inbox.map_err(fault)?;
        let bytes = i64::try_from(event.filling.len()).unwrap_or(i64::MAX);
        let tallied = sqlx::query(TALLIED).bind(&event.customer).bind(bytes);
        tallied.execute(&mut *tx).await.map_err(fault)?;
        let handled = sqlx::query(HANDLED)
            .bind(message.partition())
            .bind(message.offset());
        handled.execute(&mut *tx).await.map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        let is_last = ledger.end(&facts);
        consumer
            .store_offset_from_message(&message)
            .map_err(|error| Fault::of("note an offset", &error))?;
        if is_last {
            break;
        }
    }
    clients::commit(&consumer)?;
    let measure = watch.stop(order.events);
    ledger.check().map_err(Fault::new)?;
    Ok(measure)
}
