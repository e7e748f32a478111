//! Checkpoints: a log's size and root, to be signed (<https://c2sp.org/tlog-checkpoint>).
//!
//! The attack it stops: a head of another log, of another key, or one that two readers read differently. There
//! is one way in for bytes, [`Checkpoint::open`], and it takes the pinned identity.

use crate::{
    error::JournalError, frontier::MAX_SIZE, hash::Hash, key::LogIdentity, note::Note,
    tile::shortened,
};

/// The head of a log: that the log `origin` had `size` leaves whose root is `root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
}

impl Checkpoint {
    /// The checkpoint of a log. A claim, until somebody signs it.
    ///
    /// # Errors
    /// [`JournalError::TooManyLeaves`], and [`JournalError::BadCheckpoint`] for a log without leaves that has
    /// another root than [`Hash::EMPTY_ROOT`].
    pub fn new(log: &LogIdentity, size: u64, root: Hash) -> Result<Self, JournalError> {
        if size > MAX_SIZE {
            return Err(JournalError::TooManyLeaves);
        }
        if size == 0 && root != Hash::EMPTY_ROOT {
            return Err(JournalError::BadCheckpoint("a log without leaves has no such root"));
        }
        Ok(Self { origin: log.origin().to_owned(), size, root })
    }

    /// Opens a signed checkpoint of the pinned log. Further signatures, of witnesses, are passed over.
    ///
    /// # Errors
    /// What is wrong with its form, its signature or its text: exactly three lines, no extension lines, which
    /// this log never writes.
    pub fn open(note: &[u8], log: &LogIdentity) -> Result<Self, JournalError> {
        Self::read(Note::parse(note)?.open(log)?, log)
    }

    /// As [`Self::open`], and no signature but the log's: one checkpoint is one sequence of bytes.
    pub(crate) fn open_alone(note: &[u8], log: &LogIdentity) -> Result<Self, JournalError> {
        let note = Note::parse(note)?;
        let checkpoint = Self::read(note.open(log)?, log)?;
        if note.signatures() == 1 { Ok(checkpoint) } else { Err(JournalError::OtherSignatures) }
    }

    fn read(text: &str, log: &LogIdentity) -> Result<Self, JournalError> {
        let bad = JournalError::BadCheckpoint;
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(bad("it has not exactly three lines"));
        };
        if origin != log.origin() {
            return Err(JournalError::OtherOrigin {
                found: shortened(origin),
                pinned: log.origin().to_owned(),
            });
        }
        let size = decimal(size).ok_or(bad("its size is not a number from 0 to 2^56"))?;
        let root = Hash::parse(root).ok_or(bad("its root is not 32 bytes in base64"))?;
        Self::new(log, size, root)
    }

    /// The origin of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    pub const fn root(&self) -> &Hash {
        &self.root
    }

    /// What is signed: three lines.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }
}

/// A decimal number without sign or leading zeroes.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number <= MAX_SIZE && number.to_string() == text).then_some(number)
}
