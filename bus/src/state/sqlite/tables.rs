//! The statements: what is read for a group of changes, and what is written for it.
//!
//! Every statement works on many rows at once, so that a group costs as many round trips to the
//! database as a single change. Nothing is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, SqliteConnection, SqlitePool};

pub(super) mod outbox;

use super::decide::{Decided, Lane, View, lanes};
use super::writer::BEGIN;
use crate::broker::TopicPartition;
use crate::state::{Change, EventKey, Handled, Query, RecordId, Stored, Taken};

type Result<T> = std::result::Result<T, sqlx::Error>;
type Statement = QueryBuilder<sqlx::Sqlite>;

/// Rows of one statement: with four values each they stay below SQLite's 32,766 parameters.
const ROWS_MAX: usize = 1_000;
/// Events that the inbox forgets at once, so that nobody waits long for their deletion.
const FORGET_MAX: i64 = 10_000;

/// Notes an opening. Returns whose database it is.
pub(super) async fn claim(pool: &SqlitePool, service: &str) -> Result<String> {
    let mut tx = pool.begin_with(BEGIN).await?;
    let owner = sqlx::query_scalar("select name from quadrille_service").fetch_optional(&mut *tx);
    let owner: String = owner.await?.unwrap_or_else(|| service.to_owned());
    sqlx::query(
        "insert into quadrille_service (name, opened) values (?, 1) \
         on conflict (name) do update set opened = opened + 1",
    )
    .bind(&owner)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(owner)
}

/// The file that a connection writes to.
pub(super) async fn file(connection: &mut SqliteConnection) -> Result<String> {
    let file = "select file from pragma_database_list where name = 'main'";
    sqlx::query_scalar(file).fetch_one(connection).await
}

/// Records as they are, in the order in which they were asked for.
pub(super) async fn records(
    connection: &mut SqliteConnection,
    ids: &[RecordId],
) -> Result<Vec<Option<Stored>>> {
    let mut found = vec![None; ids.len()];
    for (nth, ids) in ids.chunks(ROWS_MAX).enumerate() {
        let mut query = Statement::new("with asked (nth, kind, key) as (");
        query.push_values(ids.iter().enumerate(), |mut values, (nth, id)| {
            values
                .push_bind(nth as i64)
                .push_bind(id.kind)
                .push_bind(&*id.key);
        });
        query.push(
            ") select nth, version, json from asked cross join quadrille_record \
             using (kind, key)",
        );
        for row in fetch(query, connection).await? {
            let at = nth * ROWS_MAX + row.get::<i64, _>(0) as usize;
            found[at] = Some(stored(&row, 1));
        }
    }
    Ok(found)
}

/// Whether the inbox has events, in the order in which they were asked for.
pub(super) async fn seen(
    connection: &mut SqliteConnection,
    events: &[EventKey],
) -> Result<Vec<bool>> {
    let mut found = vec![false; events.len()];
    for (nth, events) in events.chunks(ROWS_MAX).enumerate() {
        let mut query = Statement::new("with asked (nth, source, id) as (");
        query.push_values(events.iter().enumerate(), |mut values, (nth, event)| {
            values
                .push_bind(nth as i64)
                .push_bind(event.source.as_str())
                .push_bind(event.id.as_str());
        });
        query.push(") select nth from asked cross join quadrille_inbox using (source, id)");
        for row in fetch(query, connection).await? {
            found[nth * ROWS_MAX + row.get::<i64, _>(0) as usize] = true;
        }
    }
    Ok(found)
}

/// What the database holds of what changes ask about.
pub(super) async fn view(
    connection: &mut SqliteConnection,
    cluster: &str,
    changes: &[&Change],
) -> Result<View> {
    let events: Vec<_> = changes
        .iter()
        .filter_map(|change| change.event.clone())
        .collect();
    let seen = seen(connection, &events).await?.into_iter();
    let seen = events.into_iter().zip(seen).filter(|(_, seen)| *seen);
    let seen = seen.map(|(event, _)| event).collect();

    let ids: BTreeSet<_> = changes
        .iter()
        .flat_map(|change| change.reads.keys().chain(change.writes.keys()))
        .cloned()
        .collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let versions = versions(connection, &ids).await?;

    let partitions: BTreeSet<_> = changes
        .iter()
        .filter_map(|change| Some(change.position.as_ref()?.partition.clone()))
        .collect();
    let partitions = handled(connection, cluster, partitions).await?;

    let asked = changes.iter().flat_map(|change| lanes(&change.outbox));
    let asked: BTreeSet<Lane> = asked.collect();
    let last_row = if asked.is_empty() {
        0
    } else {
        outbox::last_row(connection).await?
    };
    let last_rows = outbox::last_rows(connection, asked.into_iter().collect()).await?;
    Ok(View {
        partitions,
        seen,
        versions,
        last_rows,
        last_row,
    })
}

async fn versions(
    connection: &mut SqliteConnection,
    ids: &[RecordId],
) -> Result<BTreeMap<RecordId, u64>> {
    let mut found = BTreeMap::new();
    for ids in ids.chunks(ROWS_MAX) {
        let mut query = Statement::new("with asked (nth, kind, key) as (");
        query.push_values(ids.iter().enumerate(), |mut values, (nth, id)| {
            values
                .push_bind(nth as i64)
                .push_bind(id.kind)
                .push_bind(&*id.key);
        });
        query
            .push(") select nth, version from asked cross join quadrille_record using (kind, key)");
        for row in fetch(query, connection).await? {
            let id = &ids[row.get::<i64, _>(0) as usize];
            found.insert(id.clone(), row.get::<i64, _>(1) as u64);
        }
    }
    Ok(found)
}

async fn handled(
    connection: &mut SqliteConnection,
    cluster: &str,
    partitions: BTreeSet<TopicPartition>,
) -> Result<BTreeMap<TopicPartition, Taken>> {
    let partitions: Vec<_> = partitions.into_iter().collect();
    let mut found = BTreeMap::new();
    for partitions in partitions.chunks(ROWS_MAX) {
        let mut query = Statement::new("with asked (nth, topic, \"partition\") as (");
        query.push_values(partitions.iter().enumerate(), |mut values, (nth, at)| {
            values
                .push_bind(nth as i64)
                .push_bind(at.topic.as_str())
                .push_bind(at.partition);
        });
        query.push(
            ") select nth, epoch, low_water, above from asked cross join quadrille_handled \
             using (topic, \"partition\") where cluster = ",
        );
        query.push_bind(cluster);
        for row in fetch(query, connection).await? {
            let at = partitions[row.get::<i64, _>(0) as usize].clone();
            found.insert(at, taken(&row)?);
        }
    }
    Ok(found)
}

/// Writes what was decided for a group.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    cluster: &str,
    owner: &str,
    view: &View,
    decided: &Decided<'_>,
) -> Result<()> {
    for events in decided.inbox.chunks(ROWS_MAX) {
        let mut query = Statement::new("insert into quadrille_inbox (source, id, at) ");
        query.push_values(events, |mut values, (event, at)| {
            values
                .push_bind(event.source.as_str())
                .push_bind(event.id.as_str())
                .push_bind(at.as_millisecond());
        });
        execute(query, connection).await?;
    }
    write_records(connection, decided).await?;
    write_handled(connection, cluster, view, decided).await?;
    outbox::put(connection, owner, decided).await
}

async fn write_records(connection: &mut SqliteConnection, decided: &Decided<'_>) -> Result<()> {
    let records: Vec<_> = decided.records.iter().collect();
    for records in records.chunks(ROWS_MAX) {
        let mut query = Statement::new("insert into quadrille_record (kind, key, version, json) ");
        query.push_values(records, |mut values, (id, written)| {
            values
                .push_bind(id.kind)
                .push_bind(&*id.key)
                .push_bind(written.version as i64)
                .push_bind(written.write.json.as_deref());
        });
        query.push(
            " on conflict (kind, key) do update set version = excluded.version, json = excluded.json",
        );
        execute(query, connection).await?;

        // A new record has no index values yet.
        let old = records.iter().filter(|(_, written)| written.version > 1);
        let old: Vec<_> = old.collect();
        if !old.is_empty() {
            let mut query = Statement::new("delete from quadrille_index where (kind, key) in (");
            query.push_values(old, |mut values, (id, _)| {
                values.push_bind(id.kind).push_bind(&*id.key);
            });
            query.push(")");
            execute(query, connection).await?;
        }
    }
    let indexes = records.iter().flat_map(|(id, written)| {
        let indexes = written.write.indexes.iter();
        indexes.map(|(name, value)| (id.kind, *name, value.as_str(), &*id.key))
    });
    let indexes: Vec<_> = indexes.collect();
    for indexes in indexes.chunks(ROWS_MAX) {
        let mut query = Statement::new("insert into quadrille_index (kind, name, value, key) ");
        query.push_values(indexes, |mut values, (kind, name, value, key)| {
            values
                .push_bind(*kind)
                .push_bind(*name)
                .push_bind(*value)
                .push_bind(*key);
        });
        execute(query, connection).await?;
    }
    Ok(())
}

async fn write_handled(
    connection: &mut SqliteConnection,
    cluster: &str,
    view: &View,
    decided: &Decided<'_>,
) -> Result<()> {
    let handled: Vec<_> = decided.handled.iter().collect();
    for partitions in handled.chunks(ROWS_MAX) {
        let mut query = Statement::new(
            "insert into quadrille_handled (cluster, topic, \"partition\", epoch, low_water, above) ",
        );
        query.push_values(partitions, |mut values, at| {
            let taken = &view.partitions[*at];
            let handled = taken.handled.as_ref().expect("it was marked");
            let above: Vec<_> = handled.above.iter().collect();
            let above = serde_json::to_string(&above).expect("numbers can be written as JSON");
            values
                .push_bind(cluster)
                .push_bind(at.topic.as_str())
                .push_bind(at.partition)
                .push_bind(taken.epoch as i64)
                .push_bind(handled.low_water)
                .push_bind(above);
        });
        query.push(
            " on conflict do update set low_water = excluded.low_water, above = excluded.above",
        );
        execute(query, connection).await?;
    }
    Ok(())
}

/// Takes partitions over.
pub(super) async fn take(
    pool: &SqlitePool,
    cluster: &str,
    partitions: &[TopicPartition],
) -> Result<BTreeMap<TopicPartition, Taken>> {
    let mut tx = pool.begin_with(BEGIN).await?;
    for partitions in partitions.chunks(ROWS_MAX) {
        let mut query = Statement::new(
            "insert into quadrille_handled (cluster, topic, \"partition\", epoch, above) ",
        );
        query.push_values(partitions, |mut values, at| {
            values
                .push_bind(cluster)
                .push_bind(at.topic.as_str())
                .push_bind(at.partition)
                .push_bind(1_i64)
                .push_bind("[]");
        });
        query.push(" on conflict do update set epoch = epoch + 1");
        execute(query, &mut tx).await?;
    }
    let taken = handled(&mut tx, cluster, partitions.iter().cloned().collect()).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Forgets the oldest events of the inbox. Returns how many.
pub(super) async fn forget(pool: &SqlitePool, before: Timestamp) -> Result<u64> {
    let forgotten = sqlx::query(
        "delete from quadrille_inbox where (source, id) in \
         (select source, id from quadrille_inbox where at < ? limit ?)",
    )
    .bind(before.as_millisecond())
    .bind(FORGET_MAX)
    .execute(pool)
    .await?;
    Ok(forgotten.rows_affected())
}

/// One page of records.
pub(super) async fn page(pool: &SqlitePool, query: &Query) -> Result<Vec<(Arc<str>, Stored)>> {
    let mut page = Statement::new("select record.key, version, json from quadrille_record record");
    if let Some((name, value)) = &query.index {
        page.push(" join quadrille_index idx on idx.kind = record.kind and idx.key = record.key");
        page.push(" where idx.name = ").push_bind(*name);
        page.push(" and idx.value = ").push_bind(value.as_str());
        page.push(" and idx.kind = ").push_bind(query.kind);
    } else {
        page.push(" where record.kind = ").push_bind(query.kind);
    }
    if let Some(after) = &query.after {
        page.push(" and record.key > ").push_bind(&**after);
    }
    page.push(" and json is not null order by record.key limit ");
    page.push_bind(query.limit as i64);
    let rows = page.build().fetch_all(pool).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get::<&str, _>(0).into(), stored(row, 1)))
        .collect())
}

async fn fetch(mut query: Statement, connection: &mut SqliteConnection) -> Result<Vec<SqliteRow>> {
    // Not kept prepared: each number of rows is another statement.
    query.build().persistent(false).fetch_all(connection).await
}

async fn execute(mut query: Statement, connection: &mut SqliteConnection) -> Result<usize> {
    let done = query.build().persistent(false).execute(connection).await?;
    Ok(done.rows_affected() as usize)
}

fn stored(row: &SqliteRow, at: usize) -> Stored {
    Stored {
        version: row.get::<i64, _>(at) as u64,
        json: row.get::<Option<&str>, _>(at + 1).map(Arc::from),
    }
}

fn taken(row: &SqliteRow) -> Result<Taken> {
    let epoch = row.get::<i64, _>(1) as u64;
    let above: &str = row.get(3);
    let above = serde_json::from_str(above)
        .map_err(|error| broken("handled offsets of partition", 0, &error.to_string()))?;
    let handled = row
        .get::<Option<i64>, _>(2)
        .map(|low_water| Handled { low_water, above });
    Ok(Taken { epoch, handled })
}

fn broken(what: &str, at: i64, error: &str) -> sqlx::Error {
    sqlx::Error::Protocol(format!("{what} {at} cannot be read: {error}"))
}
