//! Comparing the index with the log. A row that was added, taken away or changed in any table is found by
//! name; what it would have allowed does not happen.

use crate::{
    Store, StoreError,
    envelope::{Charged, Envelope},
    follow::come_to,
    head,
    tables::Tables,
    writer::newest,
};
use interlock_journal::{Checkpoint, Hash, LogIdentity, Tree, audit};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// How many of the newest leaves are compared with the index when a host starts.
const AT_START: u64 = 20_000;

/// A mark, a charge or an index row, in one comparable form.
type Row = (u64, String, String, u64);

/// Checks a journal before it is used: the signed head, the tiles against it, and the newest leaves against
/// the index. Gives the time of the newest leaf.
pub(crate) fn at_start(connection: &Connection, log: &LogIdentity) -> Result<u64, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let tree = head::tree(&transaction, log)?;
    index(&transaction, tree.size(), &tree.root(), tree.size().saturating_sub(AT_START))?;
    newest(&transaction)
}

/// Compares the leaves from `from` on with the log's head, and their index with what they say.
// INVARIANT JOURNAL-TELLS: tables are an index, never the authority.
fn index(connection: &Connection, size: u64, root: &Hash, from: u64) -> Result<(), StoreError> {
    let mut tree = Tree::load(from, &Tables(connection))?;
    let edited = |what: String, problem: &str| StoreError::Edited { what, problem: problem.into() };
    let (mut marks, mut charges) = (BTreeSet::<Row>::new(), Vec::<Row>::new());
    let mut statement =
        connection.prepare("select idx, bytes from leaf where idx >= ?1 order by idx")?;
    let mut rows = statement.query([from])?;
    let mut next = from;
    while let Some(row) = rows.next()? {
        let (idx, bytes): (u64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if idx != next {
            return Err(edited(format!("leaf {next}"), "it is not there"));
        }
        next += 1;
        tree.commit(tree.stage([&bytes])?)?;
        let envelope = Envelope::read(idx, &bytes)?;
        marks.extend(
            envelope.marks.iter().map(|m| (idx, m.space.clone(), m.key.clone(), m.once.into())),
        );
        for Charged { key, amount } in envelope.charges {
            charges.push((idx, key, envelope.time.to_string(), amount));
        }
    }
    if next != size {
        return Err(edited(format!("leaf {next}"), "the signed head speaks of another number"));
    }
    let mut found = BTreeSet::new();
    let mut statement =
        connection.prepare("select idx, space, key, once from mark where idx >= ?1")?;
    let mut rows = statement.query([from])?;
    while let Some(row) = rows.next()? {
        found.insert((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, u64>(3)?));
    }
    if let Some((idx, space, key, _)) = marks.symmetric_difference(&found).next() {
        let what = format!("the mark `{space}` {key} of leaf {idx}");
        return Err(edited(what, "the table and the leaf do not say the same"));
    }
    let mut found = Vec::new();
    let mut statement =
        connection.prepare("select idx, key, time, amount from charge where idx >= ?1")?;
    let mut rows = statement.query([from])?;
    while let Some(row) = rows.next()? {
        let row: Row = (row.get(0)?, row.get(1)?, row.get::<_, u64>(2)?.to_string(), row.get(3)?);
        found.push(row);
    }
    found.sort();
    charges.sort();
    if found != charges {
        return Err(edited(
            "the charges".to_owned(),
            "the table and the leaves do not say the same",
        ));
    }
    come_to(&tree, root, from)
}

/// Compares everything that a transaction sees with the signed head: each leaf, each hash, each row of the index,
/// each payload. Gives the head; none where the log is empty.
pub(crate) fn audited(
    transaction: &Connection,
    log: &LogIdentity,
) -> Result<Option<(String, Checkpoint)>, StoreError> {
    let Some((note, checkpoint)) = head::signed(transaction, log)? else { return Ok(None) };
    let tables = Tables(transaction);
    audit(&checkpoint, &tables, &tables)?;
    index(transaction, checkpoint.size(), checkpoint.root(), 0)?;
    let mut statement = transaction.prepare("select idx, bytes from payload")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (idx, bytes): (u64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        crate::read::check_payload(transaction, idx, &bytes)?;
    }
    Ok(Some((note, checkpoint)))
}

impl Store {
    /// Compares everything with the signed head: each leaf, each hash, each row of the index.
    ///
    /// # Errors
    /// The first thing that is not as it was written.
    pub fn audit(&self) -> Result<u64, StoreError> {
        let connection = self.reader();
        let transaction = connection.unchecked_transaction()?;
        Ok(audited(&transaction, self.identity())?.map_or(0, |(_, checkpoint)| checkpoint.size()))
    }
}
