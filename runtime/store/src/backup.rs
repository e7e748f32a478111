//! A copy of the journal that is whole, made while hosts write to it. Copying the file by hand takes a moment
//! of the database and another of its write-ahead log; this takes one moment of both. A copy that does not
//! verify gets no name that anybody would restore.

use crate::{Durability, Store, StoreError, check, schema};
use interlock_journal::{Checkpoint, LogIdentity};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A copy that was made and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// Its signed head, as a note and as what the note says; none where nothing was written yet.
    pub head: Option<(String, Checkpoint)>,
}

impl Backup {
    /// How many leaves it has.
    pub fn leaves(&self) -> u64 {
        self.head.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size())
    }
}

impl Store {
    /// Copies the journal, as it is at one moment, into a new file that nobody else can read. It gets its name
    /// once it was compared with the log's public key, leaf by leaf and payload by payload.
    ///
    /// # Errors
    /// A file that is there already, a place that cannot take it, or a journal that is not as it was written.
    pub fn backup(&self, file: &Path) -> Result<Backup, StoreError> {
        let failed = |problem: String| StoreError::Backup { file: file.to_owned(), problem };
        let there = || failed("it is there already, and a backup is never written over".to_owned());
        // SQLite takes a name that begins with `file:` for something else; an absolute one never does.
        let target = std::path::absolute(file).map_err(|e| failed(e.to_string()))?;
        if target.symlink_metadata().is_ok() {
            return Err(there());
        }
        let beside = Beside::make(&target).map_err(|e| failed(e.to_string()))?;
        let name = beside.0.to_str().ok_or_else(|| failed("its name is not UTF-8".to_owned()))?;
        let connection = schema::open(self.path(), Durability::Full)?;
        connection.execute("vacuum into ?1", [name]).map_err(|e| failed(e.to_string()))?;
        drop(connection);
        let written = File::open(&beside.0).and_then(|copy| {
            copy.sync_all()?;
            Ok(copy.metadata()?.len())
        });
        let bytes = written.map_err(|e| failed(e.to_string()))?;
        let head = checked(&beside.0, self.identity())?;
        beside.name(&target).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => there(),
            _ => failed(e.to_string()),
        })?;
        Ok(Backup { bytes, head })
    }
}

/// Compares a file that nobody writes to with the log's public key, and leaves nothing beside it.
fn checked(file: &Path, log: &LogIdentity) -> Result<Option<(String, Checkpoint)>, StoreError> {
    let mut uri = String::from("file:");
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags)?;
    let transaction = connection.unchecked_transaction()?;
    check::audited(&transaction, log)
}

/// The file before it has its name. Dropped, it is gone.
struct Beside(PathBuf);

impl Beside {
    /// Made here, so that nobody else can read it for a moment either.
    fn make(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or(ErrorKind::InvalidFilename)?.to_string_lossy();
        // Not by the process alone: one that was killed left its file, and in a container the next has its number.
        let mut random = [0u8; 4];
        getrandom::fill(&mut random).map_err(|e| io::Error::other(e.to_string()))?;
        let random = u32::from_le_bytes(random);
        let path = target.with_file_name(format!(".{name}.{}.{random:08x}", std::process::id()));
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self(path))
    }

    /// Gives it its name, if nothing has that name, on disk.
    fn name(self, target: &Path) -> io::Result<()> {
        match renameat_with(CWD, &self.0, CWD, target, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            // Some file systems cannot rename so; a second name is refused where there is one, too.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                fs::hard_link(&self.0, target)?;
            }
            Err(error) => return Err(error.into()),
        }
        let folder = target.parent().unwrap_or(Path::new("/"));
        File::open(folder)?.sync_all()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // After the renaming there is nothing of that name.
        let _ = fs::remove_file(&self.0);
    }
}
