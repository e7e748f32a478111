//! The journal of a deployment: events become leaves of the log, in the store. What is asked of it is
//! answered from leaves that were hashed again up to the signed head, never from a table.

use super::{Event, Record, Recorder, WriteError};
use crate::HostError;
use async_trait::async_trait;
use interlock_store::{Batch, Entry, Store, StoreError, Stored};
use serde_json::Value;
use std::path::PathBuf;

/// The journal of a deployment.
#[derive(Clone)]
pub struct Journal {
    store: Store,
    publish: Vec<PathBuf>,
}

impl Journal {
    /// A journal over a store, with the places outside that keep its checkpoints.
    pub const fn new(store: Store, publish: Vec<PathBuf>) -> Self {
        Self { store, publish }
    }

    /// The store below.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Now, in unix milliseconds, never earlier than the newest leaf.
    pub fn now_ms(&self) -> u64 {
        self.store.now_ms()
    }

    /// Everything about a request, oldest first, proven against the signed head.
    ///
    /// # Errors
    /// An edited leaf or payload, by its number.
    pub fn about(&self, request: &str) -> Result<Vec<Told>, HostError> {
        let first = self.store.find(super::space::REQUEST, request).map_err(refused)?;
        let Some(first) = first.first().copied() else { return Ok(Vec::new()) };
        let all = self.store.verified_since(first).map_err(refused)?;
        let about = |stored: &Stored| {
            stored.marks.iter().any(|m| m.space == super::space::ABOUT && m.key == request)
        };
        all.iter().filter(|stored| about(stored)).map(Told::read).collect()
    }
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
pub(crate) fn refused(error: StoreError) -> HostError {
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
        let entry = entry(&Record::of(event))?;
        let batch = Batch { conditions: Vec::new(), entries: vec![entry], not_after_ms: None };
        self.store.commit_buffered(batch).await.map_err(refused)
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
            Err(StoreError::Expired { .. }) => Err(WriteError::Late),
            Err(error) => Err(WriteError::Failed(refused(error))),
        }
    }

    async fn publish(&self) -> Result<(), HostError> {
        self.store.publish(&self.publish).await.map_err(refused)
    }
}
