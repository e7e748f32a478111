//! What an operator says of one folder. Whatever is not said is the careful choice: no writing, and bounds on
//! everything that could fill a disk or keep a host busy.

use std::path::PathBuf;

/// The most names of a path, one below the other: what a resource has room for.
pub const MAX_DEPTH: u32 = 60;
/// The largest file that a folder can be set to take: it is held in memory, and crosses into a plugin.
pub const MAX_FILE: u64 = 16 * 1024 * 1024;
/// The most names that a folder can be set to hold: they are counted before each write.
pub const MAX_ENTRIES: u64 = 100_000;

/// One folder that plugins can be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderSettings {
    /// Where it is.
    pub path: PathBuf,
    /// Whether anything in it may be written, made or deleted.
    pub write: bool,
    /// Its bounds.
    pub limits: FolderLimits,
}

/// The bounds of one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderLimits {
    /// The largest file that is read whole or written, in bytes.
    pub file: u64,
    /// The bytes of all files below together, for writing.
    pub total: u64,
    /// The files and folders below together, for writing.
    pub entries: u64,
    /// The names of a path, one below the other.
    pub depth: u32,
}

impl Default for FolderLimits {
    fn default() -> Self {
        Self { file: 1024 * 1024, total: 64 * 1024 * 1024, entries: 10_000, depth: 16 }
    }
}
