//! PROVE IT: a Merkle log of bytes, signed checkpoints, and a verifier that needs nothing but a key.
//!
//! INVARIANT LOG-KNOWS-NOTHING: a leaf is bytes and stays bytes. No crate of Interlock is below this one,
//! nothing here parses a leaf, and no clock, disk or network is touched: storage is a trait, and the host
//! above writes what [`Tree::stage`] says in a transaction of its own.
//!
//! The formats are public ones, so that tools that are not ours can check us:
//!
//! - hashes and proofs: RFC 6962, section 2.1 (<https://www.rfc-editor.org/rfc/rfc6962#section-2.1>)
//! - layout: <https://c2sp.org/tlog-tiles>
//! - signed heads: <https://c2sp.org/tlog-checkpoint> in <https://c2sp.org/signed-note>, Ed25519
//! - an export: a plain tar of that layout (see [`export`])
//!
//! ```
//! use interlock_journal::{LogSigner, Memory, Tree, export};
//!
//! let signer = LogSigner::from_seed("example.com/journal", &[7; 32])?;
//! let (mut tree, mut store) = (Tree::new(), Memory::new());
//! let leaves = [b"first".as_slice(), b"second"];
//! let staged = tree.stage(leaves)?;
//! store.write(&staged, leaves)?; // a database would do this in one transaction
//! tree.commit(staged)?;
//! let head = signer.sign(&tree.head(signer.identity())?)?;
//!
//! let mut archive = Vec::new();
//! export::write(&mut archive, head.as_bytes(), signer.identity(), &store, &store)?;
//! let verified = export::Verifier::new(signer.identity())
//!     .verify(archive.as_slice(), &mut export::LeavesOnly)?;
//! assert_eq!(verified.checkpoint.size(), 2);
//! # Ok::<(), interlock_journal::JournalError>(())
//! ```
#![forbid(unsafe_code)]

pub mod export;
pub mod proof;

mod audit;
mod bundle;
mod checkpoint;
mod error;
mod frontier;
mod hash;
mod key;
mod memory;
mod note;
mod storage;
mod tile;
mod tree;

pub use audit::audit;
pub use bundle::Bundle;
pub use checkpoint::Checkpoint;
pub use error::JournalError;
pub use frontier::{Frontier, MAX_SIZE};
pub use hash::{Hash, leaf_hash, node_hash};
pub use key::{LogIdentity, LogSigner};
pub use memory::Memory;
pub use storage::{ContentReader, StorageError, TileReader};
pub use tile::{MAX_LEAF_BYTES, Resource, TILE_WIDTH, Tile};
pub use tree::{Staged, TileAppend, Tree};
