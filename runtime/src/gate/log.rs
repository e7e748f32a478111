//! What has happened in one run, as its gate saw it. The pipeline reads it when the run is over, however
//! it ended; the plugin's own account is never needed.

use crate::response::{DeniedCall, Effect};
use interlock_authority::Planned;

/// The most different denials that a caller is told of; later ones are in the record alone.
const MAX_DENIED: usize = 100;

/// What has happened in one run.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    /// Capability calls.
    pub host_calls: u64,
    /// Bytes of their arguments and results.
    pub host_bytes: u64,
    /// The effects of the plan so far.
    pub planned: Vec<Planned>,
    /// The effects that were started.
    pub effects: Vec<Effect>,
    /// The calls that were denied.
    pub denied: Vec<DeniedCall>,
    /// Why the gate ended the run, if it did.
    pub ended: Option<Ended>,
}

impl RunLog {
    /// Keeps a denial; equal ones are counted.
    pub(crate) fn deny(&mut self, call: DeniedCall) {
        let same = self.denied.iter_mut().find(|d| {
            d.interface == call.interface
                && d.function == call.function
                && d.message == call.message
        });
        if let Some(known) = same {
            known.count = known.count.saturating_add(call.count);
        } else if self.denied.len() < MAX_DENIED {
            self.denied.push(call);
        }
    }
}

/// Why the gate ended a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The plan's horizon.
    Horizon(String),
    /// A limit of the run.
    Limit {
        /// A stable code.
        code: &'static str,
        /// One sentence.
        message: String,
    },
    /// An effect was started, and the run cannot wait for its end.
    Unknown(String),
    /// The effect's reach cannot be known before it happens.
    Inexact(String),
    /// The host failed: a provider or the record.
    Fault(String),
}

impl Ended {
    pub(crate) fn limit(code: &'static str, message: impl Into<String>) -> Self {
        Self::Limit { code, message: message.into() }
    }
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Horizon(_) => "horizon",
            Self::Limit { code, .. } => code,
            Self::Unknown(_) => "unknown",
            Self::Inexact(_) => "inexact",
            Self::Fault(_) => "host-fault",
        }
    }
    /// One sentence.
    pub fn message(&self) -> &str {
        match self {
            Self::Horizon(text)
            | Self::Unknown(text)
            | Self::Inexact(text)
            | Self::Fault(text)
            | Self::Limit { message: text, .. } => text,
        }
    }
}
