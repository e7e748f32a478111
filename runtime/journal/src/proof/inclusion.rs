//! That a leaf is in a log: the hashes beside its way up to the root (RFC 6962, section 2.1.1).
//!
//! The attack it stops: a leaf, an index or a log size that is not the one that was asked about. Index and size
//! are the verifier's, and both decide how the hashes are joined.

use super::{MAX_HASHES, Reader, nodes::split};
use crate::{
    error::JournalError,
    hash::{Hash, node_hash},
    storage::TileReader,
};

/// The hashes beside a leaf's way up, lowest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    hashes: Vec<Hash>,
}

impl InclusionProof {
    /// Proves that leaf `index` is in the log of `size` leaves. Reads at most two tiles a level.
    ///
    /// # Errors
    /// [`JournalError::NoSuchLeaf`], [`JournalError::TooManyLeaves`], and where a tile cannot be read.
    pub fn prove(tiles: &impl TileReader, size: u64, index: u64) -> Result<Self, JournalError> {
        if index >= size {
            return Err(JournalError::NoSuchLeaf { index, size });
        }
        let mut reader = Reader::new(size, tiles)?;
        let mut beside = Vec::new();
        let (mut from, mut to) = (0, size);
        while to - from > 1 {
            let middle = split(from, to);
            if index < middle {
                beside.push((middle, to));
                to = middle;
            } else {
                beside.push((from, middle));
                from = middle;
            }
        }
        beside.reverse();
        Ok(Self { hashes: reader.ranges(&beside)? })
    }

    /// A proof that somebody else made.
    pub fn from_hashes(hashes: Vec<Hash>) -> Self {
        Self { hashes }
    }

    /// Its hashes, lowest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Checks that the leaf with hash `leaf` has index `index` in the log of `size` leaves whose root is
    /// `root`. (The algorithm of RFC 9162, section 2.1.3.2.)
    ///
    /// # Errors
    /// [`JournalError::NoSuchLeaf`] and [`JournalError::NotProven`].
    pub fn verify(
        &self,
        leaf: &Hash,
        index: u64,
        size: u64,
        root: &Hash,
    ) -> Result<(), JournalError> {
        if index >= size {
            return Err(JournalError::NoSuchLeaf { index, size });
        }
        if self.hashes.len() > MAX_HASHES {
            return Err(JournalError::NotProven);
        }
        let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
        for beside in &self.hashes {
            if last == 0 {
                return Err(JournalError::NotProven);
            }
            if node & 1 == 1 || node == last {
                hash = node_hash(beside, &hash);
                // A node at the right edge without a left neighbour at this height moves up as it is.
                while node & 1 == 0 && node != 0 {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                hash = node_hash(&hash, beside);
            }
            node >>= 1;
            last >>= 1;
        }
        if last == 0 && hash == *root { Ok(()) } else { Err(JournalError::NotProven) }
    }
}
