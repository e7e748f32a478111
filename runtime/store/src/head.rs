//! The signed head: what the log was when it was last written. Every transaction starts from one that
//! verifies and ends with one that extends it.

use crate::{StoreError, tables::Tables};
use interlock_journal::{Checkpoint, LogIdentity, Tree};
use rusqlite::Connection;

/// The signed head of the log as it stands; none where it is empty.
pub(crate) fn signed(
    connection: &Connection,
    log: &LogIdentity,
) -> Result<Option<(String, Checkpoint)>, StoreError> {
    let edited = |problem: &str| StoreError::Edited {
        what: "the head".to_owned(),
        problem: problem.to_owned(),
    };
    let (size, note): (u64, Option<String>) = connection
        .prepare_cached("select size, note from log where id = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(note) = note else {
        let leaves: i64 =
            connection.query_row("select exists (select 1 from leaf)", [], |row| row.get(0))?;
        return if size == 0 && leaves == 0 {
            Ok(None)
        } else {
            Err(edited("there are leaves and no signature"))
        };
    };
    let checkpoint = Checkpoint::open(note.as_bytes(), log)
        .map_err(|e| edited(&format!("its signature does not verify: {e}")))?;
    if checkpoint.size() != size {
        return Err(edited("its size is not the one that was signed"));
    }
    Ok(Some((note, checkpoint)))
}

/// Whether the head is, to the letter, one whose signature was verified or made here.
pub(crate) fn is(
    connection: &Connection,
    (note, checkpoint): &(String, Checkpoint),
) -> Result<bool, StoreError> {
    let stored: (u64, Option<String>) = connection
        .prepare_cached("select size, note from log where id = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(stored.0 == checkpoint.size() && stored.1.as_ref() == Some(note))
}

/// The tree of the log as it stands, equal to its signed head.
pub(crate) fn tree(connection: &Connection, log: &LogIdentity) -> Result<Tree, StoreError> {
    let Some((_, checkpoint)) = signed(connection, log)? else { return Ok(Tree::new()) };
    let tree = Tree::load(checkpoint.size(), &Tables(connection))?;
    if tree.root() != *checkpoint.root() {
        return Err(StoreError::Edited {
            what: "the tiles".to_owned(),
            problem: "they do not come to the signed head".to_owned(),
        });
    }
    Ok(tree)
}
