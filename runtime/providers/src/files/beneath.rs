//! Opening what lies below a folder, and nothing else. A folder is a descriptor that was opened once; from it
//! on no link is followed, in no position, and no path of the machine is ever put together. Where the kernel
//! has `openat2`, it holds that for the whole path (`RESOLVE_BENEATH`, no links, no magic links); where it has
//! not, each name is opened from the descriptor of the one before it, which comes to the same.

use super::{answer::Problem, path::Below};
use crate::ProviderFault;
use cap_std::{ambient_authority, fs::Dir};
use rustix::{
    fs::{Mode, OFlags, ResolveFlags},
    io::Errno,
    path::Arg,
};
use std::{
    ffi::CString,
    fs::{File, Metadata},
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// How often an open is tried again that the kernel gave up because names were moving.
const TRIES: u32 = 64;
/// The most names that are read of one folder.
const MAX_NAMES: usize = 100_000;

/// A folder of the configuration, opened.
#[derive(Debug)]
pub(super) struct Root {
    dir: Dir,
    /// The kernel has no `openat2`, or a sandbox around the host refuses it.
    by_names: AtomicBool,
    identity: String,
}

/// A folder at or below the root, opened for looking into it.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Root {
    /// The only place where a path of the machine is opened.
    pub(super) fn open(path: &Path) -> Result<Self, ProviderFault> {
        let io = |source| ProviderFault::Io { what: format!("opening {}", path.display()), source };
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(io)?;
        let identity =
            identity(&dir.try_clone().map_err(io)?.into_std_file().metadata().map_err(io)?);
        Ok(Self { dir, by_names: AtomicBool::new(false), identity })
    }

    /// What makes it another folder than a later one of the same path.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Opens each name from the one before, as where the kernel has no `openat2`.
    #[cfg(test)]
    pub(super) fn by_names(&self) {
        self.by_names.store(true, Ordering::Relaxed);
    }

    /// Opens a folder.
    ///
    /// # Errors
    /// None there, a link or something else on the way.
    pub(super) fn folder(&self, path: &Below) -> Result<Folder, Problem> {
        let opened = if path.names().is_empty() {
            directory(&self.dir, ".")
        } else if self.by_names.load(Ordering::Relaxed) {
            self.step_by_step(path)
        } else {
            self.at_once(path)
        };
        opened.map(Folder).map_err(|errno| match errno {
            Errno::NOENT => Problem::missing(path),
            Errno::LOOP | Errno::NOTDIR | Errno::XDEV => Problem::blocked(path),
            other => Problem::system("opening", path, &other.into()),
        })
    }

    fn at_once(&self, path: &Below) -> rustix::io::Result<OwnedFd> {
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let joined = path.names().join("/");
        for _ in 0..TRIES {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat2(&self.dir, joined.as_str(), flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
                    self.by_names.store(true, Ordering::Relaxed);
                    return self.step_by_step(path);
                }
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }

    fn step_by_step(&self, path: &Below) -> rustix::io::Result<OwnedFd> {
        let mut at = directory(&self.dir, ".")?;
        for name in path.names() {
            at = directory(&at, name)?;
        }
        Ok(at)
    }

    /// The folder that something is in, opened, and its name there.
    pub(super) fn parent<'p>(&self, path: &'p Below) -> Result<(Folder, &'p str), Problem> {
        let Some((parent, name)) = path.split() else {
            return Err(Problem::Invalid("the folder itself cannot be named here".to_owned()));
        };
        Ok((self.folder(&parent)?, name))
    }

    /// What is at a path; nothing where there is nothing. Nothing is opened: a device is not disturbed.
    pub(super) fn look(&self, path: &Below) -> Result<Option<Metadata>, Problem> {
        if path.names().is_empty() {
            return self.folder(path)?.metadata(path).map(Some);
        }
        let (folder, name) = self.parent(path)?;
        folder.look(name).map_err(|e| Problem::system("looking at", path, &e))
    }

    /// Opens a regular file for reading. A pipe, a socket or a device in its place keeps nobody waiting.
    pub(super) fn file(&self, path: &Below) -> Result<(File, Metadata), Problem> {
        let (folder, name) = self.parent(path)?;
        folder.file(name).map_err(|errno| match errno {
            Errno::NOENT => Problem::missing(path),
            Errno::LOOP | Errno::NXIO | Errno::ISDIR | Errno::NODEV => Problem::not_a_file(path),
            other => Problem::system("opening", path, &other.into()),
        })
    }
}

/// One name, which is a folder and no link.
fn directory(at: impl AsFd, name: impl Arg) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, name, flags, Mode::empty())
}

/// The inode of a file and the time it was made, where the file system keeps that.
pub(super) fn identity(meta: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let made = meta.created().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    format!("{}:{}:{}", meta.dev(), meta.ino(), made.unwrap_or_default().as_nanos())
}

impl AsFd for Folder {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Folder {
    pub(super) fn metadata(&self, path: &Below) -> Result<Metadata, Problem> {
        let clone = self.0.try_clone().map(File::from);
        clone.and_then(|f| f.metadata()).map_err(|e| Problem::system("looking at", path, &e))
    }

    /// What has this name here, links not followed and nothing opened.
    pub(super) fn look(&self, name: impl Arg) -> io::Result<Option<Metadata>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd).metadata().map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a regular file of this folder: looked at before it is opened, so that no device is, and again
    /// after, because names move.
    pub(super) fn file(&self, name: &str) -> rustix::io::Result<(File, Metadata)> {
        let io = |e: io::Error| Errno::from_io_error(&e).unwrap_or(Errno::IO);
        match self.look(name).map_err(io)? {
            None => return Err(Errno::NOENT),
            Some(meta) if !meta.is_file() => return Err(Errno::NXIO),
            Some(_) => {}
        }
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&self.0, name, flags, Mode::empty())?);
        let meta = file.metadata().map_err(io)?;
        if meta.is_file() { Ok((file, meta)) } else { Err(Errno::NXIO) }
    }

    /// A folder of this folder.
    pub(super) fn folder(&self, name: impl Arg) -> rustix::io::Result<Self> {
        directory(&self.0, name).map(Self)
    }

    /// All names, our own too, in no order. Names that are not UTF-8 are in no resource, so they come as
    /// nothing.
    pub(super) fn names(&self) -> io::Result<Vec<Option<String>>> {
        Ok(self.all_names()?.into_iter().map(|name| name.into_string().ok()).collect())
    }

    /// All names as the file system has them, in no order.
    pub(super) fn all_names(&self) -> io::Result<Vec<CString>> {
        let mut names = Vec::new();
        // Opened anew: reading a folder moves a position that copies of a descriptor share.
        let own = directory(&self.0, ".")?;
        for entry in rustix::fs::Dir::new(own)? {
            let name: CString = entry?.file_name().to_owned();
            if matches!(name.as_bytes(), b"." | b"..") {
                continue;
            }
            if names.len() >= MAX_NAMES {
                return Err(io::Error::other("a folder with too many names"));
            }
            names.push(name);
        }
        Ok(names)
    }
}
