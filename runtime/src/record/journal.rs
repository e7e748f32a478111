//! The journal of a deployment: events become leaves of the log, in the store. What is asked of it is
//! answered from leaves that were hashed again up to the signed head, never from a table.

use super::{Event, Record, Recorder, WriteError};
use crate::{
    Config, HostError,
    config::edit::{SecretKey, secret_key},
};
use async_trait::async_trait;
use interlock_journal::{JournalError, LogSigner};
use interlock_store::{Batch, Clock, Durability, Entry, Numbers, Store, StoreError, Stored};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// The journal of a deployment.
#[derive(Clone)]
pub struct Journal {
    store: Store,
    deployment: Arc<str>,
    publish: Vec<PathBuf>,
}

impl Journal {
    /// A journal over a store, with the places outside that keep its checkpoints.
    pub fn new(store: Store, publish: Vec<PathBuf>) -> Self {
        let deployment = deployment(&store.identity().public_key()).into();
        Self { store, deployment, publish }
    }

    /// Opens the journal of a configuration. Its log is the deployment's own: its key is made once, and its
    /// name is derived from it.
    ///
    /// # Errors
    /// A key or a file that is not fit, or not this deployment's.
    pub fn open(config: &Config) -> Result<Self, HostError> {
        Self::open_with(config, system_clock())
    }

    /// As [`Journal::open`], told the time by this clock.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_with(config: &Config, clock: Clock) -> Result<Self, HostError> {
        crate::state::prepare(&config.state)?;
        not_lost(&config.state, &config.store)?;
        let signer = signer(&config.state)?;
        let store = Store::open(&config.store, signer, Durability::Full, clock).map_err(refused)?;
        Ok(Self::new(store, config.publish.clone()))
    }

    /// The deployment, 32 hexadecimal digits: a digest of the log's public key.
    pub fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The places outside.
    pub fn places(&self) -> &[PathBuf] {
        &self.publish
    }

    /// The store below.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Now, in unix milliseconds, never earlier than the newest leaf.
    pub fn now_ms(&self) -> u64 {
        self.store.now_ms()
    }

    /// Keeps a record that nothing waits for and that has no conditions: nobody would hear that they do
    /// not hold.
    ///
    /// # Errors
    /// When the journal takes nothing any more.
    pub fn keep(&self, record: &Record) -> Result<(), HostError> {
        self.store.commit_buffered(vec![entry(record)?]).map_err(refused)
    }

    /// The numbers of the leaves that carry a mark.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn find(&self, space: &str, key: &str) -> Result<Vec<u64>, HostError> {
        self.store.find(space, key).map_err(refused)
    }

    /// The keys of a space, newest first, with their first leaves.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn keys(&self, space: &str, most: u64) -> Result<Vec<(String, u64)>, HostError> {
        self.store.keys(space, most).map_err(refused)
    }

    /// One leaf.
    ///
    /// # Errors
    /// A leaf that is not as it was written.
    pub fn told(&self, leaf: u64) -> Result<Option<Told>, HostError> {
        let stored = self.store.entry(leaf).map_err(refused)?;
        stored.as_ref().map(Told::read).transpose()
    }

    /// One leaf, proven against the signed head.
    ///
    /// # Errors
    /// A leaf that is not as it was written.
    pub fn proven(&self, leaf: u64) -> Result<Option<Told>, HostError> {
        let proven = self.store.prove(u64::MAX, &[leaf], |_| false).map_err(refused)?;
        proven.and_then(|p| p.leaves.first().map(Told::read)).transpose()
    }

    /// Which leaves from `first` on carry these marks of a space, as the proven log tells it: whatever is missing in a table.
    ///
    /// # Errors
    /// A leaf that is not as it was written.
    pub(crate) fn numbers<const N: usize>(
        &self,
        space: &str,
        keys: [&str; N],
        first: u64,
    ) -> Result<Option<Numbers<N>>, HostError> {
        self.store.numbers(space, keys, first).map_err(refused)
    }

    /// Keeps a record without conditions, on disk, for callers that are not asynchronous: a host that is being
    /// built.
    ///
    /// # Errors
    /// When the journal takes nothing any more.
    pub(crate) fn keep_now(&self, record: &Record) -> Result<(), HostError> {
        let batch = Batch { entries: vec![entry(record)?], ..Batch::default() };
        // On a thread of its own: the caller's may be one that must not block on the writer's answer.
        std::thread::scope(|scope| scope.spawn(|| self.store.commit_blocking(batch)).join())
            .map_err(|_| refused(StoreError::Stopped))?
            .map(drop)
            .map_err(refused)
    }

    /// The newest leaves, oldest first.
    ///
    /// # Errors
    /// A leaf that is not as it was written.
    pub fn last(&self, most: u64) -> Result<Vec<Told>, HostError> {
        self.store.last(most).map_err(refused)?.iter().map(Told::read).collect()
    }

    /// Effects that were started, and whose end nobody knows: leaf and key.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn open_intents(&self) -> Result<Vec<(String, u64)>, HostError> {
        self.store.unanswered(super::space::INTENT, super::space::OUTCOME).map_err(refused)
    }

    /// Everything about a request, oldest first, proven against the signed head.
    ///
    /// # Errors
    /// An edited leaf or payload, by its number.
    pub fn about(&self, request: &str) -> Result<Vec<Told>, HostError> {
        let first = self.store.find(super::space::REQUEST, request).map_err(refused)?;
        let Some(first) = first.first().copied() else { return Ok(Vec::new()) };
        let about = self.store.proven(super::space::ABOUT, request, first).map_err(refused)?;
        about.iter().map(Told::read).collect()
    }
}

/// How long a journal that another process is making may take.
const MADE: Duration = Duration::from_secs(1);

/// A journal that is gone is not begun anew under the same key: what it says of used approvals, of budgets and of the
/// rules in force would be gone with it.
// INVARIANT FAIL-CLOSED: a deployment without its journal does nothing.
fn not_lost(state: &Path, store: &Path) -> Result<(), HostError> {
    let begun = || store.symlink_metadata().is_ok_and(|m| m.len() > 0 || !m.is_file());
    let patience = Instant::now() + MADE;
    while state.join(SecretKey::Log.file()).exists() && !begun() {
        if Instant::now() >= patience {
            return Err(HostError::Integrity {
                code: "journal-lost",
                message: format!(
                    "there is a key of a journal in {}, and no journal at {}; restore the journal (docs/guides/deploy.md), or remove `{}` to begin a new one, in which nothing of before counts",
                    state.display(),
                    store.display(),
                    SecretKey::Log.file()
                ),
            });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The clock of the system.
pub(crate) fn system_clock() -> Clock {
    Arc::new(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
    })
}

/// One leaf, read back.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its number in the log.
    pub leaf: u64,
    /// When, unix milliseconds.
    pub time_ms: u64,
    /// Its kind.
    pub kind: String,
    /// The event as JSON; absent where it was erased.
    pub event: Option<Value>,
}

impl Told {
    /// Reads a stored leaf.
    ///
    /// # Errors
    /// A payload that is not JSON.
    pub fn read(stored: &Stored) -> Result<Self, HostError> {
        let event = match &stored.payload {
            None => None,
            Some(bytes) => {
                Some(serde_json::from_slice(bytes).map_err(|e| HostError::Integrity {
                    code: "leaf-unreadable",
                    message: format!("leaf {} is not an event: {e}", stored.leaf),
                })?)
            }
        };
        Ok(Self { leaf: stored.leaf, time_ms: stored.time_ms, kind: stored.kind.clone(), event })
    }

    /// A text of the event.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.event.as_ref()?.get(name)?.as_str()
    }
}

/// 128 bits, from the public key of the deployment's log.
fn deployment(public_key: &[u8; 32]) -> String {
    let digest =
        interlock_authority::canonical::digest_bytes("interlock-deployment/v1", public_key);
    digest.to_string().chars().take(32).collect()
}

/// The signer of a deployment's log.
///
/// # Errors
/// A key that is not fit.
pub fn signer(state: &Path) -> Result<LogSigner, HostError> {
    let seed = secret_key(state, SecretKey::Log)?;
    let integrity =
        |e: JournalError| HostError::Journal { code: "journal", message: e.to_string() };
    let named = LogSigner::from_seed("interlock", &seed).map_err(integrity)?;
    let origin = format!("interlock/{}", deployment(&named.identity().public_key()));
    LogSigner::from_seed(&origin, &seed).map_err(integrity)
}

fn entry(record: &Record) -> Result<Entry, HostError> {
    let payload = serde_json::to_vec(&record.event).map_err(|e| HostError::Journal {
        code: "journal",
        message: format!("an event cannot be written: {e}"),
    })?;
    Ok(Entry {
        kind: record.event.kind().to_owned(),
        marks: record.marks.clone(),
        charges: record.charges.clone(),
        payload,
    })
}

/// A failure of the store, as the host tells it.
pub fn refused(error: StoreError) -> HostError {
    let (code, message) = (error.code(), error.to_string());
    if error.is_integrity() {
        HostError::Integrity { code, message }
    } else {
        HostError::Journal { code, message }
    }
}

#[async_trait]
impl Recorder for Journal {
    async fn note(&self, event: Event) -> Result<(), HostError> {
        // As JSON on the writer's thread: a recording takes longer to write than many a run.
        let make = move || entry(&Record::of(event)).map_err(|error| error.to_string());
        self.store.commit_later(make).map_err(refused)
    }

    async fn write(&self, record: Record) -> Result<(), WriteError> {
        let entry = entry(&record)?;
        let batch = Batch {
            conditions: record.conditions,
            entries: vec![entry],
            not_after_ms: record.not_after_ms,
        };
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(StoreError::Taken { space, key }) => Err(WriteError::Taken { space, key }),
            Err(StoreError::Unmet { space, key }) => Err(WriteError::Unmet { space, key }),
            Err(StoreError::OverBudget { key, used, most }) => {
                Err(WriteError::OverBudget { key, used, most })
            }
            Err(StoreError::Expired) => Err(WriteError::Late),
            Err(error) => Err(WriteError::Failed(refused(error))),
        }
    }

    async fn publish(&self) -> Result<(), HostError> {
        let (store, places) = (self.store.clone(), self.publish.clone());
        let published = tokio::task::spawn_blocking(move || store.publish(&places));
        match published.await {
            Ok(published) => published.map_err(refused),
            Err(_) => Err(refused(StoreError::Stopped)),
        }
    }
}
