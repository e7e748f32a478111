//! The sandbox as its owner sees it: one engine, admission, runs.

use crate::{
    AdmissionError, Admitted, ArtifactCache, Compiler, Gate, Inspection, Limits, PluginBytes,
    RunReport, SandboxError,
};
use interlock_authority::{Authorized, Catalogue, Grant};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc, time::SystemTime};

/// How a sandbox works.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// Where compiled artifacts are kept; `None` compiles at each admission.
    pub cache: Option<ArtifactCache>,
    /// Where components are compiled.
    pub compiler: Compiler,
}

/// Settings of one run.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// What it may use.
    pub limits: Limits,
    /// Folders it may read.
    pub preopens: Vec<Preopen>,
    /// Where its clocks start. They advance by a fixed step per read, plus sleeps.
    pub clock_base: SystemTime,
    /// What its random numbers come from.
    pub seed: [u8; 32],
    /// When it must have ended; `None` means `limits.time` from the start. The earlier of both holds.
    pub deadline: Option<tokio::time::Instant>,
}

/// A folder that a run may read, by grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preopen {
    /// The folder on the host.
    pub host: PathBuf,
    /// Its path as the plugin sees it.
    pub guest: String,
}

/// Admits and runs plugins. One for a process; cheap to share behind an [`Arc`].
pub struct Sandbox;

impl Sandbox {
    /// Starts an engine and the thread that ends endless loops.
    ///
    /// # Errors
    /// The engine or the thread cannot start.
    pub fn new(_settings: SandboxSettings) -> Result<Self, SandboxError> {
        todo!()
    }

    /// Says what a plugin is, without any grant: only `describe` runs, with every import a stub.
    ///
    /// # Errors
    /// The bytes are not a plugin, or `describe` breaks its contract.
    pub async fn inspect(
        &self,
        _plugin: &PluginBytes,
        _catalogue: &Catalogue,
    ) -> Result<Inspection, AdmissionError> {
        todo!()
    }

    /// Admits a plugin under the grants of its configuration.
    ///
    /// # Errors
    /// Why not. Nothing of the plugin ran unless the error says so.
    pub async fn admit(
        &self,
        _bytes: &PluginBytes,
        _plugin: &str,
        _grants: &[Grant],
        _catalogue: &Catalogue,
    ) -> Result<Admitted, AdmissionError> {
        todo!()
    }

    /// Runs one tool once, in a store of its own.
    pub async fn run(
        &self,
        _plugin: &Admitted,
        _authorized: &Authorized,
        _arguments: &Value,
        _settings: RunSettings,
        _gate: Arc<dyn Gate>,
    ) -> RunReport {
        todo!()
    }
}
