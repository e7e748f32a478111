//! Tiles, leaves and payloads, read from the tables of one connection. Nothing here is believed by itself:
//! it is compared with the signed head by whoever reads.

use interlock_journal::{ContentReader, Hash, StorageError, Tile, TileReader};
use rusqlite::{Connection, OptionalExtension};

/// The tables of a connection, best inside a transaction.
pub(crate) struct Tables<'c>(pub(crate) &'c Connection);

impl TileReader for Tables<'_> {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, StorageError> {
        let mut statement =
            self.0.prepare_cached("select hashes from tile where level = ?1 and idx = ?2")?;
        let bytes: Vec<u8> = statement
            .query_row((tile.level(), tile.index()), |row| row.get(0))
            .optional()?
            .ok_or("the tile is not there")?;
        let all: Vec<Hash> = bytes
            .chunks(Hash::BYTES)
            .take(tile.width().into())
            .filter_map(Hash::from_slice)
            .collect();
        if all.len() == usize::from(tile.width()) {
            Ok(all)
        } else {
            Err("the tile is cut off".into())
        }
    }
}

impl ContentReader for Tables<'_> {
    fn leaf(&self, index: u64) -> Result<Vec<u8>, StorageError> {
        let mut statement = self.0.prepare_cached("select bytes from leaf where idx = ?1")?;
        let bytes = statement.query_row([index], |row| row.get(0)).optional()?;
        bytes.ok_or_else(|| "the leaf is not there".into())
    }

    fn payload_length(&self, index: u64) -> Result<Option<u64>, StorageError> {
        let mut statement =
            self.0.prepare_cached("select length(bytes) from payload where idx = ?1")?;
        Ok(statement.query_row([index], |row| row.get(0)).optional()?)
    }

    fn payload(&self, index: u64) -> Result<Vec<u8>, StorageError> {
        let mut statement = self.0.prepare_cached("select bytes from payload where idx = ?1")?;
        Ok(statement.query_row([index], |row| row.get(0))?)
    }
}
