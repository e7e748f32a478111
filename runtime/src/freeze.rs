//! The freeze: one file whose presence stops every effect of every host on this state folder, at once
//! and without a restart. Reading it wrong must stop effects too, so anything but a clear «not there»
//! counts as frozen.

use crate::{HostError, config::edit::read_text};
use std::path::{Path, PathBuf};

/// The switch that stops all effects.
#[derive(Debug, Clone)]
pub struct Freeze {
    file: PathBuf,
}

impl Freeze {
    /// The switch of a state folder.
    pub fn in_state(state: &Path) -> Self {
        Self { file: state.join("frozen") }
    }

    /// Why effects are frozen; `None` where they are not.
    pub fn reason(&self) -> Option<String> {
        match std::fs::symlink_metadata(&self.file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // «Not there» means something only where the folder is there.
                let folder = self.file.parent().is_some_and(Path::is_dir);
                (!folder).then(|| "the state folder is missing".to_owned())
            }
            // INVARIANT FAIL-CLOSED: whatever is there, readable or not, the switch is on.
            Err(error) => Some(format!("the freeze switch cannot be read: {error}")),
            Ok(_) => Some(match read_text(&self.file) {
                Ok(text) => text.trim().to_owned(),
                Err(error) => error.to_string(),
            }),
        }
    }

    /// Stops all effects.
    ///
    /// # Errors
    /// When the switch cannot be written.
    pub fn set(&self, reason: &str) -> Result<(), HostError> {
        crate::config::edit::write_atomically(&self.file, reason.as_bytes(), 0o600)
    }

    /// Lets effects happen again; says whether they were frozen.
    ///
    /// # Errors
    /// When the switch cannot be removed.
    pub fn clear(&self) -> Result<bool, HostError> {
        match std::fs::remove_file(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => {
                Err(HostError::io(format!("cannot remove {}", self.file.display()))(error))
            }
        }
    }
}
