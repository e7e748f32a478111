//! Writes an export. What it writes is not checked here: whoever wants to know verifies it.

use std::io::Write;

use super::{
    MAX_PAYLOAD_BYTES,
    archive::{BLOCK, header, padding},
};
use crate::{
    bundle::Bundle,
    checkpoint::Checkpoint,
    error::JournalError,
    hash::Hash,
    key::LogIdentity,
    proof::nodes::read_tile,
    storage::{ContentReader, StorageError, TileReader},
    tile::{Resource, TILE_WIDTH, Tile, hashes_to_bytes},
};

/// Writes the log as it was at a signed checkpoint; it may have grown since. Memory is bounded by one bundle,
/// one payload and a tile a level.
///
/// # Errors
/// Where the checkpoint is not one of this log with its signature alone, and where something cannot be read or
/// written. What was written by then is no export.
pub fn write(
    out: &mut impl Write,
    checkpoint: &[u8],
    log: &LogIdentity,
    tiles: &impl TileReader,
    content: &impl ContentReader,
) -> Result<(), JournalError> {
    let head = Checkpoint::open_alone(checkpoint, log)?;
    let mut export = Export { out, tiles, content };
    export.file(Resource::Checkpoint, checkpoint)?;
    let mut edge = Vec::new();
    for tile in Tile::edge(head.size()) {
        export.hashes(tile)?;
        edge.push(tile);
    }
    for tile in edge {
        export.below(tile)?;
    }
    export.bytes(&[0; 2 * BLOCK])?;
    export.out.flush().map_err(JournalError::Write)
}

struct Export<'e, W, T, C> {
    out: &'e mut W,
    tiles: &'e T,
    content: &'e C,
}

impl<W: Write, T: TileReader, C: ContentReader> Export<'_, W, T, C> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        self.out.write_all(bytes).map_err(JournalError::Write)
    }

    fn pad(&mut self, size: u64) -> Result<(), JournalError> {
        self.bytes([0; BLOCK].get(..padding(size)).unwrap_or_default())
    }

    fn file(&mut self, name: Resource, bytes: &[u8]) -> Result<(), JournalError> {
        let size = bytes.len() as u64;
        self.bytes(&header(&name.path(), size))?;
        self.bytes(bytes)?;
        self.pad(size)
    }

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, JournalError> {
        let hashes = read_tile(self.tiles, tile)?;
        self.file(Resource::Hashes(tile), &hashes_to_bytes(&hashes))?;
        Ok(hashes)
    }

    /// Everything below a tile that is written.
    fn below(&mut self, tile: Tile) -> Result<(), JournalError> {
        let Some(level) = tile.level().checked_sub(1) else { return self.entries(tile) };
        for index in (tile.first()..).take(tile.width().into()) {
            let below = Tile::new(level, index, TILE_WIDTH)?;
            self.hashes(below)?;
            self.below(below)?;
        }
        Ok(())
    }

    fn entries(&mut self, tile: Tile) -> Result<(), JournalError> {
        let indexes = || (tile.first()..).take(tile.width().into());
        let mut bundle = Bundle::new();
        for index in indexes() {
            let leaf =
                self.content.leaf(index).map_err(|source| unreadable("leaf", index, source))?;
            bundle.push(&leaf)?;
        }
        self.file(Resource::Entries(tile), bundle.as_bytes())?;
        let lengths = indexes().map(|index| Ok((index, self.length(index)?)));
        self.payloads(tile, &lengths.collect::<Result<Vec<_>, JournalError>>()?)
    }

    fn length(&self, index: u64) -> Result<Option<u64>, JournalError> {
        let length = self.content.payload_length(index);
        let length = length.map_err(|source| unreadable("payload", index, source))?;
        match length {
            Some(bytes) if bytes > MAX_PAYLOAD_BYTES => Err(JournalError::Payload {
                index,
                reason: format!("it has {bytes} bytes, and the limit is 16 MiB"),
            }),
            length => Ok(length),
        }
    }

    fn payloads(&mut self, tile: Tile, lengths: &[(u64, Option<u64>)]) -> Result<(), JournalError> {
        if lengths.iter().all(|(_, length)| length.is_none()) {
            return Ok(());
        }
        let size = lengths.iter().map(|(_, length)| length.map_or(1, |bytes| 5 + bytes)).sum();
        self.bytes(&header(&Resource::Payloads(tile).path(), size))?;
        for (index, length) in lengths {
            let Some(length) = length else {
                self.bytes(&[0])?;
                continue;
            };
            let payload = self.content.payload(*index);
            let payload = payload.map_err(|source| unreadable("payload", *index, source))?;
            // The size of the file is written already.
            match u32::try_from(payload.len()) {
                Ok(found) if u64::from(found) == *length => {
                    self.bytes(&[1])?;
                    self.bytes(&found.to_be_bytes())?;
                    self.bytes(&payload)?;
                }
                _ => {
                    let reason = "it changed while the export was written".to_owned();
                    return Err(JournalError::Payload { index: *index, reason });
                }
            }
        }
        self.pad(size)
    }
}

fn unreadable(what: &str, index: u64, source: StorageError) -> JournalError {
    JournalError::Storage { what: format!("{what} {index}"), source }
}
