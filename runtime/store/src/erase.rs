//! Taking away what leaves are about, so that it is gone from the disk and not only from an answer. The
//! leaves stay, and the log still verifies. A crash in the middle leaves fewer payloads, and nothing else.
//!
//! It knows nothing of what may be erased: whoever asks has decided.

use crate::{Durability, Store, StoreError, Stored, check, schema};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::{
    thread,
    time::{Duration, Instant},
};

/// The most payloads of one transaction: hosts that write wait for no more than these.
const AT_ONCE: usize = 200;

/// How often cutting the write-ahead log is tried while somebody reads an older state.
const TRIES: u32 = 5;

/// How long each try waits for them: nobody can write meanwhile.
const PATIENCE: Duration = Duration::from_millis(300);

impl Store {
    /// Compares everything with the signed head, as [`Store::audit`] does, and shows each leaf of that moment,
    /// oldest first.
    ///
    /// # Errors
    /// The first thing that is not as it was written.
    pub fn survey(&self, mut see: impl FnMut(Stored)) -> Result<(), StoreError> {
        // A connection of its own: whoever looks may ask the store meanwhile.
        let connection = schema::open(self.path(), Durability::Full)?;
        let transaction = connection.unchecked_transaction()?;
        check::audited(&transaction, self.identity())?;
        let mut statement = transaction.prepare(
            "select l.idx, l.bytes, p.bytes from leaf l left join payload p on p.idx = l.idx order by l.idx",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (leaf, bytes): (u64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            see(Stored::of(leaf, &bytes, row.get(2)?)?);
        }
        Ok(())
    }

    /// Erases what leaves are about, in the order given, and wipes it from the file and from its write-ahead log.
    /// Says how many there were.
    ///
    /// # Errors
    /// When it cannot be written, and `wal-in-use` where all of it was erased, and somebody who reads for longer
    /// than a while keeps its last traces in the write-ahead log.
    pub fn erase(&self, leaves: &[u64]) -> Result<u64, StoreError> {
        let mut connection = schema::open(self.path(), Durability::Full)?;
        let mut erased: u64 = 0;
        for some in leaves.chunks(AT_ONCE) {
            let began = Instant::now();
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for leaf in some {
                let mut statement =
                    transaction.prepare_cached("delete from payload where idx = ?1")?;
                erased = erased.saturating_add(statement.execute([leaf])? as u64);
            }
            transaction.commit()?;
            if some.len() == AT_ONCE {
                // SQLite's lock has no queue: whoever waits for it gets as long as this took.
                thread::sleep(began.elapsed());
            }
        }
        renew(&connection)?;
        wipe(&connection)?;
        Ok(erased)
    }
}

/// Writes the file anew. Rows that stay are moved from page to page when others go, and copies of what goes later
/// may lie where they were before: only a file that is written anew has none. Always, because an eraser that was
/// killed may have come no further than to here.
fn renew(connection: &Connection) -> Result<(), StoreError> {
    // As patient as any other who writes: this one has to get its turn among them.
    for _ in 1..TRIES {
        match connection.execute_batch("vacuum") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                thread::sleep(PATIENCE);
            }
            other => return Ok(other?),
        }
    }
    Ok(connection.execute_batch("vacuum")?)
}

/// Brings everything from the write-ahead log into the file, where erased bytes are zeros, and cuts the log to
/// nothing: it holds pages as they were before.
fn wipe(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(PATIENCE)?;
    for _ in 0..TRIES {
        let busy: bool =
            connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
        if !busy {
            return Ok(());
        }
        thread::sleep(PATIENCE);
    }
    Err(StoreError::WalInUse)
}
