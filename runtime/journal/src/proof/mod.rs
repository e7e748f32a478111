//! Proofs that a leaf is in a log, and that a log only grew (RFC 6962, sections 2.1.1 and 2.1.2).
//!
//! Making a proof reads tiles and believes them. Verifying one believes nothing but the roots that it is given,
//! and those come from signed checkpoints: a bad proof costs its maker the argument, nobody else.

mod consistency;
mod inclusion;
pub(crate) mod nodes;

pub use consistency::ConsistencyProof;
pub use inclusion::InclusionProof;
pub(crate) use nodes::Reader;

use crate::hash::Hash;

/// The most hashes that a proof for a log of any size can have; longer ones are not looked at.
pub const MAX_HASHES: usize = 58;

/// The root of a stored log when it had `size` leaves, as its tiles say.
///
/// # Errors
/// [`JournalError::TooManyLeaves`](crate::JournalError::TooManyLeaves), and where a tile cannot be read.
pub fn root_at(tiles: &impl crate::TileReader, size: u64) -> Result<Hash, crate::JournalError> {
    Ok(crate::Tree::load(size, tiles)?.root())
}
