//! Compares a stored log with its signed head, leaf by leaf and hash by hash.
//!
//! The attack it stops: an edit of the store in a place that no proof happened to come by. (For an export there
//! is the verifier, which needs no store.)

use std::collections::BTreeMap;

use crate::{
    checkpoint::Checkpoint,
    error::JournalError,
    frontier::Frontier,
    hash::{Hash, leaf_hash},
    proof::nodes::read_tile,
    storage::{ContentReader, TileReader},
    tile::{Resource, Tile},
};

/// Checks everything that a checkpoint speaks of: that each leaf has the hash that its tile has, that the hashes
/// of higher tiles follow from those below, and that the root follows from them all. The store may have grown
/// since. Reads each leaf and each tile once; memory is one tile a level.
///
/// # Errors
/// [`JournalError::Disagree`] with the first leaf whose hash, or a hash that it completes, is not what a tile has;
/// [`JournalError::Diverged`] where leaves and tiles agree with each other and not with the checkpoint; and where
/// something cannot be read.
// INVARIANT JOURNAL-TELLS: the store is compared with what was signed, all of it.
pub fn audit(
    checkpoint: &Checkpoint,
    tiles: &impl TileReader,
    content: &impl ContentReader,
) -> Result<(), JournalError> {
    let size = checkpoint.size();
    let mut frontier = Frontier::new();
    let mut open = BTreeMap::<u8, (Tile, Vec<Hash>)>::new();
    let mut completed = Vec::new();
    for index in 0..size {
        let leaf = content
            .leaf(index)
            .map_err(|source| JournalError::Storage { what: format!("leaf {index}"), source })?;
        frontier.append(leaf_hash(&leaf), |height, position, hash| {
            if height.is_multiple_of(8) {
                completed.push((height / 8, position, hash));
            }
        })?;
        for (level, position, hash) in completed.drain(..) {
            let (tile, hashes) = match open.remove(&level) {
                Some(read) if read.0.index() == position >> 8 => read,
                _ => {
                    let tile = Tile::in_tree(level, position >> 8, size).ok_or(
                        JournalError::NoSuchTile { level, index: position >> 8, width: 0 },
                    )?;
                    (tile, read_tile(tiles, tile)?)
                }
            };
            if hashes.get((position & 0xff) as usize) != Some(&hash) {
                return Err(JournalError::Disagree { index, tile: Resource::Hashes(tile).path() });
            }
            open.insert(level, (tile, hashes));
        }
    }
    if frontier.root() == *checkpoint.root() {
        Ok(())
    } else {
        Err(JournalError::Diverged { size })
    }
}
