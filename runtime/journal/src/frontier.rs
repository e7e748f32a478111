//! What a log must remember to grow: the roots of its perfect subtrees, at most 56 hashes.
//!
//! The mistake it stops: an append whose cost grows with the log. Appending takes one node hash on average
//! and reads nothing.

use crate::{
    error::JournalError,
    hash::{Hash, node_hash},
};

/// The most leaves a log may have: 2^56, which is two thousand years at a million a second. The limit keeps
/// every computation on positions far from overflow.
pub const MAX_SIZE: u64 = 1 << 56;

/// The right edge of a tree: enough to append and to say the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees that the size's binary digits name, largest (leftmost) first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// A frontier from its parts; the peaks are largest first, one for each binary 1 of `size`.
    ///
    /// # Errors
    /// [`JournalError::TooManyLeaves`] and [`JournalError::WrongPeaks`] where the parts do not fit together.
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Result<Self, JournalError> {
        if size > MAX_SIZE {
            return Err(JournalError::TooManyLeaves);
        }
        if peaks.len() as u64 != u64::from(size.count_ones()) {
            return Err(JournalError::WrongPeaks { size, peaks: peaks.len() });
        }
        Ok(Self { size, peaks })
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The RFC 6962 root.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Hash::EMPTY_ROOT,
            Some(last) => peaks.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// Appends one leaf hash. `completed` is told each node that it completes, the leaf first, as height,
    /// index at that height, and hash.
    ///
    /// # Errors
    /// [`JournalError::TooManyLeaves`] at [`MAX_SIZE`]; nothing has changed then.
    pub fn append(
        &mut self,
        leaf: Hash,
        mut completed: impl FnMut(u8, u64, Hash),
    ) -> Result<(), JournalError> {
        if self.size >= MAX_SIZE {
            return Err(JournalError::TooManyLeaves);
        }
        let index = self.size;
        let (mut node, mut height) = (leaf, 0_u8);
        completed(height, index, node);
        // As in adding 1 to a binary number: each trailing 1 carries, two subtrees become one.
        while index >> height & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            node = node_hash(&left, &node);
            height += 1;
            completed(height, index >> height, node);
        }
        self.peaks.push(node);
        self.size = index + 1;
        Ok(())
    }
}
