//! What has happened in one run, as its gate saw it. The pipeline reads it when the run is over, however
//! it ended; the plugin's own account is never needed.

use crate::{
    record::Transcript,
    response::{DeniedCall, Effect, EffectStatus},
};
use interlock_authority::{Planned, permit::Judged, ticket::Deviation};

/// The most different denials that a caller is told of; later ones are in the record alone.
const MAX_DENIED: usize = 100;

/// What has happened in one run.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    /// Capability calls.
    pub host_calls: u64,
    /// Bytes of their arguments and results.
    pub host_bytes: u64,
    /// Bytes that reached the world outside while planning.
    pub told_bytes: u64,
    /// The effects of the plan so far, each as it was judged.
    pub judged: Vec<Judged>,
    /// What the record will say of the smaller steps.
    pub transcript: Transcript,
    /// The effects that were started.
    pub effects: Vec<Effect>,
    /// The calls that were denied.
    pub denied: Vec<DeniedCall>,
    /// Why the gate ended the run, if it did.
    pub ended: Option<Ended>,
    /// Nobody waits for the run any more: no effect may start.
    pub(crate) over: bool,
}

impl RunLog {
    /// The effects of the plan so far.
    pub fn planned(&self) -> Vec<Planned> {
        self.judged.iter().map(Judged::planned).collect()
    }

    /// How many effects the run has had, planned or started.
    pub(crate) fn so_far(&self) -> u64 {
        (self.judged.len() + self.effects.len()) as u64
    }

    /// Notes how a started effect ended.
    pub(crate) fn ended_as(&mut self, step: u64, status: EffectStatus) {
        if let Some(effect) = self.effects.iter_mut().find(|e| e.step == step) {
            effect.status = status;
        }
    }
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
#[derive(Debug, Clone)]
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
    /// The run asked for an effect that is not the next of its plan.
    Deviated(Box<Deviation>),
    /// What was approved may not go on.
    Refused {
        /// A stable code.
        code: &'static str,
        /// One sentence.
        message: String,
    },
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
            Self::Limit { code, .. } | Self::Refused { code, .. } => code,
            Self::Deviated(_) => "deviated",
            Self::Unknown(_) => "unknown",
            Self::Inexact(_) => "inexact",
            Self::Fault(_) => "host-fault",
        }
    }
    /// One sentence.
    pub fn message(&self) -> &str {
        match self {
            Self::Deviated(_) => "the run asked for an effect that was not approved",
            Self::Horizon(text)
            | Self::Unknown(text)
            | Self::Inexact(text)
            | Self::Fault(text)
            | Self::Refused { message: text, .. }
            | Self::Limit { message: text, .. } => text,
        }
    }
}
