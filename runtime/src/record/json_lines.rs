//! The record as a file of JSON lines, mode 0600. Lines are appended whole, by one `write`, so that two
//! hosts on one file never mix their lines; a line that a crash or a full disk cut off is closed
//! before the next, so that it cannot swallow it.

use super::{Event, Recorder};
use crate::{HostError, config::edit::open_regular};
use rustix::process::geteuid;
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// Appends events to one file.
#[derive(Debug)]
pub struct JsonLines {
    file: File,
    path: PathBuf,
    /// The last line may lack its end.
    cut_off: AtomicBool,
}

impl JsonLines {
    /// Opens the file, making it where it is missing.
    ///
    /// # Errors
    /// When it cannot be opened for appending, is a link or no regular file, or is another user's.
    pub fn open(path: &Path) -> Result<Self, HostError> {
        let failed = |source| HostError::Record { file: path.into(), source };
        if path.is_symlink() {
            return Err(failed(std::io::Error::other(
                "it is a link; the record is a file of its own",
            )));
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = open_regular(&mut options, path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
            let problem =
                "another user owns it or can write it; take it back with `chown` and `chmod 600`";
            return Err(failed(std::io::Error::other(problem)));
        }
        let mut last = [b'\n'];
        if metadata.len() > 0 {
            file.seek(SeekFrom::End(-1)).map_err(failed)?;
            file.read_exact(&mut last).map_err(failed)?;
        }
        Ok(Self { file, path: path.into(), cut_off: AtomicBool::new(last != [b'\n']) })
    }
}

impl Recorder for JsonLines {
    fn record(&self, event: &Event) -> Result<(), HostError> {
        let failed = |source| HostError::Record { file: self.path.clone(), source };
        let mut line = Vec::new();
        if self.cut_off.swap(false, Ordering::AcqRel) {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, event).map_err(|e| failed(e.into()))?;
        line.push(b'\n');
        // `&File` writes without a lock of ours: O_APPEND makes each write one piece.
        if let Err(error) = (&self.file).write_all(&line) {
            self.cut_off.store(true, Ordering::Release);
            return Err(failed(error));
        }
        if event.is_durable() {
            if self.file.metadata().map_err(failed)?.nlink() == 0 {
                let problem = "it was deleted while the host runs; start the host again";
                return Err(failed(std::io::Error::other(problem)));
            }
            self.file.sync_data().map_err(failed)?;
        }
        Ok(())
    }
}
