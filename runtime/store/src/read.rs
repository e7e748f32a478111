//! Reading back. What decides something is read with [`Store::proven`] or [`Store::verified_since`]: every leaf of the
//! range is hashed and must come to the signed head, so no edit of a table can change the answer.

use crate::{
    Mark, Store, StoreError,
    envelope::{Envelope, SALT, digest},
    head,
    tables::Tables,
};
use interlock_journal::{ContentReader, Hash, StorageError, export, leaf_hash};
use rusqlite::Connection;
use std::io::Write;

/// One leaf, with what is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub leaf: u64,
    /// When it was written, unix milliseconds.
    pub time_ms: u64,
    /// Its kind.
    pub kind: String,
    /// Its marks.
    pub marks: Vec<Mark>,
    /// The hash of the leaf's bytes, as the log has it.
    pub hash: Hash,
    /// What it is about; absent where that was erased.
    pub payload: Option<Vec<u8>>,
}

pub(crate) fn unreadable(what: &str) -> impl FnOnce(StorageError) -> StoreError {
    let what = what.to_owned();
    move |e| StoreError::Edited { what, problem: e.to_string() }
}

/// Reads a leaf's envelope and its payload, which must be the one that the leaf names.
pub(crate) fn stored(
    connection: &Connection,
    leaf: u64,
    bytes: &[u8],
) -> Result<Stored, StoreError> {
    let tables = Tables(connection);
    let named = format!("leaf {leaf}");
    let salted = match tables.payload_length(leaf).map_err(unreadable(&named))? {
        None => None,
        Some(_) => Some(tables.payload(leaf).map_err(unreadable(&named))?),
    };
    Stored::of(leaf, bytes, salted)
}

impl Stored {
    /// Reads a leaf with the salted payload that stands beside it.
    pub(crate) fn of(leaf: u64, bytes: &[u8], salted: Option<Vec<u8>>) -> Result<Self, StoreError> {
        let envelope = Envelope::read(leaf, bytes)?;
        let payload = salted.map(|salted| unsalted(leaf, &envelope, salted)).transpose()?;
        let Envelope { time, kind, marks, .. } = envelope;
        Ok(Self { leaf, time_ms: time, kind, marks, hash: leaf_hash(bytes), payload })
    }

    /// Whether it carries a mark.
    pub fn is_marked(&self, space: &str, key: &str) -> bool {
        self.marks.iter().any(|mark| mark.space == space && mark.key == key)
    }
}

fn unsalted(leaf: u64, envelope: &Envelope, mut salted: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if digest(&salted) != envelope.payload || salted.len() < SALT {
        return Err(StoreError::Edited {
            what: format!("the payload of leaf {leaf}"),
            problem: "it does not have the digest that the leaf names".to_owned(),
        });
    }
    Ok(salted.split_off(SALT))
}

/// Compares a payload with the digest that its leaf names.
pub(crate) fn check_payload(
    connection: &Connection,
    leaf: u64,
    salted: &[u8],
) -> Result<(), StoreError> {
    let bytes = Tables(connection).leaf(leaf).map_err(unreadable(&format!("leaf {leaf}")))?;
    let envelope = Envelope::read(leaf, &bytes)?;
    unsalted(leaf, &envelope, salted.to_vec()).map(|_| ())
}

/// The leaves of a mark.
const FIND: &str = "select idx from mark where space = ?1 and key = ?2 order by idx";

impl Store {
    /// All leaves from `first` on, proven: appended to the log as it was before them, they come to the
    /// signed head. They are all read and hashed, and in memory: for short logs.
    ///
    /// # Errors
    /// Something that is not as it was written.
    pub fn verified_since(&self, first: u64) -> Result<Vec<Stored>, StoreError> {
        Ok(self.prove(first, &[], |_| true)?.map(|proven| proven.leaves).unwrap_or_default())
    }

    /// The numbers of the leaves that carry a mark, oldest first. An index: prove what decides something.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn find(&self, space: &str, key: &str) -> Result<Vec<u64>, StoreError> {
        let connection = self.reader();
        let mut statement = connection.prepare_cached(FIND)?;
        let rows = statement.query_map((space, key), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The marks of a space, each to be set once, that no such mark of another space answers, by key, with their leaves:
    /// intents without outcomes. The answers are of marks that are there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn unanswered(&self, space: &str, by: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let connection = self.reader();
        let transaction = connection.unchecked_transaction()?;
        let count = |space| {
            let mut count = transaction
                .prepare_cached("select count(*) from mark where space = ?1 and once = 1")?;
            count.query_row([space], |row| row.get::<_, u64>(0))
        };
        // As many answers as questions: nearly always, and told without looking at each.
        if count(space)? == count(by)? {
            return Ok(Vec::new());
        }
        let mut statement = transaction.prepare_cached(
            "select key, idx from mark m where space = ?1 and once = 1 and not exists \
             (select 1 from mark a where a.space = ?2 and a.key = m.key and a.once = 1) order by idx",
        )?;
        let rows = statement.query_map((space, by), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The keys of a space that can be set once, newest first, with their leaves.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn keys(&self, space: &str, most: u64) -> Result<Vec<(String, u64)>, StoreError> {
        let connection = self.reader();
        let mut statement = connection.prepare_cached(
            "select key, idx from mark where space = ?1 and once = 1 order by idx desc limit ?2",
        )?;
        let rows = statement.query_map((space, most), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One leaf; none where there is no such number.
    ///
    /// # Errors
    /// A leaf or payload that is not as it was written.
    pub fn entry(&self, leaf: u64) -> Result<Option<Stored>, StoreError> {
        if leaf >= self.size()? {
            return Ok(None);
        }
        let connection = self.reader();
        let bytes = Tables(&connection).leaf(leaf).map_err(unreadable(&format!("leaf {leaf}")))?;
        stored(&connection, leaf, &bytes).map(Some)
    }

    /// The newest leaves, oldest first.
    ///
    /// # Errors
    /// As [`Store::entry`].
    pub fn last(&self, most: u64) -> Result<Vec<Stored>, StoreError> {
        let size = self.size()?;
        (size.saturating_sub(most)..size).filter_map(|leaf| self.entry(leaf).transpose()).collect()
    }

    /// How many leaves there are.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn size(&self) -> Result<u64, StoreError> {
        let connection = self.reader();
        Ok(head::signed(&connection, self.identity())?.map_or(0, |(_, c)| c.size()))
    }

    /// The signed head, as a note; none where nothing was written.
    ///
    /// # Errors
    /// When it does not verify.
    pub fn head(&self) -> Result<Option<String>, StoreError> {
        let connection = self.reader();
        Ok(head::signed(&connection, self.identity())?.map(|(note, _)| note))
    }

    /// Writes an export that anybody can verify with the log's public key alone.
    ///
    /// # Errors
    /// When there is nothing to export, or it cannot be read or written.
    pub fn export(&self, out: &mut impl Write) -> Result<u64, StoreError> {
        let connection = self.reader();
        let transaction = connection.unchecked_transaction()?;
        let Some((note, checkpoint)) = head::signed(&transaction, self.identity())? else {
            return Err(StoreError::Unwritable { problem: "the journal is empty".to_owned() });
        };
        let tables = Tables(&transaction);
        export::write(out, note.as_bytes(), self.identity(), &tables, &tables)?;
        Ok(checkpoint.size())
    }
}

/// Checks each payload of an export against the leaf that it stands beside.
#[derive(Debug, Default)]
pub struct Payloads;

impl export::Visitor for Payloads {
    fn leaf(&mut self, index: u64, leaf: &[u8]) -> Result<(), String> {
        Envelope::read(index, leaf).map(|_| ()).map_err(|e| e.to_string())
    }

    fn payload(&mut self, index: u64, leaf: &[u8], payload: &[u8]) -> Result<(), String> {
        let envelope = Envelope::read(index, leaf).map_err(|e| e.to_string())?;
        unsalted(index, &envelope, payload.to_vec()).map(|_| ()).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Durability, Store};
    use interlock_journal::LogSigner;
    use rusqlite::StatementStatus;
    use std::sync::Arc;

    #[test]
    fn a_question_is_planned_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        let signer = LogSigner::from_seed("example/journal", &[7; 32]).unwrap();
        let store = Store::open(&file, signer, Durability::Off, Arc::new(|| 1)).unwrap();
        for key in ["one", "two", "three"] {
            assert_eq!(store.find("space", key).unwrap(), Vec::<u64>::new());
        }
        let connection = store.reader();
        let question = connection.prepare_cached(super::FIND).unwrap();
        assert_eq!(question.get_status(StatementStatus::Run), 3, "it is the one that was asked");
        assert_eq!(question.get_status(StatementStatus::RePrepare), 0);
    }
}
