//! The statements of the outbox: rows are put in, found, given to another owner, and deleted.

use std::collections::BTreeMap;

use bytes::Bytes;
use sqlx::{Row as _, SqliteConnection, SqlitePool};

use super::{ROWS_MAX, Result, Statement, broken, execute, fetch};
use crate::state::sqlite::decide::{Decided, Lane, lanes};
use crate::state::sqlite::row;
use crate::state::{OutboxRow, RowId};

/// The last row there ever was.
pub(super) async fn last_row(connection: &mut SqliteConnection) -> Result<RowId> {
    // Kept by SQLite, so that a number is never given twice, also where all rows are gone.
    let last = "select coalesce(max(seq), 0) from sqlite_sequence where name = 'quadrille_outbox'";
    let last: i64 = sqlx::query_scalar(last).fetch_one(connection).await?;
    Ok(last as RowId)
}

/// The last row that is to publish under each topic and key.
pub(super) async fn last_rows(
    connection: &mut SqliteConnection,
    lanes: Vec<Lane>,
) -> Result<BTreeMap<Lane, RowId>> {
    let mut found = BTreeMap::new();
    for lanes in lanes.chunks(ROWS_MAX) {
        let mut query = Statement::new("with asked (nth, topic, key) as (");
        query.push_values(
            lanes.iter().enumerate(),
            |mut values, (nth, (topic, key))| {
                values
                    .push_bind(nth as i64)
                    .push_bind(topic.as_str())
                    .push_bind(key_blob(key.as_ref()));
            },
        );
        query.push(
            ") select nth, (select max(row) from quadrille_outbox_key of \
             where of.topic = asked.topic and of.key = asked.key) as last \
             from asked where last is not null",
        );
        for row in fetch(query, connection).await? {
            let lane = lanes[row.get::<i64, _>(0) as usize].clone();
            found.insert(lane, row.get::<i64, _>(1) as RowId);
        }
    }
    Ok(found)
}

/// Puts rows in.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    owner: &str,
    decided: &Decided<'_>,
) -> Result<()> {
    for rows in decided.rows.chunks(ROWS_MAX) {
        let mut query = Statement::new("insert into quadrille_outbox (id, owner, records) ");
        query.push_values(rows, |mut values, (id, records)| {
            values
                .push_bind(*id as i64)
                .push_bind(owner)
                .push_bind(row::encode(records));
        });
        execute(query, connection).await?;
    }
    let keys = decided.rows.iter().flat_map(|(id, records)| {
        let lanes = lanes(records).into_iter();
        lanes.map(move |(topic, key)| (topic, key_blob(key.as_ref()), *id as i64))
    });
    let keys: Vec<_> = keys.collect();
    for keys in keys.chunks(ROWS_MAX) {
        let mut query = Statement::new("insert into quadrille_outbox_key (topic, key, row) ");
        query.push_values(keys, |mut values, (topic, key, row)| {
            values
                .push_bind(topic.as_str())
                .push_bind(key.as_slice())
                .push_bind(*row);
        });
        execute(query, connection).await?;
    }
    Ok(())
}

/// Deletes rows of the outbox. Returns how many there were.
pub(in crate::state::sqlite) async fn delete_rows(
    connection: &mut SqliteConnection,
    rows: &[RowId],
) -> Result<usize> {
    let mut deleted = 0;
    for rows in rows.chunks(ROWS_MAX) {
        for (table, column) in [("quadrille_outbox_key", "row"), ("quadrille_outbox", "id")] {
            let mut query = Statement::new("delete from ");
            query.push(table).push(" where ").push(column).push(" in (");
            let mut list = query.separated(", ");
            for row in rows {
                list.push_bind(*row as i64);
            }
            query.push(")");
            deleted = execute(query, connection).await?;
        }
    }
    Ok(deleted)
}

/// Gives the rows of one owner to another.
pub(in crate::state::sqlite) async fn adopt(pool: &SqlitePool, from: &str, to: &str) -> Result<()> {
    let adopted = sqlx::query("update quadrille_outbox set owner = ? where owner = ?")
        .bind(to)
        .bind(from)
        .execute(pool);
    adopted.await.map(drop)
}

/// Who owns rows of the outbox.
pub(in crate::state::sqlite) async fn owners(pool: &SqlitePool) -> Result<Vec<String>> {
    // By leaps through the index: there are few owners and may be many rows.
    let owners = sqlx::query_scalar(
        "with recursive owner (name) as (\
         select min(owner) from quadrille_outbox union all \
         select (select min(owner) from quadrille_outbox where owner > name) from owner \
         where name is not null) select name from owner where name is not null",
    );
    owners.fetch_all(pool).await
}

/// How many rows an owner has.
pub(in crate::state::sqlite) async fn rows_of(pool: &SqlitePool, owner: &str) -> Result<i64> {
    let count = sqlx::query_scalar("select count(*) from quadrille_outbox where owner = ?");
    count.bind(owner).fetch_one(pool).await
}

/// How many rows there are.
pub(in crate::state::sqlite) async fn row_count(pool: &SqlitePool) -> Result<usize> {
    let count: i64 = sqlx::query_scalar("select count(*) from quadrille_outbox")
        .fetch_one(pool)
        .await?;
    Ok(count as usize)
}

/// Whether a row is there.
pub(in crate::state::sqlite) async fn has_row(pool: &SqlitePool, row: RowId) -> Result<bool> {
    let there = sqlx::query("select 1 from quadrille_outbox where id = ?").bind(row as i64);
    Ok(there.fetch_optional(pool).await?.is_some())
}

/// Rows of one owner, oldest first.
pub(in crate::state::sqlite) async fn unflushed(
    pool: &SqlitePool,
    owner: &str,
    after: RowId,
    limit: usize,
) -> Result<Vec<OutboxRow>> {
    let rows = sqlx::query(
        "select id, records from quadrille_outbox where owner = ? and id > ? order by id limit ?",
    )
    .bind(owner)
    .bind(after as i64)
    .bind(limit as i64)
    .fetch_all(pool)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let id: i64 = row.get(0);
        let records = row::decode(row.get(1)).map_err(|error| broken("row", id, &error))?;
        let waits = sqlx::query_scalar(
            "select distinct (select max(earlier.row) from quadrille_outbox_key earlier \
             where earlier.topic = mine.topic and earlier.key = mine.key \
             and earlier.row < mine.row) as last \
             from quadrille_outbox_key mine where mine.row = ? order by last",
        );
        let after: Vec<Option<i64>> = waits.bind(id).fetch_all(pool).await?;
        found.push(OutboxRow {
            id: id as RowId,
            after: after
                .into_iter()
                .flatten()
                .map(|row| row as RowId)
                .collect(),
            records,
        });
    }
    Ok(found)
}

/// A key as it stands in the table: a null key is not an empty one.
fn key_blob(key: Option<&Bytes>) -> Vec<u8> {
    match key {
        None => Vec::new(),
        Some(key) => [&[1], &key[..]].concat(),
    }
}
