//! Revisions: a digest over which file it is (inode), when the kernel last saw it change, its size and its
//! content. A file that is written is always a new inode at a later time, and what is not there has a mark that
//! each of our deletions renews; so no value comes back, and whatever anybody did to a file is seen.

use super::{answer::Problem, beneath::Root, path::Below, settings::MAX_FILE};
use crate::ProviderFault;
use interlock_authority::{Revision, canonical::digest_bytes};
use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, DirBuilder, File, Metadata},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long is waited for the clock that files are stamped by to go on: it ticks every few milliseconds.
const TICK: Duration = Duration::from_millis(50);

/// Where marks of deletions are kept, one small file for each path that was deleted.
#[derive(Debug, Clone)]
pub(super) struct Marks(PathBuf);

fn mark_name(path: &Below) -> String {
    digest_bytes("interlock-files-mark/v1", path.names().join("/").as_bytes()).to_string()
}

impl Marks {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn read(&self, path: &Below) -> Result<Vec<u8>, ProviderFault> {
        let file = self.0.join(mark_name(path));
        match fs::read(&file) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => {
                Err(ProviderFault::Io { what: format!("reading {}", file.display()), source })
            }
        }
    }

    /// Renews the mark of a path, on disk before this returns: before what it is about is deleted.
    pub(super) fn renew(&self, path: &Below) -> io::Result<()> {
        let mut random = [0u8; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let file = self.0.join(mark_name(path));
        let new = file.with_extension("new");
        let mut writing = File::create(&new)?;
        writing.write_all(&random)?;
        writing.sync_all()?;
        fs::rename(&new, &file)?;
        File::open(&self.0)?.sync_all()
    }
}

/// The revision of whatever is at a path.
pub(super) fn revision(
    root: &Root,
    marks: &Marks,
    path: &Below,
) -> Result<Result<Revision, Problem>, ProviderFault> {
    let (kind, content) = match root.look(path) {
        Ok(None) | Err(Problem::NotFound(_)) => ("absent", marks.read(path)?),
        Err(problem) => return Ok(Err(problem)),
        Ok(Some(meta)) if meta.is_file() => {
            let (file, meta) = match root.file(path) {
                Ok(opened) => opened,
                Err(problem) => return Ok(Err(problem)),
            };
            match stamped(file, &meta) {
                Ok(stamp) => ("file", stamp),
                Err(error) => return Ok(Err(Problem::system("reading", path, &error))),
            }
        }
        Ok(Some(meta)) if meta.is_dir() => ("folder", stamp(&meta)),
        Ok(Some(meta)) => ("other", stamp(&meta)),
    };
    let names = path.names().join("/");
    let seen = [
        root.identity().as_bytes(),
        b"\n",
        names.as_bytes(),
        b"\n",
        kind.as_bytes(),
        b"\n",
        &content,
    ];
    let hex = digest_bytes("interlock-files-revision/v1", &seen.concat()).to_string();
    Ok(Ok(Revision::new(hex.get(..32).unwrap_or(&hex))))
}

fn stamp(meta: &Metadata) -> Vec<u8> {
    format!("{}:{}:{}.{}", meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec()).into_bytes()
}

/// Stamp and content of a file. What is larger than anything that we write goes by its stamp.
fn stamped(file: File, meta: &Metadata) -> io::Result<Vec<u8>> {
    let mut all = stamp(meta);
    all.extend(format!(":{}:", meta.len()).into_bytes());
    if meta.len() <= MAX_FILE {
        let mut hash = Sha256::new();
        let (mut file, mut block) = (file.take(MAX_FILE + 1), vec![0u8; 64 * 1024]);
        loop {
            let read = file.read(&mut block)?;
            if read == 0 {
                break;
            }
            hash.update(block.get(..read).unwrap_or_default());
        }
        all.extend(hash.finalize());
    }
    Ok(all)
}

/// Waits until whatever is written now has a later time than what is there. In vain where the clock was set
/// back; then the inode and the content still tell the two apart.
pub(super) fn after(meta: &Metadata) {
    let until = Instant::now() + TICK;
    loop {
        let now = clock_gettime(ClockId::RealtimeCoarse);
        if (now.tv_sec, now.tv_nsec) > (meta.ctime(), meta.ctime_nsec()) || Instant::now() > until {
            return;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Where the marks of a folder are, below the provider's state.
pub(super) fn marks_of(state: &Path, name: &str) -> Marks {
    Marks::new(state.join(name))
}
