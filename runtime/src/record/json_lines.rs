//! The record as a file of JSON lines, mode 0600. Lines are appended whole, by one `write`, so that two
//! hosts on one file never mix their lines.

use super::{Event, Recorder};
use crate::HostError;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Appends events to one file.
#[derive(Debug)]
pub struct JsonLines {
    file: File,
    path: PathBuf,
}

impl JsonLines {
    /// Opens the file, making it where it is missing.
    ///
    /// # Errors
    /// When it cannot be opened for appending.
    pub fn open(path: &Path) -> Result<Self, HostError> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| HostError::Record { file: path.into(), source })?;
        Ok(Self { file, path: path.into() })
    }
}

impl Recorder for JsonLines {
    fn record(&self, event: &Event) -> Result<(), HostError> {
        let failed = |source| HostError::Record { file: self.path.clone(), source };
        let mut line = serde_json::to_vec(event).map_err(|e| failed(e.into()))?;
        line.push(b'\n');
        // `&File` writes without a lock of ours: O_APPEND makes each write one piece.
        (&self.file).write_all(&line).map_err(failed)?;
        if event.is_durable() {
            self.file.sync_data().map_err(failed)?;
        }
        Ok(())
    }
}
