//! The one writer of a process: a thread that puts what is waiting into one transaction, so that concurrent
//! intents share one fsync. Processes take turns by SQLite's own lock; each starts from a head that verifies.

use crate::{
    Batch, Clock, Committed, Condition, Entry, StoreError,
    envelope::{Envelope, SALT},
    head,
    queue::{Pace, Queue},
    schema,
    tables::Tables,
};
use interlock_journal::{Checkpoint, LogSigner, Staged, Tree};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// How long a batch that nobody waits for may wait for company.
const LINGER: Duration = Duration::from_millis(20);

/// An entry that is made on the writer's thread, or why it cannot be.
pub(crate) type Later = Box<dyn FnOnce() -> Result<Entry, String> + Send>;

/// One batch, and who waits for it.
pub(crate) struct Job {
    pub(crate) batch: Batch,
    /// What is still to be made, and comes last in the batch.
    pub(crate) later: Option<Later>,
    pub(crate) reply: Option<oneshot::Sender<Result<Committed, StoreError>>>,
}

/// Leaves no one waiting for a writer that is gone.
struct Ends<'a>(&'a Queue);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Owns the connection that writes.
pub(crate) struct Writer {
    path: PathBuf,
    /// The file that was opened: one that was moved away keeps nothing that anybody will find.
    file: Option<(u64, u64)>,
    connection: Connection,
    signer: Arc<LogSigner>,
    clock: Clock,
    newest_ms: Arc<AtomicU64>,
    transactions: Arc<AtomicU64>,
    /// The tree as this process last wrote or saw it.
    tree: Tree,
    seen: Option<(String, Checkpoint)>,
}

impl Writer {
    pub(crate) fn new(
        path: &Path,
        connection: Connection,
        signer: Arc<LogSigner>,
        clock: Clock,
        newest_ms: Arc<AtomicU64>,
        transactions: Arc<AtomicU64>,
    ) -> Result<Self, StoreError> {
        // What undoes one batch of many is pages of the journal, and would else be kept in a file beside those of everybody: read
        // by nobody, but wiped by nobody either, and twice as many writes as the journal itself takes.
        connection.pragma_update(None, "temp_store", "memory")?;
        let tree = head::tree(&connection, signer.identity())?;
        let seen = head::signed(&connection, signer.identity())?;
        let (path, file) = (path.to_owned(), schema::identity(path));
        Ok(Self { path, file, connection, signer, clock, newest_ms, transactions, tree, seen })
    }

    /// Serves until the queue is closed and empty.
    pub(crate) fn run(mut self, queue: &Queue) {
        // Whatever ends this thread: whoever waits hears of it.
        let _ends = Ends(queue);
        while let Some(mut jobs) = queue.take(LINGER) {
            let pace = Pace::of(queue, &jobs, LINGER);
            for (count, job) in jobs.iter_mut().enumerate() {
                pace.step(count);
                match job.later.take().map(|make| make()) {
                    None => {}
                    Some(Ok(entry)) => job.batch.entries.push(entry),
                    // Nobody waits for it, so nobody would hear that the journal has a gap: nothing is written after it,
                    // and whoever is told so may rely on it.
                    Some(Err(_)) => {
                        queue.abandon();
                        return;
                    }
                }
            }
            let unwritten = self.serve(jobs, &pace);
            if !unwritten.is_empty() {
                queue.put_back(unwritten);
                std::thread::sleep(LINGER);
            }
        }
    }

    /// Writes jobs in one transaction, and tells each what became of it. Gives back those that nobody waits for and that
    /// could not be written: nobody would hear that the journal has a gap.
    fn serve(&mut self, jobs: Vec<Job>, pace: &Pace<'_>) -> Vec<Job> {
        let batches: Vec<&Batch> = jobs.iter().map(|job| &job.batch).collect();
        match self.transact(&batches, pace) {
            Ok(results) => {
                for (job, result) in jobs.into_iter().zip(results) {
                    tell(job, result);
                }
                Vec::new()
            }
            Err(error) => {
                // One failure for all: the first is told as it is, the others in its words.
                let words = error.to_string();
                let mut error = Some(error);
                let (waited, unwritten): (Vec<Job>, Vec<Job>) =
                    jobs.into_iter().partition(|job| job.reply.is_some());
                for job in waited {
                    let own = error
                        .take()
                        .unwrap_or_else(|| StoreError::Unwritable { problem: words.clone() });
                    tell(job, Err(own));
                }
                unwritten
            }
        }
    }

    fn transact(
        &mut self,
        batches: &[&Batch],
        pace: &Pace<'_>,
    ) -> Result<Vec<Result<Committed, StoreError>>, StoreError> {
        if schema::identity(&self.path) != self.file {
            let problem = "it was deleted or moved while the host runs; start the host again";
            return Err(StoreError::NotAJournal {
                file: self.path.clone(),
                problem: problem.into(),
            });
        }
        let mut transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let log = self.signer.identity();
        // Another process may have written since; a head that goes back is a file that was exchanged. The head that
        // this process wrote last needs no other look.
        let same = match &self.seen {
            Some(seen) => head::is(&transaction, seen)?,
            None => false,
        };
        if !same {
            let signed = head::signed(&transaction, log)?;
            if signed != self.seen {
                let tree = head::tree(&transaction, log)?;
                if let Some((_, seen)) = &self.seen {
                    tree.extends(seen, &Tables(&transaction))?;
                }
                self.tree = tree;
                self.seen = signed;
                self.newest_ms.fetch_max(newest(&transaction)?, Ordering::AcqRel);
            }
        }
        let mut tree = self.tree.clone();
        let mut results = Vec::with_capacity(batches.len());
        // What nothing can refuse is written together: its tiles are written once.
        for group in batches.chunk_by(|one, next| one.is_free() && next.is_free()) {
            let now = (self.clock)().max(self.newest_ms.load(Ordering::Acquire));
            let savepoint = transaction.savepoint()?;
            match write(&savepoint, &tree, group, now, pace) {
                Ok(staged) => {
                    let mut first_leaf = staged.as_ref().map_or(tree.size(), Staged::first);
                    savepoint.commit()?;
                    if let Some(staged) = staged {
                        tree.commit(staged)?;
                        self.newest_ms.fetch_max(now, Ordering::AcqRel);
                    }
                    for batch in group {
                        results.push(Ok(Committed { first_leaf, time_ms: now }));
                        first_leaf += batch.entries.len() as u64;
                    }
                }
                // Dropped, the savepoint is rolled back. Where there are others in the group, nothing of theirs
                // was refused: what can be, is alone.
                Err(refusal) if group.len() == 1 && !refusal.is_fatal() => {
                    results.push(Err(refusal));
                }
                Err(error) => return Err(error),
            }
        }
        if tree.size() > self.tree.size() {
            let head = tree.head(log)?;
            let note = self.signer.sign(&head)?;
            transaction
                .prepare_cached("update log set size = ?1, note = ?2 where id = 1")?
                .execute((tree.size(), &note))?;
            transaction.commit()?;
            self.transactions.fetch_add(1, Ordering::AcqRel);
            self.tree = tree;
            self.seen = Some((note, head));
        }
        Ok(results)
    }
}

fn tell(job: Job, result: Result<Committed, StoreError>) {
    if let Some(reply) = job.reply {
        // Whoever asked may have gone: what was written stays written.
        let _ = reply.send(result);
    }
}

/// The time of the newest leaf.
pub(crate) fn newest(connection: &Connection) -> Result<u64, StoreError> {
    let last: Option<(u64, Vec<u8>)> = connection
        .prepare_cached("select idx, bytes from leaf order by idx desc limit 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    last.map_or(Ok(0), |(idx, bytes)| Ok(Envelope::read(idx, &bytes)?.time))
}

impl Batch {
    /// Whether there is nothing for which it could be refused.
    fn is_free(&self) -> bool {
        let free = |entry: &Entry| entry.charges.is_empty() && !entry.marks.iter().any(|m| m.once);
        self.conditions.is_empty() && self.not_after_ms.is_none() && self.entries.iter().all(free)
    }
}

/// Checks batches and writes their entries; the tree that was passed does not change.
fn write(
    connection: &Connection,
    tree: &Tree,
    batches: &[&Batch],
    now: u64,
    pace: &Pace<'_>,
) -> Result<Option<Staged>, StoreError> {
    if batches.iter().any(|batch| batch.not_after_ms.is_some_and(|last| now > last)) {
        return Err(StoreError::Expired);
    }
    for condition in batches.iter().flat_map(|batch| &batch.conditions) {
        let (space, key, must) = match condition {
            Condition::Absent { space, key } => (space, key, false),
            Condition::Present { space, key } => (space, key, true),
        };
        let there: bool = connection
            .prepare_cached("select exists (select 1 from mark where space = ?1 and key = ?2)")?
            .query_row((space, key), |row| row.get(0))?;
        if there != must {
            return Err(StoreError::Unmet { space: space.clone(), key: key.clone() });
        }
    }
    let entries = batches.iter().flat_map(|batch| &batch.entries);
    let mut leaves = Vec::new();
    for (entry, idx) in entries.zip(tree.size()..) {
        pace.step(leaves.len());
        leaves.push(index(connection, entry, idx, now)?);
    }
    if leaves.is_empty() {
        return Ok(None);
    }
    let staged = tree.stage(&leaves)?;
    for append in staged.appends() {
        let bytes: Vec<u8> = append.hashes.iter().flat_map(|h| *h.as_bytes()).collect();
        if append.offset == 0 {
            connection
                .prepare_cached("insert into tile (level, idx, hashes) values (?1, ?2, ?3)")?
                .execute((append.level, append.index, bytes))?;
        } else {
            connection
                .prepare_cached("update tile set hashes = cast(hashes || ?3 as blob) where level = ?1 and idx = ?2")?
                .execute((append.level, append.index, bytes))?;
        }
    }
    Ok(Some(staged))
}

/// Writes one entry with its marks, charges and payload; gives its leaf.
fn index(
    connection: &Connection,
    entry: &Entry,
    idx: u64,
    now: u64,
) -> Result<Vec<u8>, StoreError> {
    for mark in &entry.marks {
        let inserted = connection
            .prepare_cached(
                "insert or ignore into mark (space, key, idx, once) values (?1, ?2, ?3, ?4)",
            )?
            .execute((&mark.space, &mark.key, idx, mark.once))?;
        // The unique index is what makes a claim exclusive and a ticket usable once.
        if inserted == 0 {
            return Err(StoreError::Taken { space: mark.space.clone(), key: mark.key.clone() });
        }
    }
    for charge in &entry.charges {
        let from = now.saturating_sub(charge.window_ms);
        let used: u64 = connection
            .prepare_cached(
                "select coalesce(sum(amount), 0) from charge where key = ?1 and time > ?2",
            )?
            .query_row((&charge.key, from), |row| row.get(0))?;
        if used.saturating_add(charge.amount) > charge.most {
            let (key, most) = (charge.key.clone(), charge.most);
            return Err(StoreError::OverBudget { key, used, most });
        }
        connection
            .prepare_cached("insert into charge (key, time, amount, idx) values (?1, ?2, ?3, ?4)")?
            .execute((&charge.key, now, charge.amount, idx))?;
    }
    let mut salted = vec![0; SALT];
    getrandom::fill(&mut salted).map_err(StoreError::Random)?;
    salted.extend(&entry.payload);
    let leaf = Envelope::of(entry, now, &salted).bytes()?;
    connection
        .prepare_cached("insert into leaf (idx, bytes) values (?1, ?2)")?
        .execute((idx, &leaf))?;
    connection
        .prepare_cached("insert into payload (idx, bytes) values (?1, ?2)")?
        .execute((idx, &salted))?;
    Ok(leaf)
}
