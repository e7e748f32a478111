//! A journal in a folder of its own, and a clock that is set by hand.

use interlock_journal::LogSigner;
use interlock_store::{Batch, Clock, Condition, Durability, Entry, Mark, Store, StoreError};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub(crate) struct Scene {
    folder: tempfile::TempDir,
    pub(crate) time: Arc<AtomicU64>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let time = Arc::new(AtomicU64::new(1_000_000));
        Self { folder: tempfile::tempdir().unwrap(), time }
    }
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }
    pub(crate) fn try_open(&self, durability: Durability, seed: u8) -> Result<Store, StoreError> {
        let signer = LogSigner::from_seed("example/journal", &[seed; 32]).unwrap();
        let time = self.time.clone();
        let clock: Clock = Arc::new(move || time.load(Ordering::Relaxed));
        Store::open(&self.file(), signer, durability, clock)
    }
    /// The journal of another process's scene.
    pub(crate) fn at(folder: &Path) -> Store {
        let signer = LogSigner::from_seed("example/journal", &[7; 32]).unwrap();
        let clock: Clock = Arc::new(|| 1);
        Store::open(&folder.join("journal.db"), signer, Durability::Full, clock).unwrap()
    }
    pub(crate) fn open(&self) -> Store {
        self.try_open(Durability::Full, 7).unwrap()
    }
    /// Behind the host's back.
    pub(crate) fn sql(&self, text: &str) {
        rusqlite::Connection::open(self.file()).unwrap().execute_batch(text).unwrap();
    }
}

pub(crate) fn mark(space: &str, key: &str, once: bool) -> Mark {
    Mark { space: space.into(), key: key.into(), once }
}

pub(crate) fn entry(payload: &str, marks: Vec<Mark>) -> Entry {
    Entry { kind: "test".into(), marks, charges: vec![], payload: payload.into() }
}

pub(crate) fn batch(entry: Entry) -> Batch {
    Batch { entries: vec![entry], ..Batch::default() }
}

pub(crate) fn absent(space: &str, key: &str) -> Condition {
    Condition::Absent { space: space.into(), key: key.into() }
}

pub(crate) fn present(space: &str, key: &str) -> Condition {
    Condition::Present { space: space.into(), key: key.into() }
}
