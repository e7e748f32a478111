//! That a log only grew: the old log is the beginning of the new one (RFC 6962, section 2.1.2).
//!
//! The attack it stops: history that is rewritten, reordered or cut between two signed heads.

use super::{MAX_HASHES, Reader, nodes::split};
use crate::{
    error::JournalError,
    hash::{Hash, node_hash},
    storage::TileReader,
};

/// The hashes from which both roots follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    hashes: Vec<Hash>,
}

impl ConsistencyProof {
    /// Proves that the log of `old` leaves is the beginning of the log of `new` leaves. The proof is empty for
    /// two logs of one size, and for an old log without leaves, which is the beginning of any.
    ///
    /// # Errors
    /// [`JournalError::Behind`] where `new` is smaller than `old`, and where a tile cannot be read.
    pub fn prove(tiles: &impl TileReader, old: u64, new: u64) -> Result<Self, JournalError> {
        if new < old {
            return Err(JournalError::Behind { size: new, promised: old });
        }
        let mut reader = Reader::new(new, tiles)?;
        let mut ranges = Vec::new();
        let (mut from, mut to) = (0, new);
        while old > 0 && to != old {
            let middle = split(from, to);
            if old <= middle {
                ranges.push((middle, to));
                to = middle;
            } else {
                ranges.push((from, middle));
                from = middle;
            }
        }
        // A common part that starts at 0 is the old log itself, whose root the verifier has.
        if from > 0 {
            ranges.push((from, to));
        }
        ranges.reverse();
        Ok(Self { hashes: reader.ranges(&ranges)? })
    }

    /// A proof that somebody else made.
    pub fn from_hashes(hashes: Vec<Hash>) -> Self {
        Self { hashes }
    }

    /// Its hashes, in the order of RFC 6962.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Checks that the log of `old` leaves with root `old_root` is the beginning of the log of `new` leaves
    /// with root `new_root`. (The algorithm of RFC 9162, section 2.1.4.2.)
    ///
    /// # Errors
    /// [`JournalError::Behind`] where `new` is smaller than `old`, else [`JournalError::NotProven`].
    pub fn verify(
        &self,
        old: u64,
        old_root: &Hash,
        new: u64,
        new_root: &Hash,
    ) -> Result<(), JournalError> {
        if new < old {
            return Err(JournalError::Behind { size: new, promised: old });
        }
        let proven = if old == 0 {
            self.hashes.is_empty()
                && *old_root == Hash::EMPTY_ROOT
                && (new > 0 || *new_root == Hash::EMPTY_ROOT)
        } else if old == new {
            self.hashes.is_empty() && old_root == new_root
        } else {
            self.roots(old, old_root, new) == Some((*old_root, *new_root))
        };
        if proven { Ok(()) } else { Err(JournalError::NotProven) }
    }

    /// Both roots as they follow from the hashes, for 0 < `old` < `new`; `None` where there are too few or too
    /// many hashes.
    fn roots(&self, old: u64, old_root: &Hash, new: u64) -> Option<(Hash, Hash)> {
        if self.hashes.len() > MAX_HASHES {
            return None;
        }
        let (first, rest) = if old.is_power_of_two() {
            (old_root, self.hashes.as_slice())
        } else {
            self.hashes.split_first()?
        };
        let (mut node, mut last) = (old - 1, new - 1);
        while node & 1 == 1 {
            node >>= 1;
            last >>= 1;
        }
        let (mut older, mut newer) = (*first, *first);
        for hash in rest {
            if last == 0 {
                return None;
            }
            if node & 1 == 1 || node == last {
                older = node_hash(hash, &older);
                newer = node_hash(hash, &newer);
                while node & 1 == 0 && node != 0 {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                newer = node_hash(&newer, hash);
            }
            node >>= 1;
            last >>= 1;
        }
        (last == 0).then_some((older, newer))
    }
}
