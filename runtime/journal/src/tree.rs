//! The growing log: stage leaves, write what they complete, commit.
//!
//! The mistake it stops: a tree in memory that is ahead of the disk because a transaction failed. Staging
//! changes nothing; what it returns is written together with whatever else must be there or not there together,
//! and only then does the tree take it over.

use crate::{
    bundle::leaf_length,
    checkpoint::Checkpoint,
    error::JournalError,
    frontier::Frontier,
    hash::{Hash, leaf_hash},
    key::LogIdentity,
    proof::{self, ConsistencyProof, nodes},
    storage::TileReader,
    tile::TILE_WIDTH,
};

/// The head of a log in memory: at most 56 hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    frontier: Frontier,
}

/// Leaves that are hashed and have their places, and are not in the tree yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    before: Frontier,
    after: Frontier,
    appends: Vec<TileAppend>,
}

/// Hashes that go to the end of one tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileAppend {
    /// The tile's level.
    pub level: u8,
    /// The tile's index in its level.
    pub index: u64,
    /// How many hashes the tile has already, 0 to 255.
    pub offset: u16,
    /// The hashes to put after them, at least one.
    pub hashes: Vec<Hash>,
}

impl Tree {
    /// The empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// The head of a stored log that has `size` leaves, from its tiles: reads one tile a level.
    ///
    /// What comes back is what the tiles say. Compare it with the last signed checkpoint ([`Self::extends`])
    /// before you trust it.
    ///
    /// # Errors
    /// [`JournalError::TooManyLeaves`], and where a tile cannot be read.
    pub fn load(size: u64, tiles: &impl TileReader) -> Result<Self, JournalError> {
        let peaks = nodes::cover(0, size);
        let peaks = proof::Reader::new(size, tiles)?.nodes(&peaks)?;
        Ok(Self { frontier: Frontier::from_peaks(size, peaks)? })
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over them.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The checkpoint of the tree as it is now, to be signed.
    ///
    /// # Errors
    /// None in practice: a tree cannot be larger than a checkpoint can say.
    pub fn head(&self, log: &LogIdentity) -> Result<Checkpoint, JournalError> {
        Checkpoint::new(log, self.size(), self.root())
    }

    /// Hashes leaves and gives them their places, the first at [`Self::size`]. The tree does not change. The
    /// cost of a leaf does not depend on how many there are.
    ///
    /// # Errors
    /// [`JournalError::LeafTooLong`] and [`JournalError::TooManyLeaves`].
    pub fn stage<L: AsRef<[u8]>>(
        &self,
        leaves: impl IntoIterator<Item = L>,
    ) -> Result<Staged, JournalError> {
        let mut after = self.frontier.clone();
        let mut appends = Vec::<TileAppend>::new();
        for leaf in leaves {
            leaf_length(leaf.as_ref())?;
            after.append(leaf_hash(leaf.as_ref()), |height, index, hash| {
                if height.is_multiple_of(8) {
                    push(&mut appends, height / 8, index, hash);
                }
            })?;
        }
        Ok(Staged { before: self.frontier.clone(), after, appends })
    }

    /// Takes over what was staged, once it is written.
    ///
    /// # Errors
    /// [`JournalError::Stale`] where the tree has changed since; nothing has changed then.
    pub fn commit(&mut self, staged: Staged) -> Result<(), JournalError> {
        if staged.before != self.frontier {
            return Err(JournalError::Stale { staged: staged.before.size(), size: self.size() });
        }
        self.frontier = staged.after;
        Ok(())
    }

    /// Checks that this tree has everything that a checkpoint promised, unchanged: at start against the last
    /// signed one and the last published one, and before signing a new one. Returns the proof, for others.
    ///
    /// # Errors
    /// [`JournalError::Behind`] where the tree is smaller (a restored copy), [`JournalError::Diverged`] where
    /// its leaves are not those of the checkpoint (a rewritten log), or where a tile cannot be read.
    // INVARIANT JOURNAL-TELLS: a log that was cut or rewritten is not continued.
    pub fn extends(
        &self,
        checkpoint: &Checkpoint,
        tiles: &impl TileReader,
    ) -> Result<ConsistencyProof, JournalError> {
        let (old, new) = (checkpoint.size(), self.size());
        if new < old {
            return Err(JournalError::Behind { size: new, promised: old });
        }
        let proof = ConsistencyProof::prove(tiles, old, new)?;
        match proof.verify(old, checkpoint.root(), new, &self.root()) {
            Ok(()) => Ok(proof),
            Err(_) => Err(JournalError::Diverged { size: old }),
        }
    }
}

impl Staged {
    /// The index of the first staged leaf.
    pub const fn first(&self) -> u64 {
        self.before.size()
    }

    /// The size of the log with the staged leaves.
    pub const fn size(&self) -> u64 {
        self.after.size()
    }

    /// The root of the log with the staged leaves.
    pub fn root(&self) -> Hash {
        self.after.root()
    }

    /// What to write: for each tile that grows, its new hashes.
    pub fn appends(&self) -> &[TileAppend] {
        &self.appends
    }
}

/// Puts a hash of a tile level at its position, after those that are there.
fn push(appends: &mut Vec<TileAppend>, level: u8, position: u64, hash: Hash) {
    let index = position / u64::from(TILE_WIDTH);
    // The tile of this level that grew last is among the last few.
    match appends.iter_mut().rev().find(|append| append.level == level) {
        Some(append) if append.index == index => append.hashes.push(hash),
        _ => {
            let offset = (position % u64::from(TILE_WIDTH)) as u16;
            appends.push(TileAppend { level, index, offset, hashes: vec![hash] });
        }
    }
}
