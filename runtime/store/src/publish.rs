//! Checkpoints outside. Whoever restores yesterday's file, or rewrites history with the key in hand, has a
//! journal that is not the one that was published, and the host sees that before it does anything elevated.

use crate::{Store, StoreError, head, tables::Tables};
use interlock_journal::{Checkpoint, JournalError};
use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The file's name in each place.
const FILE: &str = "checkpoint";

/// A place whose checkpoint the journal does not extend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The place.
    pub place: PathBuf,
    /// The checkpoint that stands there.
    pub published: String,
    /// How they differ.
    pub problem: String,
}

impl Store {
    /// Compares the journal with what was published: the first place whose checkpoint it does not extend.
    ///
    /// # Errors
    /// A place that cannot be read, or holds something else. INVARIANT FAIL-CLOSED: that is no «nothing».
    pub fn behind(&self, places: &[PathBuf]) -> Result<Option<Behind>, StoreError> {
        // Before the log: what another process writes and publishes meanwhile is then in the log, too.
        let published: Vec<_> =
            places.iter().map(|place| self.published(place)).collect::<Result<_, _>>()?;
        let connection = self.reader();
        let transaction = connection.unchecked_transaction()?;
        let tree = head::tree(&transaction, self.identity())?;
        for (place, published) in places.iter().zip(published) {
            let Some((published, checkpoint)) = published else { continue };
            let problem = match tree.extends(&checkpoint, &Tables(&transaction)) {
                Ok(_) => continue,
                Err(JournalError::Behind { size, promised }) => {
                    format!("it has {size} leaves, and {promised} were published")
                }
                Err(JournalError::Diverged { size }) => {
                    format!("its first {size} leaves are others than the published ones")
                }
                Err(error) => return Err(error.into()),
            };
            return Ok(Some(Behind { place: place.clone(), published, problem }));
        }
        Ok(None)
    }

    /// Leaves the signed head in each place, on disk.
    ///
    /// # Errors
    /// A place that cannot take it, or that holds a checkpoint which this journal does not extend.
    pub fn publish(&self, places: &[PathBuf]) -> Result<(), StoreError> {
        if let Some(behind) = self.behind(places)? {
            return Err(StoreError::Behind { place: behind.place, problem: behind.problem });
        }
        self.publish_over(places)
    }

    /// As [`Store::publish`], over whatever stands there: after an operator acknowledged it.
    ///
    /// # Errors
    /// A place that cannot take it.
    pub fn publish_over(&self, places: &[PathBuf]) -> Result<(), StoreError> {
        let written =
            |place: &Path, e: std::io::Error| failed(place, format!("cannot be written: {e}"));
        for place in places {
            // One after the other, in this process and in others: what is there never becomes older.
            let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
            let _locked = locked(place);
            let Some(note) = self.head()? else { return Ok(()) };
            put(place, note.as_bytes()).map_err(|e| written(place, e))?;
        }
        Ok(())
    }

    fn published(&self, place: &Path) -> Result<Option<(String, Checkpoint)>, StoreError> {
        let file = place.join(FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            // A place that is there and empty is new; one that is not there may be unmounted.
            Err(error) if error.kind() == ErrorKind::NotFound && place.is_dir() => return Ok(None),
            Err(error) => return Err(failed(place, format!("cannot be read: {error}"))),
        };
        let checkpoint = Checkpoint::open(text.as_bytes(), self.identity())
            .map_err(|e| failed(place, format!("is not one of this journal: {e}")))?;
        Ok(Some((text, checkpoint)))
    }
}

fn failed(place: &Path, problem: String) -> StoreError {
    StoreError::Publish { place: place.to_owned(), problem }
}

/// Whose turn it is in this process.
static TURN: Mutex<()> = Mutex::new(());

/// Holds a place against other processes until it is dropped. The folder itself is locked, so nothing is left there; some
/// file systems of other machines lock no folder, and there only this process takes turns.
fn locked(place: &Path) -> Option<File> {
    let folder = File::open(place).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Writes beside, and moves into place: whoever reads sees the old one or the new one. The caller has the turn.
fn put(place: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = place.join(format!(".{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, place.join(FILE))?;
    File::open(place)?.sync_all()
}
