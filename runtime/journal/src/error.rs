//! Everything that can be wrong: with what is appended, what is stored, and what is to be verified.

use thiserror::Error;

use crate::storage::StorageError;

/// What is wrong. Verification has no other answer than this or success.
#[derive(Debug, Error)]
pub enum JournalError {
    /// A leaf that the public layout cannot hold.
    #[error("a leaf of {bytes} bytes is too long; the limit is {}", crate::MAX_LEAF_BYTES)]
    LeafTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A bundle has 256 leaves already.
    #[error("the bundle has 256 leaves already; start the next one")]
    BundleFull,
    /// Bytes that are no bundle.
    #[error("the bytes are not a bundle of 1 to 256 leaves, each after its length")]
    BadBundle,
    /// More than [`MAX_SIZE`](crate::MAX_SIZE).
    #[error("a log has at most 2^56 leaves")]
    TooManyLeaves,
    /// Peaks that do not belong to the size.
    #[error("a log of {size} leaves has {} peaks, not {peaks}", .size.count_ones())]
    WrongPeaks {
        /// The size of the log.
        size: u64,
        /// The peaks that were given.
        peaks: usize,
    },
    /// What was staged on another head.
    #[error("staged on a log of {staged} leaves, which is not this log of {size}; stage again")]
    Stale {
        /// The size of the log that it was staged on.
        staged: u64,
        /// The size of the log now.
        size: u64,
    },
    /// The keeper could not read.
    #[error("could not read `{what}`: {source}")]
    Storage {
        /// The path of what was asked for.
        what: String,
        /// The keeper's reason.
        source: StorageError,
    },
    /// The keeper read something else.
    #[error("`{path}` was read with {found} hashes; storage is damaged")]
    TileWidth {
        /// The path of the tile.
        path: String,
        /// The hashes that came back.
        found: usize,
    },
    /// A tile that no log has.
    #[error("no log has a tile of level {level}, index {index} and width {width}")]
    NoSuchTile {
        /// The level that was asked for.
        level: u8,
        /// The index in the level.
        index: u64,
        /// The width; 0 where the tree has nothing there.
        width: u16,
    },
    /// A node that is not complete in a log of this size.
    #[error("a log of {size} leaves has no complete node {index} at height {height}")]
    NotInTree {
        /// The height of the node.
        height: u8,
        /// Its index at this height.
        index: u64,
        /// The size of the log.
        size: u64,
    },
    /// A path outside the layout, or spelled in another way.
    #[error("`{0}` is not a path of the log's layout")]
    BadPath(String),
    /// An index at or after the end.
    #[error("leaf {index} is not in a log of {size} leaves")]
    NoSuchLeaf {
        /// The index.
        index: u64,
        /// The size of the log.
        size: u64,
    },
    /// A proof that does not lead to the root.
    #[error("the proof does not lead from what it is about to the signed root")]
    NotProven,
    /// A log that is smaller than a checkpoint of it.
    #[error(
        "the log has {size} leaves, and a signed checkpoint promises {promised}; it was cut or restored"
    )]
    Behind {
        /// The leaves that are there.
        size: u64,
        /// The leaves of the checkpoint.
        promised: u64,
    },
    /// A log whose beginning is not what a checkpoint says.
    #[error(
        "the first {size} leaves are not those of the signed checkpoint; the log was rewritten"
    )]
    Diverged {
        /// The size of the checkpoint.
        size: u64,
    },
    /// A store whose parts do not fit together.
    #[error(
        "leaf {index} and `{tile}` do not agree; one of them was changed, and a published checkpoint or an export says which"
    )]
    Disagree {
        /// The first leaf whose hash, or a hash that it completes, is not in the tile.
        index: u64,
        /// The tile's path.
        tile: String,
    },
    /// Not an origin.
    #[error(
        "`{0}` is not an origin; write 1 to 255 visible ASCII characters without `+`, such as `example.com/journal`"
    )]
    BadOrigin(String),
    /// Not a key.
    #[error("not a public key of a log: {0}")]
    BadKey(&'static str),
    /// Bytes that are not a signed note.
    #[error("not a signed note: {0}")]
    BadNote(&'static str),
    /// A note without a signature of the pinned key.
    #[error("not signed by `{key}`, but by `{found}`; compare the origin and key that you pinned")]
    NotSigned {
        /// The pinned key: origin and id.
        key: String,
        /// The keys that signed, the first few.
        found: String,
    },
    /// Two signature lines of the pinned key.
    #[error("the log's key signed twice")]
    SignedTwice,
    /// A signature of the pinned key that is wrong.
    #[error("the signature is not the log's: the text was changed, or another key was used")]
    BadSignature,
    /// Signatures beside the log's where there must be none.
    #[error("the checkpoint has signatures beside the log's; an export has it alone")]
    OtherSignatures,
    /// A checkpoint of another log.
    #[error("the checkpoint is of log `{found}`, not of `{pinned}`")]
    OtherOrigin {
        /// The origin that was found.
        found: String,
        /// The origin that was expected.
        pinned: String,
    },
    /// Signed text that is not a checkpoint.
    #[error("not a checkpoint: {0}")]
    BadCheckpoint(&'static str),
    /// The first place of an export that is wrong.
    #[error("byte {offset} of the export, in {place}: {fault}")]
    Export {
        /// Where the wrong thing begins, in bytes from the start.
        offset: u64,
        /// What is there: a file of the export or a leaf.
        place: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A payload that an export cannot hold, or that changed while it was written.
    #[error("the payload of leaf {index} cannot be exported: {reason}")]
    Payload {
        /// The leaf.
        index: u64,
        /// Why.
        reason: String,
    },
    /// An export could not be written.
    #[error("could not write the export: {0}")]
    Write(std::io::Error),
}
