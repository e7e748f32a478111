//! The verifier: an export is the log that somebody signed, every byte of it, or the first wrong place.
//!
//! The attack it stops (a weak verifier is what has failed elsewhere: a part of a proof that nobody looked at,
//! a server that chose its own identity): hashes are compared from the signed root down, so nothing is read that
//! is not vouched for, and what is vouched for is compared at once.
//!
//! It uses hashes, keys, notes and tile names, and nothing of what makes a log: no tree, proof or storage.

use std::io::Read;

use super::{MAX_PAYLOAD_BYTES, source::Source, visitor::Visitor};
use crate::{
    checkpoint::Checkpoint,
    error::JournalError,
    frontier::Frontier,
    hash::{Hash, leaf_hash, node_hash, root_over},
    key::LogIdentity,
    note::MAX_NOTE,
    tile::{MAX_LEAF_BYTES, Resource, TILE_WIDTH, Tile, hashes_from_bytes},
};

/// Verifies exports of one log.
#[derive(Debug, Clone)]
pub struct Verifier<'k> {
    log: &'k LogIdentity,
    /// Heads that the export must extend, smallest first.
    kept: Vec<Checkpoint>,
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The signed head: its size is the number of leaves.
    pub checkpoint: Checkpoint,
    /// The payloads that were shown to the visitor. The others were never there, or were erased.
    pub payloads: u64,
}

impl<'k> Verifier<'k> {
    /// A verifier of the pinned log.
    pub fn new(log: &'k LogIdentity) -> Self {
        Self { log, kept: Vec::new() }
    }

    /// Also demands that the export extends a checkpoint that was kept: one that was published earlier, say.
    /// Without one, an older export of the same log is a valid export.
    #[must_use]
    pub fn extends(mut self, kept: Checkpoint) -> Self {
        self.kept.push(kept);
        self.kept.sort_by_key(Checkpoint::size);
        self
    }

    /// Verifies an export to its last byte. Nothing may be done with what the visitor saw unless this succeeds.
    ///
    /// # Errors
    /// [`JournalError::Export`] with the first wrong place; [`JournalError::OtherOrigin`] and
    /// [`JournalError::Behind`] where it cannot extend a checkpoint that was kept.
    // INVARIANT JOURNAL-TELLS: any edit of an export is found, with the log's public key alone.
    pub fn verify(
        &self,
        export: impl Read,
        visitor: &mut impl Visitor,
    ) -> Result<Verified, JournalError> {
        let mut source = Source::new(export);
        let checkpoint = self.checkpoint(&mut source)?;
        let mut run =
            Run { source, visitor, kept: &self.kept, frontier: Frontier::new(), payloads: 0 };
        run.tree(&checkpoint)?;
        let payloads = run.payloads;
        run.source.end()?;
        Ok(Verified { checkpoint, payloads })
    }

    fn checkpoint(&self, source: &mut Source<impl Read>) -> Result<Checkpoint, JournalError> {
        let size = source.open(&Resource::Checkpoint.path(), 1..=MAX_NOTE as u64)?;
        let offset = source.offset();
        let note = source.take(size)?;
        let checkpoint = Checkpoint::open_alone(&note, self.log)
            .map_err(|error| source.fault(offset, error.to_string()))?;
        source.close()?;
        for kept in &self.kept {
            if kept.origin() != checkpoint.origin() {
                return Err(JournalError::OtherOrigin {
                    found: checkpoint.origin().to_owned(),
                    pinned: kept.origin().to_owned(),
                });
            }
            if kept.size() > checkpoint.size() {
                let (size, promised) = (checkpoint.size(), kept.size());
                return Err(JournalError::Behind { size, promised });
            }
        }
        Ok(checkpoint)
    }
}

/// One verification, from the first tile on.
struct Run<'v, R, V> {
    source: Source<R>,
    visitor: &'v mut V,
    /// Checkpoints that the leaves have not come to yet.
    kept: &'v [Checkpoint],
    /// The leaves so far: what a kept checkpoint is compared with.
    frontier: Frontier,
    payloads: u64,
}

impl<R: Read, V: Visitor> Run<'_, R, V> {
    fn tree(&mut self, checkpoint: &Checkpoint) -> Result<(), JournalError> {
        let mut edge = Vec::new();
        let offset = self.source.offset();
        for tile in Tile::edge(checkpoint.size()) {
            edge.push((tile, self.hashes(tile)?));
        }
        // Each tile of the edge stands for the subtrees left of the next; joined from the right they are the root.
        let roots = edge.iter().rev().flat_map(|(_, hashes)| peaks(hashes).into_iter().rev());
        let root = roots.reduce(|right, left| node_hash(&left, &right));
        if root.unwrap_or(Hash::EMPTY_ROOT) != *checkpoint.root() {
            return Err(self.source.fault(offset, "the partial tiles do not have the signed root"));
        }
        self.kept_root(offset)?;
        for (tile, hashes) in edge {
            match tile.level().checked_sub(1) {
                None => self.entries(tile, &hashes)?,
                Some(below) => self.below(below, tile.first(), &hashes)?,
            }
        }
        Ok(())
    }

    /// The full tiles below neighbouring hashes, each with everything below it.
    fn below(&mut self, level: u8, first: u64, vouched: &[Hash]) -> Result<(), JournalError> {
        for (index, vouched) in (first..).zip(vouched) {
            let tile = Tile::new(level, index, TILE_WIDTH)?;
            let offset = self.source.offset();
            let hashes = self.hashes(tile)?;
            if root_over(&hashes) != Some(*vouched) {
                let fault = "the hashes of this tile are not those that were signed";
                return Err(self.source.fault(offset, fault));
            }
            match level.checked_sub(1) {
                None => self.entries(tile, &hashes)?,
                Some(below) => self.below(below, tile.first(), &hashes)?,
            }
        }
        Ok(())
    }

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, JournalError> {
        let bytes = u64::from(tile.width()) * Hash::BYTES as u64;
        self.source.open(&Resource::Hashes(tile).path(), bytes..=bytes)?;
        let bytes = self.source.take(bytes)?;
        self.source.close()?;
        Ok(hashes_from_bytes(&bytes).unwrap_or_default())
    }

    fn entries(&mut self, tile: Tile, hashes: &[Hash]) -> Result<(), JournalError> {
        let width = u64::from(tile.width());
        let longest = width * (2 + MAX_LEAF_BYTES as u64);
        self.source.open(&Resource::Entries(tile).path(), 2 * width..=longest)?;
        let mut leaves = Vec::with_capacity(hashes.len());
        for (index, vouched) in (tile.first()..).zip(hashes) {
            let offset = self.source.offset();
            let leaf = self.leaf().map_err(|error| at_leaf(index, offset, error))?;
            let wrong = |fault: String| at_leaf(index, offset, self.source.fault(offset, fault));
            if leaf_hash(&leaf) != *vouched {
                return Err(wrong("the leaf is not the one that was signed".to_owned()));
            }
            self.visitor.leaf(index, &leaf).map_err(wrong)?;
            if !self.kept.is_empty() {
                self.frontier.append(*vouched, |_, _, _| {})?;
                self.kept_root(offset)?;
            }
            leaves.push(leaf);
        }
        self.source.close()?;
        self.payloads(tile, &leaves)
    }

    fn leaf(&mut self) -> Result<Vec<u8>, JournalError> {
        let mut length = [0; 2];
        self.source.bytes(&mut length)?;
        self.source.take(u16::from_be_bytes(length).into())
    }

    fn payloads(&mut self, tile: Tile, leaves: &[Vec<u8>]) -> Result<(), JournalError> {
        let width = u64::from(tile.width());
        // At least one payload is there, or the file would not be.
        let sizes = width + 4..=width * (5 + MAX_PAYLOAD_BYTES);
        if !self.source.try_open(&Resource::Payloads(tile).path(), sizes)? {
            return Ok(());
        }
        let (start, before) = (self.source.offset(), self.payloads);
        for (index, leaf) in (tile.first()..).zip(leaves) {
            let offset = self.source.offset();
            let payload = self.payload().map_err(|error| at_leaf(index, offset, error))?;
            if let Some(payload) = payload {
                self.visitor
                    .payload(index, leaf, &payload)
                    .map_err(|fault| at_leaf(index, offset, self.source.fault(offset, fault)))?;
                self.payloads += 1;
            }
        }
        if self.payloads == before {
            return Err(self
                .source
                .fault(start, "the file has no payload, so it must not be here"));
        }
        self.source.close()
    }

    fn payload(&mut self) -> Result<Option<Vec<u8>>, JournalError> {
        let (mut there, offset) = ([0], self.source.offset());
        self.source.bytes(&mut there)?;
        match there {
            [0] => return Ok(None),
            [1] => {}
            _ => return Err(self.source.fault(offset, "a payload is there (1) or not (0)")),
        }
        let mut length = [0; 4];
        self.source.bytes(&mut length)?;
        let length = u64::from(u32::from_be_bytes(length));
        if length > MAX_PAYLOAD_BYTES {
            return Err(self.source.fault(offset, "the payload is longer than 16 MiB"));
        }
        self.source.take(length).map(Some)
    }

    /// Compares the leaves so far with the checkpoints of this size that were kept.
    fn kept_root(&mut self, offset: u64) -> Result<(), JournalError> {
        while let Some((kept, later)) = self.kept.split_first() {
            let size = self.frontier.size();
            if kept.size() != size {
                break;
            }
            if *kept.root() != self.frontier.root() {
                let fault = format!(
                    "the first {size} leaves are not those of a checkpoint that was kept; \
                     the log was rewritten"
                );
                return Err(self.source.fault(offset, fault));
            }
            self.kept = later;
        }
        Ok(())
    }
}

/// Names the leaf in an error.
fn at_leaf(index: u64, start: u64, error: JournalError) -> JournalError {
    match error {
        JournalError::Export { offset, place, fault } => JournalError::Export {
            offset: offset.max(start),
            place: format!("leaf {index} of {place}"),
            fault,
        },
        other => other,
    }
}

/// The perfect subtrees over the hashes of a partial tile, left to right: their sizes are the binary digits of
/// its width.
fn peaks(hashes: &[Hash]) -> Vec<Hash> {
    let mut peaks = Vec::new();
    let mut rest = hashes;
    while let Some(height) = rest.len().checked_ilog2() {
        let (subtree, after) = rest.split_at(1 << height);
        peaks.extend(root_over(subtree));
        rest = after;
    }
    peaks
}
