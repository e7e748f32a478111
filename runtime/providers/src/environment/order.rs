//! The files through which the provider and a runner speak, in `replicas/N` of a service. Each is
//! written whole and carries the token of one start, so that what an earlier runner left can never be
//! taken for the answer of this one.

use super::{health::Check, process::Process};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Held alone by the runner while it lives.
pub(super) const LOCK: &str = "lock";
/// What the provider wants started: [`Order`].
pub(super) const ORDER: &str = "order.json";
/// What the runner started: [`Record`].
pub(super) const RECORD: &str = "record.json";
/// How it ended: [`Exit`].
pub(super) const EXIT: &str = "exit.json";
/// What the runner itself had to say.
pub(super) const RUNNER_ERRORS: &str = "runner.err";
/// The folder with the configuration that this process was started with.
pub(super) const CONFIG: &str = "config";

/// One start of one replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) token: String,
    pub(super) command: Vec<String>,
    pub(super) directory: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) config_file: String,
    pub(super) version: u32,
    pub(super) check: Option<Check>,
    pub(super) stop_seconds: u64,
}

/// A started replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) token: String,
    pub(super) version: u32,
    pub(super) runner: Process,
    /// Absent until the process is started.
    pub(super) service: Option<Process>,
}

/// An ended replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exit {
    pub(super) token: String,
    /// The exit code, or 128 + the signal.
    pub(super) code: i32,
    /// Whether it was told to stop.
    pub(super) stopped: bool,
}
