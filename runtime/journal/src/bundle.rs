//! Entry bundles: up to 256 leaves, each after its length (<https://c2sp.org/tlog-tiles>, "Log entries").
//!
//! The mistake it stops: a leaf that the public layout could not hold, found out when somebody exports.

use crate::{error::JournalError, tile::TILE_WIDTH};

/// The length that goes before a leaf.
///
/// # Errors
/// [`JournalError::LeafTooLong`].
pub(crate) fn leaf_length(leaf: &[u8]) -> Result<u16, JournalError> {
    u16::try_from(leaf.len()).map_err(|_| JournalError::LeafTooLong { bytes: leaf.len() })
}

/// Up to 256 leaves, as they are kept in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    bytes: Vec<u8>,
    leaves: u16,
}

impl Bundle {
    /// A bundle without leaves; not yet anything to keep.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one leaf.
    ///
    /// # Errors
    /// [`JournalError::LeafTooLong`], and [`JournalError::BundleFull`] after 256; nothing has changed then.
    pub fn push(&mut self, leaf: &[u8]) -> Result<(), JournalError> {
        let length = leaf_length(leaf)?;
        if self.leaves >= TILE_WIDTH {
            return Err(JournalError::BundleFull);
        }
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(leaf);
        self.leaves += 1;
        Ok(())
    }

    /// Each leaf after its length, two bytes, big-endian.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of leaves.
    pub const fn leaves(&self) -> u16 {
        self.leaves
    }

    /// The leaves of a bundle that somebody else wrote.
    ///
    /// # Errors
    /// [`JournalError::BadBundle`] where it does not end with a leaf, or has none or more than 256.
    pub fn parse(bytes: &[u8]) -> Result<Vec<&[u8]>, JournalError> {
        let mut leaves = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk().ok_or(JournalError::BadBundle)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (leaf, after) = after.split_at_checked(length).ok_or(JournalError::BadBundle)?;
            leaves.push(leaf);
            if leaves.len() > usize::from(TILE_WIDTH) {
                return Err(JournalError::BadBundle);
            }
            rest = after;
        }
        if leaves.is_empty() { Err(JournalError::BadBundle) } else { Ok(leaves) }
    }
}
