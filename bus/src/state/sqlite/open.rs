//! Opens a database: settings, tables, and whose it is.
//!
//! Write-ahead log, so that reading never waits for writing. `synchronous=FULL`: each transaction is
//! on the disk before anything that follows from it is published. With `NORMAL`, a power cut could
//! take back a decision whose events others have seen; groups of changes share the wait for the disk, so
//! that it costs little (`docs/adr/0010-sqlite.md` has the figures).

use std::path::{Path, PathBuf};

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlSafeStr as _, SqlitePool};

use super::Options;
use super::owner::Owner;
use super::tables;
use super::trouble::Trouble;
use crate::state::{Error, ErrorKind};

/// Connections that read. Batches use one; pages and sweeps the others.
const READERS: u32 = 4;
/// Where sqlx keeps which migrations were made. Its usual name may be the user's.
const MIGRATIONS: &str = "quadrille_migrations";
/// The write-ahead log is cut down to this when it has been larger, in bytes.
const LOG_BYTES: &str = "67108864";

/// A database that is ready for use.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) writing: SqlitePool,
    pub(super) reading: SqlitePool,
    pub(super) owner: Owner,
    pub(super) rows_waiting: usize,
    /// Those of these pools that are nobody else's.
    pub(super) pools: Vec<SqlitePool>,
}

/// Opens the file of a service.
pub(super) async fn in_folder(
    folder: &Path,
    service: &str,
    options: Options,
) -> Result<Opened, Error> {
    let path = folder.join(format!("{service}.sqlite"));
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("cannot make the folder {}: {error}", folder.display());
        Error::new(ErrorKind::Unavailable, message)
    })?;
    let connect = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.busy_timeout)
        .pragma("journal_size_limit", LOG_BYTES)
        .disable_statement_logging();
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let writing = pool(1).connect_with(connect.clone()).await;
    let writing = writing.map_err(Trouble::of(&path, "open the state"))?;
    prepare(&writing, &path, service).await?;
    let reading = pool(READERS).connect_with(connect).await;
    let reading = reading.map_err(Trouble::of(&path, "open the state"))?;
    let pools = vec![reading.clone(), writing.clone()];
    opened(path, writing, reading, pools).await
}

/// Prepares a user's database.
pub(super) async fn within(pool: SqlitePool, service: &str) -> Result<Opened, Error> {
    let path = pool.connect_options().get_filename().to_owned();
    prepare(&pool, &path, service).await?;
    opened(path, pool.clone(), pool, Vec::new()).await
}

async fn opened(
    path: PathBuf,
    writing: SqlitePool,
    reading: SqlitePool,
    pools: Vec<SqlitePool>,
) -> Result<Opened, Error> {
    let owner = Owner::new(&path).map_err(|error| {
        let message = format!("cannot make a file beside {}: {error}", path.display());
        Error::new(ErrorKind::Unavailable, message)
    })?;
    for name in owner.left_behind() {
        let rows = tables::outbox::rows_of(&reading, &name).await;
        let rows = rows.map_err(Trouble::of(&path, "read the outbox"))?;
        // One with rows is buried by the sweep that adopts them.
        if rows == 0
            && let Some(dead) = owner.if_dead(&name)
        {
            dead.bury();
        }
    }
    let rows_waiting = tables::outbox::row_count(&reading).await;
    let rows_waiting = rows_waiting.map_err(Trouble::of(&path, "read the outbox"))?;
    Ok(Opened {
        path,
        writing,
        reading,
        owner,
        rows_waiting,
        pools,
    })
}

/// Makes the tables, or brings them up to date, and says whose they are.
async fn prepare(pool: &SqlitePool, path: &Path, service: &str) -> Result<(), Error> {
    let migrations = migrations();
    let known = migrations.len();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(MIGRATIONS);
    migrator.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::new(
            ErrorKind::Other,
            format!(
                "{} was written by a newer version of Quadrille: its tables are of version \
                 {version}, this program knows {known}. Run the newer one, or restore a backup",
                path.display()
            ),
        ),
        MigrateError::Execute(error) => Trouble::of(path, "prepare the tables")(error),
        MigrateError::ExecuteMigration(error, _) => Trouble::of(path, "prepare the tables")(error),
        error => Error::new(
            ErrorKind::Other,
            format!("cannot prepare the tables in {}: {error}", path.display()),
        ),
    })?;
    let owner = tables::claim(pool, service).await;
    let owner = owner.map_err(Trouble::of(path, "open the state"))?;
    if owner != service {
        let message = format!(
            "{} holds the state of service `{owner}`, not of `{service}`: each has its own database",
            path.display()
        );
        return Err(Error::new(ErrorKind::Other, message));
    }
    Ok(())
}

/// What was ever done to the tables, oldest first. One that has been released never changes.
fn migrations() -> Vec<Migration> {
    let tables = Migration::new(
        1,
        "tables".into(),
        MigrationType::Simple,
        include_str!("0001_tables.sql").into_sql_str(),
        false,
    );
    vec![tables]
}
