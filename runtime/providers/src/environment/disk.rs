//! Files below the root, one name at a time. Every open takes exactly one path component and never
//! follows a symbolic link, so no link and no `..` in the tree can lead an effect to another service
//! or out of the root; every write is whole or absent, so that a crash cannot leave half a state.

use crate::ProviderFault;
use cap_std::{ambient_authority, fs::Dir};
use rustix::{
    fs::{FlockOperation, Mode, OFlags},
    io::Errno,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

/// The largest file that is read whole, in bytes. Nothing that we write comes near it.
const MAX_READ: u64 = 4 * 1024 * 1024;
/// The most entries that are counted below one folder.
const MAX_COUNT: u64 = 1_000_000;
/// The most folders, one in the other, in which files are counted: each is open meanwhile.
const MAX_DEPTH: usize = 64;
/// The random bytes in the name of a file that is not renamed yet.
const TEMPORARY_BYTES: usize = 8;

/// An I/O error with what was tried.
pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> ProviderFault {
    move |source| ProviderFault::Io { what: what.into(), source }
}

fn damaged(what: &str, problem: impl Into<String>) -> ProviderFault {
    ProviderFault::Damaged { what: format!("`{what}`"), problem: problem.into() }
}

/// A folder with its path relative to the root, for messages.
#[derive(Debug)]
pub(super) struct Folder {
    dir: Dir,
    shown: String,
}

impl Folder {
    /// The only place where a path of the machine is opened.
    pub(super) fn ambient(path: &Path) -> io::Result<Self> {
        let place = Dir::open_ambient_dir(path, ambient_authority())?;
        // cap-std gives an `O_PATH` descriptor, which cannot be synced: opened again for reading.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&place, ".", flags, Mode::empty())?);
        Ok(Self { dir: Dir::from_std_file(file), shown: path.display().to_string() })
    }

    /// A folder that another process handed over as a descriptor.
    pub(super) fn handed_over(file: File, shown: &str) -> Self {
        Self { dir: Dir::from_std_file(file), shown: shown.to_owned() }
    }

    /// A second handle, to hand to another process.
    pub(super) fn to_file(&self) -> Result<File, ProviderFault> {
        Ok(self.dir.try_clone().map_err(io(format!("opening `{}`", self.shown)))?.into_std_file())
    }

    /// A second handle to the same folder.
    pub(super) fn reopened(&self) -> Result<Self, ProviderFault> {
        Ok(Self { dir: Dir::from_std_file(self.to_file()?), shown: self.shown.clone() })
    }

    /// Where it is, for messages.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        format!("{}/{name}", self.shown)
    }

    fn raw(&self, name: &str, flags: OFlags, mode: u32) -> io::Result<File> {
        // Names are validated segments or our own; a separator here would be a bug, refused as such.
        if name.is_empty() || name.contains('/') || matches!(name, "." | "..") {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.dir, name, flags, Mode::from_raw_mode(mode))?))
    }

    /// The folder `name` in this one; `None` where there is none.
    ///
    /// # Errors
    /// A symbolic link, or something that is not a folder.
    pub(super) fn find(&self, name: &str) -> Result<Option<Self>, ProviderFault> {
        let shown = self.path_of(name);
        match self.raw(name, OFlags::RDONLY | OFlags::DIRECTORY, 0) {
            Ok(file) => Ok(Some(Self { dir: Dir::from_std_file(file), shown })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(match Errno::from_io_error(&error) {
                Some(Errno::LOOP | Errno::NOTDIR) => damaged(
                    &shown,
                    "it is a symbolic link or no folder; links are never followed here",
                ),
                _ => io(format!("opening `{shown}`"))(error),
            }),
        }
    }

    /// The folder `name`, made where it is missing.
    pub(super) fn make(&self, name: &str) -> Result<Self, ProviderFault> {
        if let Some(found) = self.find(name)? {
            return Ok(found);
        }
        match self.dir.create_dir(name) {
            Ok(()) => self.sync()?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io(format!("making `{}`", self.path_of(name)))(error)),
        }
        self.find(name)?.ok_or_else(|| damaged(&self.path_of(name), "it vanished as it was made"))
    }

    /// Opens a regular file; `None` where there is none. A pipe, a socket or a device in its place must
    /// neither keep the host waiting nor be spoken to: it is opened without waiting, and not used.
    fn regular(
        &self,
        what: &str,
        name: &str,
        flags: OFlags,
    ) -> Result<Option<File>, ProviderFault> {
        let shown = self.path_of(name);
        let opened = self.raw(name, flags | OFlags::NONBLOCK, 0o600).and_then(|file| {
            let regular = file.metadata()?.is_file();
            if regular { Ok(file) } else { Err(io::Error::from(Errno::NXIO)) }
        });
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(match Errno::from_io_error(&error) {
                Some(Errno::LOOP) => damaged(&shown, "it is a symbolic link"),
                // What the system says of a socket, of a pipe that nobody reads, and of a folder.
                Some(Errno::NXIO | Errno::ISDIR) => damaged(&shown, "it is no regular file"),
                _ => io(format!("{what} `{shown}`"))(error),
            }),
        }
    }

    /// Opens a file for reading and writing, made where it is missing, never emptied.
    pub(super) fn open_or_make(&self, name: &str) -> Result<File, ProviderFault> {
        self.made("opening", name, OFlags::RDWR | OFlags::CREATE)
    }

    /// Opens a file for appending, made where it is missing.
    pub(super) fn append(&self, name: &str) -> Result<File, ProviderFault> {
        self.made("opening", name, OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND)
    }

    fn made(&self, what: &str, name: &str, flags: OFlags) -> Result<File, ProviderFault> {
        self.regular(what, name, flags)?.ok_or_else(|| {
            io(format!("{what} `{}`", self.path_of(name)))(io::ErrorKind::NotFound.into())
        })
    }

    /// A whole file; `None` where there is none.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ProviderFault> {
        let shown = self.path_of(name);
        let Some(file) = self.regular("reading", name, OFlags::RDONLY)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(MAX_READ + 1)
            .read_to_end(&mut bytes)
            .map_err(io(format!("reading `{shown}`")))?;
        if bytes.len() as u64 > MAX_READ {
            return Err(damaged(&shown, format!("it is larger than {MAX_READ} bytes")));
        }
        Ok(Some(bytes))
    }

    /// A JSON file that we wrote; `None` where there is none.
    ///
    /// # Errors
    /// A truncated or foreign file is damaged, and left as it is for a person to look at.
    pub(super) fn read_json<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ProviderFault> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| damaged(&self.path_of(name), error.to_string()))
    }

    /// Replaces a file as a whole: written beside it, synced, renamed, and the folder synced.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ProviderFault> {
        let what = || format!("writing `{}`", self.path_of(name));
        let temporary = format!(".{name}.{}.new", random_hex(TEMPORARY_BYTES)?);
        let written = (|| {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
            let mut file = self.raw(&temporary, flags, 0o600)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            self.dir.rename(&temporary, &self.dir, name)
        })();
        if let Err(error) = written {
            // The old file is untouched; what is left beside it is only ours to clear away.
            let _cleared = self.dir.remove_file(&temporary);
            return Err(io(what())(error));
        }
        self.sync()
    }

    pub(super) fn write_json<T: Serialize>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<(), ProviderFault> {
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(|e| io(format!("writing `{}`", self.path_of(name)))(io::Error::other(e)))?;
        self.write(name, &bytes)
    }

    fn sync(&self) -> Result<(), ProviderFault> {
        rustix::fs::fsync(&self.dir)
            .map_err(|e| io(format!("syncing `{}`", self.shown))(io::Error::from(e)))
    }

    /// Names in the folder that do not start with a dot, with whether each is a folder (a symbolic
    /// link is not), sorted.
    pub(super) fn entries(&self) -> Result<Vec<(String, cap_std::fs::FileType)>, ProviderFault> {
        let what = || format!("listing `{}`", self.shown);
        let mut names = Vec::new();
        for entry in self.dir.entries().map_err(io(what()))? {
            let entry = entry.map_err(io(what()))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !name.starts_with('.') {
                names.push((name, entry.file_type().map_err(io(what()))?));
            }
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(names)
    }

    /// The first name by the alphabet that is not what `known` says may be here: all names are asked for, also those
    /// with a dot before them and those that are not UTF-8.
    pub(super) fn first_unlike(
        &self,
        known: impl Fn(&str, cap_std::fs::FileType) -> bool,
    ) -> Result<Option<String>, ProviderFault> {
        let what = || format!("listing `{}`", self.shown);
        let mut first: Option<String> = None;
        for entry in self.dir.entries().map_err(io(what()))? {
            let entry = entry.map_err(io(what()))?;
            let name = entry.file_name();
            let kind = entry.file_type().map_err(io(what()))?;
            if name.to_str().is_some_and(|name| known(name, kind)) {
                continue;
            }
            let name = name.to_string_lossy().into_owned();
            if first.as_ref().is_none_or(|first| name < *first) {
                first = Some(name);
            }
        }
        Ok(first)
    }

    /// How many files are below, links counted and not followed; `None` beyond a million, where folders are too deep, and
    /// where one of them cannot be read: what is not known is not shown as a number.
    pub(super) fn count_files(&self) -> Result<Option<u64>, ProviderFault> {
        let what = || format!("counting in `{}`", self.shown);
        let (mut files, mut seen) = (0u64, 0u64);
        // Depth first: only the folders on the way to where we are stay open.
        let mut open = vec![self.dir.entries().map_err(io(what()))?];
        while let Some(here) = open.last_mut() {
            let Some(entry) = here.next() else {
                open.pop();
                continue;
            };
            let entry = entry.map_err(io(what()))?;
            seen += 1;
            if seen > MAX_COUNT {
                return Ok(None);
            }
            // What vanishes while we count is not there.
            let gone = |e: &io::Error| e.kind() == io::ErrorKind::NotFound;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if open.len() >= MAX_DEPTH {
                        return Ok(None);
                    }
                    match entry.open_dir().and_then(|dir| dir.entries()) {
                        Ok(inner) => open.push(inner),
                        Err(error) if gone(&error) => {}
                        Err(_) => return Ok(None),
                    }
                }
                Ok(_) => files += 1,
                Err(error) if gone(&error) => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(files))
    }

    /// Moves an entry to a folder of the same disk; whether there was one.
    pub(super) fn move_to(&self, name: &str, to: &Self, new: &str) -> Result<bool, ProviderFault> {
        match self.dir.rename(name, &to.dir, new) {
            Ok(()) => {
                self.sync()?;
                to.sync()?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io(format!("moving `{}` away", self.path_of(name)))(error)),
        }
    }

    /// Deletes everything in this folder, links and not what they point to.
    pub(super) fn clear(&self) -> Result<(), ProviderFault> {
        for entry in self.dir.entries().map_err(io(format!("listing `{}`", self.shown)))? {
            let entry = entry.map_err(io(format!("listing `{}`", self.shown)))?;
            let name = entry.file_name();
            let kind = entry.file_type().map_err(io(format!("listing `{}`", self.shown)))?;
            let removed = if kind.is_dir() {
                self.dir.remove_dir_all(&name)
            } else {
                self.dir.remove_file(&name)
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let what = format!("deleting `{}`", self.path_of(&name.to_string_lossy()));
                    return Err(io(what)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes an empty folder in this one.
    pub(super) fn remove_empty(&self, folder: Self) -> io::Result<()> {
        folder.dir.remove_open_dir()
    }

    /// Renames within the folder, replacing what is there.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.dir.rename(from, &self.dir, to)
    }

    /// What makes this folder another one than a later folder of the same name: its inode and,
    /// where the file system keeps it, the time it was made.
    pub(super) fn identity(&self) -> Result<String, ProviderFault> {
        use cap_std::fs::MetadataExt as _;
        let meta = self.dir.dir_metadata().map_err(io(format!("looking at `{}`", self.shown)))?;
        let made = meta.created().ok().map(|t| t.into_std());
        let made = made.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        Ok(format!("{}:{}", meta.ino(), made.unwrap_or_default().as_nanos()))
    }

    /// Takes the lock file `name`, shared or alone, waiting at most `wait`; `None` if it stays taken.
    pub(super) fn lock(
        &self,
        name: &str,
        alone: bool,
        wait: Duration,
    ) -> Result<Option<Lock>, ProviderFault> {
        let file = self.open_or_make(name)?;
        let operation = if alone {
            FlockOperation::NonBlockingLockExclusive
        } else {
            FlockOperation::NonBlockingLockShared
        };
        let deadline = Instant::now() + wait;
        loop {
            match rustix::fs::flock(&file, operation) {
                Ok(()) => return Ok(Some(Lock { _file: file })),
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
                Err(error) => {
                    return Err(io(format!("locking `{}`", self.path_of(name)))(error.into()));
                }
            }
        }
    }

    /// Whether somebody holds the lock file `name` alone.
    pub(super) fn is_locked(&self, name: &str) -> Result<bool, ProviderFault> {
        let Some(file) = self.regular("probing", name, OFlags::RDONLY)? else { return Ok(false) };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(error) => Err(io(format!("probing `{}`", self.path_of(name)))(error.into())),
        }
    }
}

/// Whether a name is that of a file of ours that a crash kept from being renamed.
pub(super) fn is_temporary(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|n| n.strip_suffix(".new"));
    inner.and_then(|n| n.rsplit_once('.')).is_some_and(|(name, random)| {
        !name.is_empty()
            && random.len() == 2 * TEMPORARY_BYTES
            && random.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
    })
}

/// A held lock file (flock(2)); the kernel frees it when the holder ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// `bytes` random bytes as lower-case hexadecimal digits.
pub(super) fn random_hex(bytes: usize) -> Result<String, ProviderFault> {
    let mut random = vec![0u8; bytes];
    getrandom::fill(&mut random)
        .map_err(|e| io("asking the system for randomness")(io::Error::other(e)))?;
    Ok(random.iter().map(|b| format!("{b:02x}")).collect())
}
