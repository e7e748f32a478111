//! What a log needs of whoever keeps it: tiles and content by position, to read. Writing is the keeper's own:
//! [`Tree::stage`](crate::Tree::stage) says what to write, and the keeper puts it into one transaction with
//! everything else that must be there or not there together.

use crate::{hash::Hash, tile::Tile};

/// Why something could not be read; the keeper's own error.
pub type StorageError = Box<dyn std::error::Error + Send + Sync>;

/// Reads tiles.
///
/// Nothing that comes back is believed: whoever uses it compares with a root, a proof or a signed checkpoint.
pub trait TileReader {
    /// Exactly the first [`width`](Tile::width) hashes of the tile, also where it has more by now.
    ///
    /// # Errors
    /// Where it cannot be read, or has fewer.
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, StorageError>;
}

/// Reads leaves, and what is kept beside them.
pub trait ContentReader {
    /// The bytes of leaf `index`, from 0.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn leaf(&self, index: u64) -> Result<Vec<u8>, StorageError>;

    /// The length in bytes of the payload beside leaf `index`; `None` where there is none, or it was erased.
    ///
    /// # Errors
    /// Where that cannot be said.
    fn payload_length(&self, index: u64) -> Result<Option<u64>, StorageError>;

    /// The payload beside leaf `index`; asked only where it has a length.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn payload(&self, index: u64) -> Result<Vec<u8>, StorageError>;
}
