//! Which nodes of the tree an answer needs, and how to get them out of tiles.
//!
//! A range of leaves is covered by perfect subtrees; a perfect subtree of height `h` is 2^(h mod 8) neighbouring
//! hashes of one tile. So any answer reads a few tiles, whatever the size of the log.

use std::collections::BTreeMap;

use crate::{
    error::JournalError,
    frontier::MAX_SIZE,
    hash::{Hash, node_hash, root_over},
    storage::TileReader,
    tile::{Resource, Tile},
};

/// A perfect subtree: 2^`height` leaves from `index` × 2^`height`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) height: u8,
    pub(crate) index: u64,
}

/// The largest perfect subtrees that cover the leaves `from..to`, left to right. `from` must be a place where
/// RFC 6962 splits a tree that ends at or after `to`.
pub(crate) fn cover(from: u64, to: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut from = from;
    while from < to {
        let height = (to - from).ilog2() as u8;
        nodes.push(Node { height, index: from >> height });
        from += 1 << height;
    }
    nodes
}

/// Where RFC 6962 splits the tree over `from..to`: after the largest power of two that is smaller than its size.
pub(crate) fn split(from: u64, to: u64) -> u64 {
    let leaves = to.saturating_sub(from).saturating_sub(1);
    from + leaves.checked_ilog2().map_or(0, |height| 1 << height)
}

/// Reads nodes of a log of one size, and each tile once.
pub(crate) struct Reader<'t, T> {
    size: u64,
    tiles: &'t T,
    read: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl<'t, T: TileReader> Reader<'t, T> {
    /// # Errors
    /// [`JournalError::TooManyLeaves`].
    pub(crate) fn new(size: u64, tiles: &'t T) -> Result<Self, JournalError> {
        if size > MAX_SIZE {
            return Err(JournalError::TooManyLeaves);
        }
        Ok(Self { size, tiles, read: BTreeMap::new() })
    }

    /// The hashes of perfect subtrees.
    ///
    /// # Errors
    /// Where a tile cannot be read.
    pub(crate) fn nodes(&mut self, nodes: &[Node]) -> Result<Vec<Hash>, JournalError> {
        nodes.iter().map(|node| self.node(*node)).collect()
    }

    /// The root over the leaves of each range.
    ///
    /// # Errors
    /// Where a tile cannot be read.
    pub(crate) fn ranges(&mut self, ranges: &[(u64, u64)]) -> Result<Vec<Hash>, JournalError> {
        ranges
            .iter()
            .map(|(from, to)| {
                let nodes = self.nodes(&cover(*from, *to))?;
                let root = nodes.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
                Ok(root.unwrap_or(Hash::EMPTY_ROOT))
            })
            .collect()
    }

    fn node(&mut self, node: Node) -> Result<Hash, JournalError> {
        let (level, within) = (node.height / 8, node.height % 8);
        let first = node.index << within;
        let hashes = self.tile(level, first >> 8)?;
        let start = (first & 0xff) as usize;
        hashes.get(start..start + (1 << within)).and_then(root_over).ok_or(
            JournalError::NotInTree { height: node.height, index: node.index, size: self.size },
        )
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], JournalError> {
        let tile = Tile::in_tree(level, index, self.size).ok_or(JournalError::NoSuchTile {
            level,
            index,
            width: 0,
        })?;
        let entry = self.read.entry((level, index));
        Ok(match entry {
            std::collections::btree_map::Entry::Occupied(read) => read.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(read_tile(self.tiles, tile)?)
            }
        })
    }
}

/// Reads a tile, and sees that it has as many hashes as it should.
///
/// # Errors
/// [`JournalError::Storage`] and [`JournalError::TileWidth`].
pub(crate) fn read_tile(tiles: &impl TileReader, tile: Tile) -> Result<Vec<Hash>, JournalError> {
    let path = || Resource::Hashes(tile).path();
    let hashes =
        tiles.tile(tile).map_err(|source| JournalError::Storage { what: path(), source })?;
    if hashes.len() == usize::from(tile.width()) {
        Ok(hashes)
    } else {
        Err(JournalError::TileWidth { path: path(), found: hashes.len() })
    }
}
