//! Why something is not kept, or cannot be believed. Whoever was about to act on it must not.

use interlock_journal::JournalError;
use std::path::PathBuf;
use thiserror::Error;

/// Why the store does not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another leaf carries the mark.
    #[error("`{space}` {key} is taken")]
    Taken {
        /// The mark's space.
        space: String,
        /// The mark's key.
        key: String,
    },
    /// A condition does not hold.
    #[error("`{space}` {key} is not as it must be")]
    Unmet {
        /// The mark's space.
        space: String,
        /// The mark's key.
        key: String,
    },
    /// A window has no room.
    #[error("{used} of {most} are used")]
    OverBudget {
        /// The window's name.
        key: String,
        /// Used in the window.
        used: u64,
        /// The most that fits.
        most: u64,
    },
    /// The last moment has passed.
    #[error("the last moment for this has passed")]
    Expired,
    /// The file is not a journal.
    #[error("{} is not a journal: {problem}; restore it from a backup, or name another file", .file.display())]
    NotAJournal {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        problem: String,
    },
    /// The journal is of another log.
    #[error("{} is the journal of `{found}`; this deployment is `{expected}`", .file.display())]
    OtherLog {
        /// The file.
        file: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it must be.
        expected: String,
    },
    /// A newer program wrote it.
    #[error("{} was written by a newer version (schema {found}; this one knows {known})", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest known.
        known: i64,
    },
    /// Something is not as it was written.
    #[error("the journal was edited: {what}: {problem}")]
    Edited {
        /// What.
        what: String,
        /// How it differs.
        problem: String,
    },
    /// The log does not hold together.
    #[error("the journal does not hold together: {0}")]
    Log(#[from] JournalError),
    /// The file is not what SQLite wrote, or a value is of another kind than was written.
    #[error("the journal's file is damaged: {0}; restore it from a backup")]
    Damaged(rusqlite::Error),
    /// The database failed.
    #[error("the journal cannot be read or written: {0}")]
    Database(rusqlite::Error),
    /// An entry cannot be written.
    #[error("an entry cannot be written: {problem}")]
    Unwritable {
        /// Why.
        problem: String,
    },
    /// A place outside cannot take or give a checkpoint.
    #[error("the checkpoint in {} {problem}", .place.display())]
    Publish {
        /// The place.
        place: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The journal is behind a checkpoint that was published, or another history.
    #[error("the journal is not what was published in {}: {problem}; `interlock journal acknowledge` goes on with it", .place.display())]
    Behind {
        /// The place.
        place: PathBuf,
        /// How they differ.
        problem: String,
    },
    /// A backup was not made.
    #[error("there is no backup in {}: {problem}", .file.display())]
    Backup {
        /// The file that was to be one.
        file: PathBuf,
        /// Why.
        problem: String,
    },
    /// Traces of what was erased are still in the write-ahead log.
    #[error(
        "all of it was erased, and its last traces are still in the journal's write-ahead log, because somebody is reading an older state; erase again once they are done, and the traces go too"
    )]
    WalInUse,
    /// The writer could not be started.
    #[error("cannot start the journal's writer: {source}")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// Random numbers could not be had.
    #[error("cannot get random numbers: {0}")]
    Random(getrandom::Error),
    /// The writer has stopped.
    #[error("the journal's writer has stopped")]
    Stopped,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{Error, ErrorCode};
        match (&error, error.sqlite_error_code()) {
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            | (
                Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..),
                _,
            ) => Self::Damaged(error),
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "taken",
            Self::Unmet { .. } => "unmet",
            Self::OverBudget { .. } => "over-budget",
            Self::Expired => "expired",
            Self::NotAJournal { .. } => "not-a-journal",
            Self::OtherLog { .. } => "other-deployment",
            Self::Newer { .. } => "newer-journal",
            Self::Edited { .. } => "journal-edited",
            Self::Log(_) => "journal-broken",
            Self::Damaged(_) => "journal-damaged",
            Self::Database(_) | Self::Unwritable { .. } | Self::Thread { .. } | Self::Random(_) => {
                "journal-unwritable"
            }
            Self::Publish { .. } => "publish-failed",
            Self::Behind { .. } => "journal-behind",
            Self::Backup { .. } => "backup-failed",
            Self::WalInUse => "wal-in-use",
            Self::Stopped => "journal-stopped",
        }
    }

    /// Whether nothing more can be written in the same transaction, as opposed to a batch that was refused.
    pub(crate) const fn is_fatal(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::Database(_) | Self::Log(_))
    }

    /// Whether something is not as it was written, as opposed to out of reach.
    pub const fn is_integrity(&self) -> bool {
        matches!(
            self,
            Self::NotAJournal { .. }
                | Self::OtherLog { .. }
                | Self::Edited { .. }
                | Self::Log(_)
                | Self::Damaged(_)
                | Self::Behind { .. }
        )
    }
}
