//! KEEP IT: the journal of a deployment in one SQLite file. What is kept are leaves of the Merkle log, the
//! payloads beside them, and an index; the log is the authority, and every table can be made again from it.
//!
//! A leaf carries its *marks* (names in spaces; a mark that is `once` can be set a single time, ever) and its
//! *charges* (amounts against a sliding window). Conditions on marks, once-marks and windows are checked in
//! the transaction that writes the leaf: that is all that a claim, a ticket, a revocation and a budget need,
//! and nothing here knows what those are.
#![forbid(unsafe_code)]

mod backup;
mod check;
mod envelope;
mod erase;
mod error;
mod follow;
mod head;
mod prove;
mod publish;
mod queue;
mod read;
mod schema;
mod tables;
mod writer;

pub use backup::Backup;
pub use envelope::{Charge, Condition, Entry, Mark};
pub use error::StoreError;
pub use follow::Numbers;
pub use prove::{Picking, Proven};
pub use publish::Behind;
pub use read::{Payloads, Stored};

use follow::Followed;
use interlock_journal::{LogIdentity, LogSigner};
use queue::Queue;
use rusqlite::Connection;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::oneshot;
use writer::{Job, Later, Writer};

/// Tells the time, unix milliseconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How sure a commit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On disk when it returns (`synchronous=FULL`).
    Full,
    /// In the hands of the operating system: for measuring races, never for a host.
    Off,
}

/// Entries that are written together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What must hold in the transaction.
    pub conditions: Vec<Condition>,
    /// The entries, in order.
    pub entries: Vec<Entry>,
    /// The last moment at which it may be written, unix milliseconds.
    pub not_after_ms: Option<u64>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The number of the first leaf.
    pub first_leaf: u64,
    /// When, unix milliseconds.
    pub time_ms: u64,
}

/// The journal of a deployment. Clones share one writer.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    signer: Arc<LogSigner>,
    clock: Clock,
    jobs: Arc<Queue>,
    /// By space.
    followed: Mutex<HashMap<String, Followed>>,
    reader: Mutex<Connection>,
    /// For what takes long, once somebody asks for it.
    beside: Mutex<Option<Connection>>,
    /// The time of the newest leaf that this process has seen.
    newest_ms: Arc<AtomicU64>,
    transactions: Arc<AtomicU64>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Store {
    /// Opens the journal at a path, making it where there is none, and checks it against its signed head.
    ///
    /// # Errors
    /// A file that is no journal, is of another log or of a newer version, was edited, or cannot be written.
    pub fn open(
        path: &Path,
        signer: LogSigner,
        durability: Durability,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let signer = Arc::new(signer);
        let mut connection = schema::open(path, durability)?;
        schema::prepare(&mut connection, path, signer.identity())?;
        let newest = check::at_start(&connection, signer.identity())?;
        let newest_ms = Arc::new(AtomicU64::new(newest));
        let transactions = Arc::new(AtomicU64::new(0));
        let jobs = Arc::new(Queue::default());
        let queue = jobs.clone();
        let writer = Writer::new(
            path,
            connection,
            signer.clone(),
            clock.clone(),
            newest_ms.clone(),
            transactions.clone(),
        )?;
        let thread = std::thread::Builder::new()
            .name("interlock-store".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|source| StoreError::Thread { source })?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                signer,
                clock,
                jobs,
                followed: Mutex::default(),
                reader: Mutex::new(schema::open(path, durability)?),
                beside: Mutex::default(),
                newest_ms,
                transactions,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The public side of its log.
    pub fn identity(&self) -> &LogIdentity {
        self.inner.signer.identity()
    }

    /// Now, unix milliseconds, never earlier than the newest leaf: setting a clock back revives nothing.
    pub fn now_ms(&self) -> u64 {
        (self.inner.clock)().max(self.inner.newest_ms.load(Ordering::Acquire))
    }

    /// How many transactions this process has committed: concurrent batches share them.
    pub fn transactions(&self) -> u64 {
        self.inner.transactions.load(Ordering::Acquire)
    }

    /// Writes a batch. INVARIANT INTENT-BEFORE-EFFECT: when this returns, it is on disk.
    ///
    /// # Errors
    /// Why nothing of it was written.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job { batch, later: None, reply: Some(reply) })?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    /// As [`Store::commit`], for callers that are not asynchronous.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit_blocking(&self, batch: Batch) -> Result<Committed, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job { batch, later: None, reply: Some(reply) })?;
        answer.blocking_recv().map_err(|_| StoreError::Stopped)?
    }

    /// Waits until everything that was handed over before is on disk. It writes nothing, so it costs no fsync of
    /// its own.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.commit(Batch::default()).await.map(|_| ())
    }

    /// Hands over a batch that nothing waits for: it is written with the next one, or a moment later. It has
    /// no conditions: nobody would hear that they do not hold.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn commit_buffered(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let batch = Batch { entries, ..Batch::default() };
        self.send(Job { batch, later: None, reply: None })
    }

    /// As [`Store::commit_buffered`], with an entry that is made on the writer's thread: whoever hands it over need not
    /// wait for that. Where it cannot be made the writer stops, and takes nothing after it.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn commit_later(
        &self,
        make: impl FnOnce() -> Result<Entry, String> + Send + 'static,
    ) -> Result<(), StoreError> {
        let later: Option<Later> = Some(Box::new(make));
        self.send(Job { batch: Batch::default(), later, reply: None })
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        self.inner.jobs.push(job).map_err(|_| StoreError::Stopped)
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<String, Followed>> {
        // Each changes in one step, once all is compared.
        self.inner.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beside(&self) -> MutexGuard<'_, Option<Connection>> {
        self.inner.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        // A connection holds nothing between calls that a panic could leave half done.
        self.inner.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The queue ends, the writer writes what is in it, and then it ends: nothing buffered is lost.
        self.jobs.close();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}
