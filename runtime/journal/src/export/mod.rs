//! An export: the whole log in one file that anybody can check, with the log's public key and nothing else.
//!
//! It is a plain tar (POSIX ustar) of the public layout, so `tar xf` gives a folder that any reader of
//! <https://c2sp.org/tlog-tiles> understands. What makes it verifiable in one pass is the order of its files:
//!
//! 1. `checkpoint`, with the log's signature alone.
//! 2. The partial tiles, highest level first. Their hashes cover the whole tree, so the signed root follows.
//! 3. For each of their hashes above level 0, from the left: the full tile below it, which must hash to it, and
//!    so on down. After each tile of level 0 its leaves (`tile/entries/…`), which must hash to its hashes, then
//!    `payloads/…` if at least one of those leaves has a payload beside it.
//! 4. Two blocks of zeroes, the end of a tar.
//!
//! So every byte is compared with something that the signature already vouches for, before the next is read:
//! the first wrong place is known by name, and memory is bounded by one bundle, one payload and a tile a level.
//! Tar headers have one form (mode 0644, no owner, no time); a log has exactly one export without payloads.
//!
//! A payload file has for each leaf of its bundle a byte 0 (none here, or erased) or a byte 1, the length in four
//! bytes, big-endian, and the payload. What binds a payload to its leaf is the business of whoever wrote the leaf
//! (LOG-KNOWS-NOTHING): a [`Visitor`] checks it, and [`LeavesOnly`] refuses payloads, because unchecked bytes in a
//! verified export would be believed.

mod archive;
mod source;
mod verify;
mod visitor;
mod write;

pub use verify::{Verified, Verifier};
pub use visitor::{LeavesOnly, Visitor};
pub use write::write;

/// The longest payload of an export in bytes: 16 MiB.
pub const MAX_PAYLOAD_BYTES: u64 = 16 * 1024 * 1024;
