//! The file: one SQLite database of its own in the state folder, made for its owner alone. Whatever else has its
//! name is refused before a byte of it is changed: a database of something else, a damaged one, a newer one.

use crate::ProviderFault;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::{
    io::ErrorKind,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Duration, Instant},
};

/// `ILkv`: whose database it is.
const APPLICATION: i64 = 0x494c_6b76;
const SCHEMA: i64 = 1;
/// How long one process waits for another's transaction.
const BUSY: Duration = Duration::from_secs(10);

const STEP_1: &str = "
create table store (id integer primary key check (id = 1), version integer not null);
insert into store (id, version) values (1, 0);
create table space (plugin text primary key, gone integer not null) without rowid;
create table entry (plugin text not null, key blob not null, value blob, version integer not null,
  primary key (plugin, key)) without rowid;
create index entry_by_absence on entry (plugin, version) where value is null;
";

fn damaged(path: &Path, problem: impl Into<String>) -> ProviderFault {
    ProviderFault::Damaged { what: path.display().to_string(), problem: problem.into() }
}

/// What SQLite says, as a fault of the file.
pub(super) fn fault(path: &Path, error: &rusqlite::Error) -> ProviderFault {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => damaged(
            path,
            format!("{error}; move it and what lies beside it away, or restore it from a backup"),
        ),
        _ => ProviderFault::Io {
            what: format!("the keys and values in {}", path.display()),
            source: std::io::Error::other(error.to_string()),
        },
    }
}

/// Whether another process holds it for too long.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Opens the file, where there is one.
pub(super) fn open_existing(path: &Path) -> Result<Option<Connection>, ProviderFault> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        // Somebody is making it, or died over it: nothing is kept there.
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => Ok(None),
        _ => open(path).map(Some),
    }
}

/// Opens the file, and makes it where there is none.
pub(super) fn open_or_make(path: &Path) -> Result<Connection, ProviderFault> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => {
            Err(ProviderFault::Io { what: format!("cannot make {}", path.display()), source })
        }
        _ => open(path),
    }
}

fn open(path: &Path) -> Result<Connection, ProviderFault> {
    check_file(path)?;
    let fails = |error: rusqlite::Error| fault(path, &error);
    let mut connection = Connection::open(path).map_err(fails)?;
    connection.busy_timeout(BUSY).map_err(fails)?;
    prepare(&mut connection, path)?;
    connection
        .execute_batch("pragma synchronous = full; pragma secure_delete = on;")
        .map_err(fails)?;
    // Before it is believed: a page that is damaged is found here, not in the middle of an effect.
    let found: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(fails)?;
    if found != "ok" {
        let next = "move it and what lies beside it away, or restore it from a backup";
        return Err(damaged(path, format!("{found}; {next}")));
    }
    Ok(connection)
}

/// A file of our own, that nobody else reads or writes.
fn check_file(path: &Path) -> Result<(), ProviderFault> {
    let metadata = path.symlink_metadata().map_err(|source| ProviderFault::Io {
        what: format!("cannot look at {}", path.display()),
        source,
    })?;
    if !metadata.is_file() {
        return Err(damaged(path, "it is not a plain file"));
    }
    if metadata.mode() & 0o077 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        let problem =
            "another user owns it or may open it; take it back with `chown` and `chmod 600`";
        return Err(damaged(path, problem));
    }
    Ok(())
}

/// Looks whose database it is, and makes the tables where it is empty.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), ProviderFault> {
    let fails = |error: rusqlite::Error| fault(path, &error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fails)?;
    let number = |name: &str| -> Result<i64, ProviderFault> {
        transaction.pragma_query_value(None, name, |row| row.get(0)).map_err(fails)
    };
    let (whose, schema) = (number("application_id")?, number("user_version")?);
    let tables: i64 = transaction
        .query_row("select count(*) from sqlite_master", [], |row| row.get(0))
        .map_err(fails)?;
    match (whose, schema, tables) {
        (0, 0, 0) => {
            transaction.execute_batch(STEP_1).map_err(fails)?;
            transaction.pragma_update(None, "application_id", APPLICATION).map_err(fails)?;
            transaction.pragma_update(None, "user_version", SCHEMA).map_err(fails)?;
        }
        (APPLICATION, SCHEMA, _) => {}
        (APPLICATION, newer, _) if newer > SCHEMA => {
            let problem = format!(
                "a newer version wrote it (schema {newer}; this one knows {SCHEMA}); run that version"
            );
            return Err(damaged(path, problem));
        }
        _ => {
            return Err(damaged(path, "it is a database of something else; move it away"));
        }
    }
    transaction.commit().map_err(fails)?;
    to_wal(connection).map_err(fails)
}

/// The mode changes only while nobody else has the file open in the old one, and SQLite does not wait for that.
fn to_wal(connection: &Connection) -> Result<(), rusqlite::Error> {
    let until = Instant::now() + BUSY;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error) if is_busy(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

/// A store in which nothing is kept, in memory.
pub(super) fn empty() -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(STEP_1)?;
    Ok(connection)
}
