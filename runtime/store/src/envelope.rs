//! What a leaf says in the open: its kind, its time, its marks and charges, and a salted digest of what it
//! is about. The index is made from this alone, so it can be checked against the log without knowing what
//! any of it means.

use crate::StoreError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of salt before a payload: without them a digest of few possible texts would tell which it is.
pub(crate) const SALT: usize = 16;

/// A name that a leaf carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The space of names.
    pub space: String,
    /// The name.
    pub key: String,
    /// Whether no other leaf may carry it.
    pub once: bool,
}

/// An amount against a sliding window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The window's name.
    pub key: String,
    /// How much.
    pub amount: u64,
    /// How long the window is, milliseconds.
    pub window_ms: u64,
    /// The most that fits into it.
    pub most: u64,
}

/// What must hold for a batch to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// No leaf carries the mark.
    Absent {
        /// The space of names.
        space: String,
        /// The name.
        key: String,
    },
    /// A leaf carries the mark.
    Present {
        /// The space of names.
        space: String,
        /// The name.
        key: String,
    },
}

/// One leaf to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its kind.
    pub kind: String,
    /// The marks it carries.
    pub marks: Vec<Mark>,
    /// What it is charged to.
    pub charges: Vec<Charge>,
    /// What it is about. Kept beside the log, and erasable.
    pub payload: Vec<u8>,
}

/// A charge, as the leaf keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Charged {
    pub(crate) key: String,
    pub(crate) amount: u64,
}

/// The leaf, in the open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope {
    pub(crate) v: u8,
    pub(crate) kind: String,
    /// Unix milliseconds.
    pub(crate) time: u64,
    pub(crate) marks: Vec<Mark>,
    pub(crate) charges: Vec<Charged>,
    /// SHA-256 of the salt and the payload, hexadecimal.
    pub(crate) payload: String,
}

/// The digest that a leaf keeps of a salted payload.
pub(crate) fn digest(salted: &[u8]) -> String {
    Sha256::digest(salted).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Envelope {
    pub(crate) fn of(entry: &Entry, time: u64, salted: &[u8]) -> Self {
        Self {
            v: 1,
            kind: entry.kind.clone(),
            time,
            marks: entry.marks.clone(),
            charges: entry
                .charges
                .iter()
                .map(|charge| Charged { key: charge.key.clone(), amount: charge.amount })
                .collect(),
            payload: digest(salted),
        }
    }

    pub(crate) fn read(leaf: u64, bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes).map_err(|e| StoreError::Edited {
            what: format!("leaf {leaf}"),
            problem: e.to_string(),
        })
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|e| StoreError::Unwritable { problem: e.to_string() })
    }
}
