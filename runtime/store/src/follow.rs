//! The leaves of one name, proven to be all of them. Whoever asks about a request has every leaf since compared with
//! the signed head; those that were compared before are not read again for the next question.
//!
//! The mistake it stops: a question whose cost is all that was written since the request. An agent may ask it as often as
//! it likes, of as many requests as it made.

use crate::{
    Store, StoreError,
    envelope::Envelope,
    head,
    read::{Stored, stored, unreadable},
    tables::Tables,
};
use interlock_journal::{Checkpoint, ContentReader, Hash, Tree, leaf_hash};
use rusqlite::Connection;
use std::collections::HashMap;

/// Leaves that are hashed at a time: what is in memory does not depend on how many there are.
const AT_ONCE: u64 = 1024;
/// Leaves of names that are remembered, some 100 bytes each. Beyond that it begins anew.
const MOST: usize = 250_000;

/// What was read of the log from one leaf on, and compared with its signed head. Never taken from a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Followed {
    space: String,
    /// Where it begins.
    first: u64,
    /// The log as far as it was read.
    tree: Tree,
    /// By key of the space, the leaves that carry it, and what they were.
    named: HashMap<String, Vec<(u64, Hash)>>,
    count: usize,
}

impl Followed {
    /// Begins before a leaf.
    fn from(transaction: &Connection, space: &str, first: u64) -> Result<Self, StoreError> {
        // Of tiles that nobody has compared yet: the first head that is followed to tells.
        let tree = Tree::load(first, &Tables(transaction))?;
        Ok(Self { space: space.to_owned(), first, tree, ..Self::default() })
    }

    /// Goes on to a signed head. Nothing changes where the leaves do not come to it.
    // INVARIANT JOURNAL-TELLS: what is remembered was hashed into the log that was signed.
    fn to(&mut self, transaction: &Connection, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let edited =
            |what: String, problem: &str| StoreError::Edited { what, problem: problem.to_owned() };
        let (mut tree, mut found) = (self.tree.clone(), Vec::new());
        if checkpoint.size() < tree.size() {
            return Err(edited("the head".to_owned(), "it is older than one that was read before"));
        }
        while tree.size() < checkpoint.size() {
            let (from, to) = (tree.size(), checkpoint.size().min(tree.size() + AT_ONCE));
            let mut statement = transaction.prepare_cached(
                "select idx, bytes from leaf where idx >= ?1 and idx < ?2 order by idx",
            )?;
            let rows = statement.query_map((from, to), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let leaves: Vec<(u64, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
            if let Some((_, gone)) =
                leaves.iter().map(|(idx, _)| *idx).zip(from..).find(|(idx, next)| idx != next)
            {
                return Err(edited(format!("leaf {gone}"), "it is not there"));
            }
            if (leaves.len() as u64) < to - from {
                return Err(edited(
                    format!("leaf {}", from + leaves.len() as u64),
                    "it is not there",
                ));
            }
            tree.commit(tree.stage(leaves.iter().map(|(_, bytes)| bytes))?)?;
            for (idx, bytes) in &leaves {
                let marks = Envelope::read(*idx, bytes)?.marks.into_iter();
                found.extend(
                    marks
                        .filter(|mark| mark.space == self.space)
                        .map(|mark| (mark.key, (*idx, leaf_hash(bytes)))),
                );
            }
        }
        if tree.root() != *checkpoint.root() {
            let what = format!("the leaves from {} on", self.tree.size());
            return Err(edited(what, "they do not come to the signed head"));
        }
        self.tree = tree;
        self.count += found.len();
        for (key, leaf) in found {
            self.named.entry(key).or_default().push(leaf);
        }
        Ok(())
    }
}

impl Store {
    /// The leaves from `first` on that carry a mark, oldest first: all of them, and as they were signed.
    ///
    /// # Errors
    /// Something that is not as it was written.
    pub fn proven(&self, space: &str, key: &str, first: u64) -> Result<Vec<Stored>, StoreError> {
        let connection = self.reader();
        let transaction = connection.unchecked_transaction()?;
        let Some((_, checkpoint)) = head::signed(&transaction, self.identity())? else {
            return Ok(Vec::new());
        };
        let mut followed = self.followed();
        let known = followed.space == space && followed.first <= first && followed.count < MOST;
        if known {
            followed.to(&transaction, &checkpoint)?;
        } else {
            let mut anew = Followed::from(&transaction, space, first.min(checkpoint.size()))?;
            anew.to(&transaction, &checkpoint)?;
            *followed = anew;
        }
        let leaves = followed.named.get(key).map(Vec::as_slice).unwrap_or_default();
        let tables = Tables(&transaction);
        let read = |&(leaf, hash): &(u64, Hash)| {
            let named = format!("leaf {leaf}");
            let bytes = tables.leaf(leaf).map_err(unreadable(&named))?;
            if leaf_hash(&bytes) != hash {
                let problem = "it is not the one that was signed".to_owned();
                return Err(StoreError::Edited { what: named, problem });
            }
            stored(&transaction, leaf, &bytes)
        };
        leaves.iter().filter(|(leaf, _)| *leaf >= first).map(read).collect()
    }
}
