//! A log in memory: for tests, for examples, and to show what a keeper of a log has to do.
//!
//! It is as strict as a database should be: hashes and leaves go to the end, or not in at all.

use std::collections::BTreeMap;

use crate::{
    error::JournalError,
    hash::Hash,
    storage::{ContentReader, StorageError, TileReader},
    tile::Tile,
    tree::Staged,
};

/// Tiles, leaves and payloads of one log.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
    leaves: Vec<Vec<u8>>,
    payloads: BTreeMap<u64, Vec<u8>>,
}

impl Memory {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes staged leaves: those that `staged` was made of.
    ///
    /// # Errors
    /// [`JournalError::Stale`] where they do not go to the end of what is here; nothing is written then.
    pub fn write<L: AsRef<[u8]>>(
        &mut self,
        staged: &Staged,
        leaves: impl IntoIterator<Item = L>,
    ) -> Result<(), JournalError> {
        let size = self.leaves.len() as u64;
        let leaves: Vec<Vec<u8>> = leaves.into_iter().map(|leaf| leaf.as_ref().to_vec()).collect();
        if staged.first() != size || size + leaves.len() as u64 != staged.size() {
            return Err(JournalError::Stale { staged: staged.first(), size });
        }
        for append in staged.appends() {
            let tile = self.tiles.entry((append.level, append.index)).or_default();
            tile.truncate(append.offset.into());
            tile.extend(&append.hashes);
        }
        self.leaves.extend(leaves);
        Ok(())
    }

    /// Overwrites leaf `index` behind the log's back, as somebody with access to a store might: for tests that
    /// look whether it is found. Nothing happens where there is no such leaf.
    pub fn overwrite_leaf(&mut self, index: u64, leaf: Vec<u8>) {
        if let Some(kept) = usize::try_from(index).ok().and_then(|index| self.leaves.get_mut(index))
        {
            *kept = leaf;
        }
    }

    /// Keeps a payload beside leaf `index`.
    pub fn set_payload(&mut self, index: u64, payload: Vec<u8>) {
        self.payloads.insert(index, payload);
    }

    /// Erases the payload beside leaf `index`. The leaf stays, and the log still verifies.
    pub fn erase_payload(&mut self, index: u64) {
        self.payloads.remove(&index);
    }
}

impl TileReader for Memory {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, StorageError> {
        let hashes = self.tiles.get(&(tile.level(), tile.index()));
        let hashes = hashes.and_then(|hashes| hashes.get(..tile.width().into()));
        Ok(hashes.ok_or("there is no such tile")?.to_vec())
    }
}

impl ContentReader for Memory {
    fn leaf(&self, index: u64) -> Result<Vec<u8>, StorageError> {
        let leaf = usize::try_from(index).ok().and_then(|index| self.leaves.get(index));
        Ok(leaf.ok_or("there is no such leaf")?.clone())
    }

    fn payload_length(&self, index: u64) -> Result<Option<u64>, StorageError> {
        Ok(self.payloads.get(&index).map(|payload| payload.len() as u64))
    }

    fn payload(&self, index: u64) -> Result<Vec<u8>, StorageError> {
        Ok(self.payloads.get(&index).ok_or("there is no such payload")?.clone())
    }
}
