//! The journal, with how long each entry took to be on disk: when effects become slow, this says whether it is
//! the disk.

use super::Telemetry;
use crate::{
    HostError,
    record::{Event, Record, Recorder, WriteError},
};
use async_trait::async_trait;
use std::{sync::Arc, time::Instant};

/// A recorder that is watched.
pub(crate) struct Timed {
    inner: Arc<dyn Recorder>,
    telemetry: Telemetry,
}

impl Timed {
    pub(crate) fn new(inner: Arc<dyn Recorder>, telemetry: Telemetry) -> Self {
        Self { inner, telemetry }
    }

    fn failed(&self, error: &impl std::fmt::Display) {
        self.telemetry.0.lost_writes.inc();
        tracing::error!(%error, "the journal cannot be written");
    }
}

#[async_trait]
impl Recorder for Timed {
    async fn note(&self, event: Event) -> Result<(), HostError> {
        self.inner.note(event).await.inspect_err(|error| self.failed(error))
    }

    async fn write(&self, record: Record) -> Result<(), WriteError> {
        let started = Instant::now();
        let written = self.inner.write(record).await;
        match &written {
            Ok(()) => self.telemetry.0.writes.observe(started.elapsed().as_secs_f64()),
            // A ticket that is spent, or a budget without room, is an answer of a journal that works.
            Err(WriteError::Failed(error)) => self.failed(error),
            Err(_) => {}
        }
        written
    }

    async fn publish(&self) -> Result<(), HostError> {
        self.inner.publish().await.inspect_err(|error| {
            tracing::error!(%error, "a checkpoint cannot be published");
        })
    }
}
