//! The state folder: keys, compiled artifacts (native code that the host will run), the record and the
//! freeze switch. Whoever can write it owns the host, so it is used only where nobody else can.

use crate::HostError;
use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

/// Makes the state folder where it is missing, mode 0700, and checks whose it is.
///
/// # Errors
/// Not a folder, another user's, or writable by others; each with the command that mends it.
pub fn prepare(state: &Path) -> Result<(), HostError> {
    let failed = || format!("cannot make the state folder {}", state.display());
    DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(HostError::io(failed()))?;
    check(state)
}

/// Checks whose the state folder is.
///
/// # Errors
/// As [`prepare`], and a missing folder.
pub fn check(state: &Path) -> Result<(), HostError> {
    let wrong = |message: String| HostError::Config { file: state.into(), line: None, message };
    let metadata = fs::metadata(state)
        .map_err(HostError::io(format!("cannot look at the state folder {}", state.display())))?;
    if !metadata.is_dir() {
        return Err(wrong("the state folder is not a folder".into()));
    }
    if metadata.uid() != geteuid().as_raw() {
        return Err(wrong(format!(
            "the state folder belongs to user {}, who could exchange what the host runs; run the host as that user, or `chown -R` the folder",
            metadata.uid()
        )));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(wrong(format!(
            "other users can write the state folder, and so exchange what the host runs; run `chmod 700 {}`",
            state.display()
        )));
    }
    Ok(())
}

/// Held while the configuration is being edited; two editors wait for each other.
#[derive(Debug)]
pub struct EditLock(#[expect(dead_code, reason = "the lock is the open file")] File);

impl EditLock {
    /// Waits for the lock.
    ///
    /// # Errors
    /// When the lock file cannot be opened or locked.
    pub fn take(state: &Path) -> Result<Self, HostError> {
        prepare(state)?;
        let path = state.join("edit.lock");
        let failed = || format!("cannot lock {}", path.display());
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(HostError::io(failed()))?;
        flock(&file, FlockOperation::LockExclusive)
            .map_err(|e| HostError::io(failed())(e.into()))?;
        Ok(Self(file))
    }
}
