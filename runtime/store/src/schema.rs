//! The file: its tables, its settings, and whose it is. Anything that is not a journal of this deployment is
//! refused before a byte of it is changed.

use crate::{Durability, StoreError};
use interlock_journal::LogIdentity;
use rusqlite::{Connection, ErrorCode, OptionalExtension, config::DbConfig};
use std::{
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

/// The newest schema. Each step below takes a file from one to the next.
const SCHEMA: i64 = 2;

/// How long one process waits for another's transaction.
const BUSY: Duration = Duration::from_secs(30);

const STEP_1: &str = "
create table log (id integer primary key check (id = 1), origin text not null, size integer not null, note text);
create table leaf (idx integer primary key, bytes blob not null);
create table tile (level integer not null, idx integer not null, hashes blob not null, primary key (level, idx)) without rowid;
create table payload (idx integer primary key, bytes blob not null);
create table mark (space text not null, key text not null, idx integer not null, once integer not null);
create index mark_by_name on mark (space, key, idx);
create index mark_by_leaf on mark (idx);
create unique index mark_once on mark (space, key) where once = 1;
create table charge (key text not null, time integer not null, amount integer not null, idx integer not null);
create index charge_by_key on charge (key, time);
create index charge_by_leaf on charge (idx);
";

/// Names that can be set once, as their leaves came: what is newest is found without the rest.
const STEP_2: &str = "
create index mark_once_by_leaf on mark (space, idx) where once = 1;
";

/// Opens a connection with the settings of a journal.
pub(crate) fn open(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    if !path.exists() {
        // Made here, so that nobody else can read it for a moment either.
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        if let Err(error) = made
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            let problem = format!("it cannot be made: {error}");
            return Err(StoreError::NotAJournal { file: path.to_owned(), problem });
        }
    }
    check_file(path)?;
    let connection = Connection::open(path).map_err(|e| not_a_journal(path, e))?;
    connection.busy_timeout(BUSY)?;
    // A statement is planned once. Without it, one that is asked with another value may be planned anew, each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Before the first setting: one of them is written into the file.
    version(&connection, path)?;
    let settings = match durability {
        Durability::Full => "pragma journal_mode = wal; pragma synchronous = full;",
        Durability::Off => "pragma journal_mode = wal; pragma synchronous = off;",
    };
    connection.execute_batch(settings).map_err(|e| not_a_journal(path, e))?;
    // On every connection: one that moves a page without it leaves bytes behind that erasing never finds.
    connection.execute_batch("pragma secure_delete = on").map_err(|e| not_a_journal(path, e))?;
    Ok(connection)
}

/// A journal is a file of our own, that nobody else can write: whoever can, decides what happened.
fn check_file(path: &Path) -> Result<(), StoreError> {
    let wrong = |problem: String| StoreError::NotAJournal { file: path.to_owned(), problem };
    let metadata = path.symlink_metadata().map_err(|e| wrong(e.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("it is not a plain file".to_owned()));
    }
    if metadata.mode() & 0o022 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        let problem =
            "another user owns it or can write it; take it back with `chown` and `chmod 600`";
        return Err(wrong(problem.to_owned()));
    }
    Ok(())
}

/// Which file a path names now.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    path.symlink_metadata().ok().map(|m| (m.dev(), m.ino()))
}

/// The version of a file's tables: 0 where there are none yet.
fn version(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let read = || -> rusqlite::Result<(i64, i64, i64)> {
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let count = "select count(*), count(*) filter (where type = 'table' and name = 'log') from sqlite_master";
        let (all, log) = connection.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((version, all, log))
    };
    let (found, all, log) = read().map_err(|e| not_a_journal(path, e))?;
    if (found == 0 && all > 0) || (found != 0 && log == 0) {
        let problem = "it is a database of something else".to_owned();
        return Err(StoreError::NotAJournal { file: path.to_owned(), problem });
    }
    if !(0..=SCHEMA).contains(&found) {
        return Err(StoreError::Newer { file: path.to_owned(), found, known: SCHEMA });
    }
    Ok(found)
}

/// Makes the tables where there are none, and checks whose they are.
pub(crate) fn prepare(
    connection: &mut Connection,
    path: &Path,
    log: &LogIdentity,
) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&transaction, path)?;
    if found == 0 {
        transaction.execute_batch(STEP_1)?;
        transaction
            .execute("insert into log (id, origin, size) values (1, ?1, 0)", [log.to_string()])?;
    }
    if found < SCHEMA {
        transaction.execute_batch(STEP_2)?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    let origin: Option<String> = transaction
        .query_row("select origin from log where id = 1", [], |row| row.get(0))
        .optional()
        .map_err(|e| not_a_journal(path, e))?;
    let expected = log.to_string();
    match origin {
        Some(origin) if origin == expected => {}
        Some(found) => {
            return Err(StoreError::OtherLog { file: path.to_owned(), found, expected });
        }
        None => {
            let (what, problem) = ("table log".to_owned(), "its row is gone".to_owned());
            return Err(StoreError::Edited { what, problem });
        }
    }
    transaction.commit()?;
    Ok(())
}

/// What SQLite says of a file that is none of its own.
fn not_a_journal(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::NotAJournal { file: path.to_owned(), problem: error.to_string() }
        }
        _ => error.into(),
    }
}
