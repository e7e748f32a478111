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
use std::collections::{HashMap, VecDeque};

/// Leaves that are hashed at a time: what is in memory does not depend on how many there are.
pub(crate) const AT_ONCE: u64 = 1024;
/// Leaves of the names of a space that are remembered, some 100 bytes each. Beyond that it begins anew.
const MOST: usize = 1_000_000;

/// What was read of the log from one leaf on, and compared with its signed head. Never taken from a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Followed {
    space: String,
    /// The log as it was where this begins.
    start: Tree,
    /// The log as far as it was read.
    tree: Tree,
    /// By key of the space, the leaves that carry it, and what they were.
    named: HashMap<String, VecDeque<(u64, Hash)>>,
    count: usize,
}

impl Followed {
    /// Begins before a leaf.
    fn from(transaction: &Connection, space: &str, first: u64) -> Result<Self, StoreError> {
        // Of tiles that nobody has compared yet: the first head that is followed to tells.
        let tree = Tree::load(first, &Tables(transaction))?;
        Ok(Self { space: space.to_owned(), start: tree.clone(), tree, ..Self::default() })
    }

    /// Begins earlier: what lies between comes to the log as it was where this began, which the head has vouched for.
    fn back_to(&mut self, transaction: &Connection, first: u64) -> Result<(), StoreError> {
        let start = Tree::load(first, &Tables(transaction))?;
        let (tree, found) = named_in(&self.space, |show| {
            walk(transaction, start.clone(), self.start.size(), show)
        })?;
        if tree != self.start {
            return Err(StoreError::Edited {
                what: format!("the leaves from {first} to {}", self.start.size()),
                problem: "they do not come to the signed head".to_owned(),
            });
        }
        self.start = start;
        self.count += found.len();
        // Each is older than whatever is there: the oldest comes last, and to the front.
        for (key, leaf) in found.into_iter().rev() {
            self.named.entry(key).or_default().push_front(leaf);
        }
        Ok(())
    }

    /// The leaves from `first` on that carry a key.
    fn of(&self, key: &str, first: u64) -> impl Iterator<Item = &(u64, Hash)> {
        self.named.get(key).into_iter().flatten().filter(move |(leaf, _)| *leaf >= first)
    }

    /// Goes on to a signed head. Nothing changes where the leaves do not come to it.
    // INVARIANT JOURNAL-TELLS: what is remembered was hashed into the log that was signed.
    fn to(&mut self, transaction: &Connection, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        if checkpoint.size() < self.tree.size() {
            return Err(StoreError::Edited {
                what: "the head".to_owned(),
                problem: "it is older than one that was read before".to_owned(),
            });
        }
        let (tree, found) = named_in(&self.space, |show| {
            to_head(transaction, self.tree.clone(), checkpoint, show)
        })?;
        self.tree = tree;
        self.count += found.len();
        for (key, leaf) in found {
            self.named.entry(key).or_default().push_back(leaf);
        }
        Ok(())
    }
}

/// Which leaves carry some marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers<const N: usize> {
    /// By mark, oldest first.
    pub of: [Vec<u64>; N],
    /// The root of the log before the first leaf that counts, where the reading began there: whoever knows that root knows
    /// what came before, too.
    pub before: Option<Hash>,
    /// The head up to which all was read.
    pub head: Checkpoint,
}

/// Leaves of names, in the order of the log.
type Named = Vec<(String, (u64, Hash))>;

/// What is shown of each leaf, with its number.
type Show<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), StoreError>;

/// Of the leaves that are read, those that carry a mark of a space.
fn named_in(
    space: &str,
    read: impl FnOnce(Show<'_>) -> Result<Tree, StoreError>,
) -> Result<(Tree, Named), StoreError> {
    let mut found = Vec::new();
    let tree = read(&mut |leaf, bytes| {
        let named = Envelope::read(leaf, bytes)?.marks.into_iter().filter(|m| m.space == space);
        found.extend(named.map(|mark| (mark.key, (leaf, leaf_hash(bytes)))));
        Ok(())
    })?;
    Ok((tree, found))
}

/// As [`walk`], to a signed head: what was shown counts.
pub(crate) fn to_head(
    transaction: &Connection,
    before: Tree,
    checkpoint: &Checkpoint,
    show: impl FnMut(u64, &[u8]) -> Result<(), StoreError>,
) -> Result<Tree, StoreError> {
    let from = before.size();
    let tree = walk(transaction, before, checkpoint.size(), show)?;
    come_to(&tree, checkpoint.root(), from)?;
    Ok(tree)
}

/// Compares a log that leaves were hashed into with a root that was signed.
pub(crate) fn come_to(tree: &Tree, root: &Hash, from: u64) -> Result<(), StoreError> {
    if tree.root() == *root {
        return Ok(());
    }
    Err(StoreError::Edited {
        what: format!("the leaves from {from} on"),
        problem: "they do not come to the signed head".to_owned(),
    })
}

/// Hashes leaves into a log up to a size, and shows each. What was shown counts once the log that comes out is one
/// that was signed.
pub(crate) fn walk(
    transaction: &Connection,
    mut tree: Tree,
    size: u64,
    mut show: impl FnMut(u64, &[u8]) -> Result<(), StoreError>,
) -> Result<Tree, StoreError> {
    let gone = |leaf: u64| StoreError::Edited {
        what: format!("leaf {leaf}"),
        problem: "it is not there".to_owned(),
    };
    let mut statement = transaction
        .prepare_cached("select idx, bytes from leaf where idx >= ?1 and idx < ?2 order by idx")?;
    while tree.size() < size {
        let (from, to) = (tree.size(), size.min(tree.size() + AT_ONCE));
        let rows = statement.query_map((from, to), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let leaves: Vec<(u64, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
        let mut due = from..to;
        for (idx, _) in &leaves {
            if let Some(next) = due.next().filter(|next| next != idx) {
                return Err(gone(next));
            }
        }
        if let Some(next) = due.next() {
            return Err(gone(next));
        }
        tree.commit(tree.stage(leaves.iter().map(|(_, bytes)| bytes))?)?;
        leaves.iter().try_for_each(|(idx, bytes)| show(*idx, bytes))?;
    }
    Ok(tree)
}

impl Store {
    /// The leaves from `first` on that carry a mark, oldest first: all of them, and as they were signed.
    ///
    /// # Errors
    /// Something that is not as it was written.
    pub fn proven(&self, space: &str, key: &str, first: u64) -> Result<Vec<Stored>, StoreError> {
        self.follow(space, first, |transaction, followed, _| {
            let tables = Tables(transaction);
            let read = |&(leaf, hash): &(u64, Hash)| {
                let named = format!("leaf {leaf}");
                let bytes = tables.leaf(leaf).map_err(unreadable(&named))?;
                if leaf_hash(&bytes) != hash {
                    let problem = "it is not the one that was signed".to_owned();
                    return Err(StoreError::Edited { what: named, problem });
                }
                stored(transaction, leaf, &bytes)
            };
            followed.of(key, first).map(read).collect()
        })
        .map(Option::unwrap_or_default)
    }

    /// The numbers of the leaves from `first` on that carry these marks of a space, as [`Store::proven`] finds them; nothing
    /// where the log is empty.
    ///
    /// # Errors
    /// Something that is not as it was written.
    pub fn numbers<const N: usize>(
        &self,
        space: &str,
        keys: [&str; N],
        first: u64,
    ) -> Result<Option<Numbers<N>>, StoreError> {
        self.follow(space, first, |_, followed, head| {
            let of = |key| followed.of(key, first).map(|(leaf, _)| *leaf).collect();
            let before = (followed.start.size() == first).then(|| followed.start.root());
            Ok(Numbers { of: keys.map(of), before, head: head.clone() })
        })
    }

    fn follow<T>(
        &self,
        space: &str,
        first: u64,
        then: impl FnOnce(&Connection, &Followed, &Checkpoint) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let connection = self.reader();
        let transaction = connection.unchecked_transaction()?;
        let Some((_, checkpoint)) = head::signed(&transaction, self.identity())? else {
            return Ok(None);
        };
        let mut spaces = self.followed();
        let followed = match spaces.get_mut(space).filter(|followed| followed.count < MOST) {
            Some(followed) => {
                followed.to(&transaction, &checkpoint)?;
                if first < followed.start.size() {
                    followed.back_to(&transaction, first)?;
                }
                followed
            }
            None => {
                let mut anew = Followed::from(&transaction, space, first.min(checkpoint.size()))?;
                anew.to(&transaction, &checkpoint)?;
                spaces.entry(space.to_owned()).insert_entry(anew).into_mut()
            }
        };
        then(&transaction, followed, &checkpoint).map(Some)
    }
}
