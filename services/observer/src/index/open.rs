//! Opens an index, or makes an empty one where there is none that can be used.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use jiff::Timestamp;
use prost::Message as _;
use quadrille::broker::{TopicName, TopicPartition};
use quadrille::wire::ContractPublished;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqlitePool};
use tokio::sync::watch;

use super::names::Names;
use super::{Counts, Error, Index, Limits, State, lock, with_suffix};
use crate::flow::status::Word;
use crate::seen::Promised;

/// Version of the tables and of what stands in them. Another one is read anew.
const VERSION: &str = "3";
/// All tables.
const TABLES: [&str; 11] = [
    "meta", "position", "name", "contract", "flow", "facts", "key", "event", "record", "trace",
    "gone",
];
/// Connections that read.
const READERS: u32 = 4;

impl Index {
    /// Opens the index in a folder, which is made where it is missing. Whose it is shows when the
    /// broker answers: see [`Index::keep_for`].
    pub async fn open(folder: &Path, limits: Limits) -> Result<Self, Error> {
        let path = folder.join("index.sqlite");
        std::fs::create_dir_all(folder).map_err(|error| Error::Folder(path.clone(), error))?;
        let lock = lock(&path)?;
        let failed = |doing: &'static str| {
            let path = path.clone();
            move |source| Error::Database {
                doing,
                path,
                source,
            }
        };
        // One that cannot be read is not mended: it is made anew.
        let (writing, state) = match existing(&path).await {
            Ok(Some(existing)) => existing,
            Ok(None) | Err(_) => {
                remove(&path).map_err(|error| Error::Folder(path.clone(), error))?;
                let made = empty(&path).await;
                made.map_err(failed("make"))?
            }
        };
        let reading = pool(&path, READERS).await.map_err(failed("open"))?;
        Ok(Self {
            changed: watch::Sender::new(state.change),
            path,
            writing,
            reading,
            limits,
            state: Mutex::new(state),
            _lock: lock,
        })
    }

    /// Keeps what this cluster tells from now on. What is known of another one is forgotten.
    pub async fn keep_for(&self, cluster: &str) -> Result<(), Error> {
        match self.forget_others(cluster).await {
            Ok(None) => {}
            Ok(Some(state)) => {
                // Positions of changes go on: whoever was told of one is never told an older one.
                let change = self.change();
                *self.state() = State { change, ..state };
            }
            Err(error) => return Err(self.failed("begin anew")(error)),
        }
        Ok(())
    }

    /// `None`: it was this cluster's already.
    async fn forget_others(&self, cluster: &str) -> Result<Option<State>, sqlx::Error> {
        let before = meta(&self.writing, "cluster").await?;
        if before.as_deref() == Some(cluster) {
            return Ok(None);
        }
        let mut tx = self.writing.begin().await?;
        for table in TABLES {
            let delete = format!("delete from {table}");
            sqlx::query(AssertSqlSafe(delete)).execute(&mut *tx).await?;
        }
        for (name, value) in [("version", VERSION), ("cluster", cluster)] {
            let insert = sqlx::query("insert into meta (name, value) values (?, ?)");
            insert.bind(name).bind(value).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(Some(state(&self.writing).await?))
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::remove_file(with_suffix(path, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

async fn pool(path: &Path, connections: u32) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What a power cut takes is read again.
        .synchronous(SqliteSynchronous::Off)
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None);
    pool.connect_with(options).await
}

async fn empty(path: &Path) -> Result<(SqlitePool, State), sqlx::Error> {
    let pool = pool(path, 1).await?;
    sqlx::raw_sql(include_str!("tables.sql"))
        .execute(&pool)
        .await?;
    let insert = sqlx::query("insert into meta (name, value) values ('version', ?)");
    insert.bind(VERSION).execute(&pool).await?;
    Ok((pool, State::default()))
}

/// What is there. `None`: it is not of this version.
async fn existing(path: &Path) -> Result<Option<(SqlitePool, State)>, sqlx::Error> {
    if !path.exists() {
        return Ok(None);
    }
    let pool = pool(path, 1).await?;
    if meta(&pool, "version").await?.as_deref() != Some(VERSION) {
        pool.close().await;
        return Ok(None);
    }
    let state = state(&pool).await?;
    Ok(Some((pool, state)))
}

async fn meta(pool: &SqlitePool, name: &str) -> Result<Option<String>, sqlx::Error> {
    let value = sqlx::query_scalar("select value from meta where name = ?");
    value.bind(name).fetch_optional(pool).await
}

pub(super) async fn state(pool: &SqlitePool) -> Result<State, sqlx::Error> {
    let names = sqlx::query_scalar("select text from name order by id")
        .fetch_all(pool)
        .await?;
    let mut state = State {
        names: Names::kept(names),
        ..State::default()
    };
    let contracts = "select bytes, \"offset\", at, since from contract order by service";
    for row in sqlx::query(contracts).fetch_all(pool).await? {
        let (promised, since) = contract(&row)?;
        let service = promised.contract.service.clone();
        state.expected.note(&promised);
        state.expected.set_since(&service, &since);
        state.contracts.insert(service, promised);
    }
    let rows = sqlx::query("select topic, \"partition\", next from position").fetch_all(pool);
    for row in rows.await? {
        if let Ok(topic) = TopicName::parse(row.get::<&str, _>(0)) {
            let partition = TopicPartition::new(topic, row.get(1));
            state.positions.insert(partition, row.get(2));
        }
    }
    state.counts = counts(pool, &state.names).await?;
    let newest = |column: &'static str| {
        let newest = format!("select coalesce(max({column}), 0) from flow");
        sqlx::query_scalar::<_, i64>(AssertSqlSafe(newest)).fetch_one(pool)
    };
    state.change = newest("change").await?.unsigned_abs();
    state.flow = newest("id").await?;
    Ok(state)
}

fn contract(row: &SqliteRow) -> Result<(Promised, BTreeMap<String, Timestamp>), sqlx::Error> {
    fn broken(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
        sqlx::Error::Decode(Box::new(error))
    }
    let promised = Promised {
        contract: ContractPublished::decode(row.get::<&[u8], _>(0)).map_err(broken)?,
        offset: row.get(1),
        at: row.get::<&str, _>(2).parse().map_err(broken)?,
    };
    let since = serde_json::from_str(row.get(3)).map_err(broken)?;
    Ok((promised, since))
}

async fn counts(pool: &SqlitePool, names: &Names) -> Result<Counts, sqlx::Error> {
    let mut counts = Counts::default();
    let rows = sqlx::query("select word, wait_service, count(*) from flow group by 1, 2");
    for row in rows.fetch_all(pool).await? {
        let (word, service): (u8, Option<u32>) = (row.get(0), row.get(1));
        let count = row.get::<i64, _>(2).unsigned_abs();
        counts.flows += count;
        if usize::from(word) < Word::ALL.len() {
            let service = service.map(|service| names.text(service).to_owned());
            counts.words.insert((word, service), count);
        }
    }
    for (name, count) in [
        ("events", &mut counts.events),
        ("receipts", &mut counts.receipts),
        ("dropped", &mut counts.dropped),
    ] {
        let kept = meta(pool, name).await?;
        *count = kept.and_then(|kept| kept.parse().ok()).unwrap_or(0);
    }
    Ok(counts)
}
