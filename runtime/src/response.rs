//! What a caller gets: how a run ended, what happened on the way, and what did not.

use crate::desk::Waiting;
use interlock_authority::{Class, InterfaceName, Planned, Resource, ticket::Deviation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The answer to one request.
#[derive(Debug, Clone, Serialize)]
pub struct Response {
    /// The invocation, a ULID: what the record knows it by.
    pub invocation: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The effects that were started, in order.
    pub happened: Vec<Effect>,
    /// What was denied on the way: stable code and sentence.
    pub denied: Vec<DeniedCall>,
    /// What the plugin wrote to its standard output and error.
    pub log: String,
    /// Bytes of log text that did not fit.
    pub dropped_log_bytes: u64,
}

/// One denied capability call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeniedCall {
    /// The interface.
    pub interface: InterfaceName,
    /// The function.
    pub function: String,
    /// A stable code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// How often.
    pub count: u64,
}

/// One effect of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Effect {
    /// Its place in the run, from 1.
    pub step: u64,
    /// The interface.
    pub interface: InterfaceName,
    /// The function.
    pub function: String,
    /// What it does to the world.
    pub class: Class,
    /// Its resource.
    pub resource: Resource,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// How it ended.
    pub status: EffectStatus,
}

/// How an effect ended, as far as the host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectStatus {
    /// It happened.
    Done,
    /// The world had moved; nothing was done.
    Refused,
    /// It was tried and failed, perhaps part-way.
    Failed,
    /// Nobody knows yet; a person must look.
    Unknown,
}

impl EffectStatus {
    /// The word of the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

pub use interlock_authority::plan::PlanEnd;

/// How an invocation ended.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Outcome {
    /// The tool returned a result.
    Done {
        /// The result.
        result: Value,
    },
    /// The plan of what the tool would do. Nothing was done.
    Planned {
        /// The effects, in order.
        effects: Vec<Planned>,
        /// Why there are no more.
        #[serde(flatten)]
        end: PlanEnd,
        /// What the tool returned against the forecasts, where it ended by itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Value>,
    },
    /// The tool ran and said that it failed.
    Failed {
        /// Its sentence.
        message: String,
        /// More, where the tool said more.
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<Value>,
    },
    /// The arguments do not fit; nothing ran.
    InvalidArguments {
        /// What does not fit, and where.
        message: String,
    },
    /// Nothing has been done: people must approve it first.
    ApprovalRequired(Waiting),
    /// The run asked for an effect that is not the next of its plan; it was stopped there.
    Deviated {
        /// What was approved next, and what was asked for.
        deviation: Box<Deviation>,
        /// How many effects of the plan were done before.
        done: u64,
    },
    /// The host said no.
    Refused {
        /// A stable code.
        code: String,
        /// One sentence.
        message: String,
    },
    /// The run met a limit and was stopped.
    Limit {
        /// A stable code.
        code: String,
        /// One sentence.
        message: String,
    },
    /// Whoever asked ended the call before it was done.
    Cancelled,
    /// The plugin trapped.
    Trapped {
        /// What the sandbox saw.
        message: String,
    },
    /// An effect was started and nobody knows how it ended; a person must look.
    Unknown {
        /// Which effect.
        message: String,
    },
    /// The host itself failed.
    HostFault {
        /// What failed.
        message: String,
    },
}

impl Outcome {
    /// A code that never changes its meaning, for the record and for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::Done { .. } => "done",
            Self::Planned { .. } => "planned",
            Self::ApprovalRequired(_) => "approval-required",
            Self::Deviated { .. } => "deviated",
            Self::Failed { .. } => "tool-failed",
            Self::InvalidArguments { .. } => "invalid-arguments",
            Self::Refused { code, .. } | Self::Limit { code, .. } => code,
            Self::Cancelled => "cancelled",
            Self::Trapped { .. } => "trapped",
            Self::Unknown { .. } => "unknown",
            Self::HostFault { .. } => "host-fault",
        }
    }

    /// The exit code of the command line.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Done { .. } | Self::Planned { .. } => 0,
            Self::Failed { .. } => 1,
            Self::InvalidArguments { .. } => 2,
            Self::Refused { .. } | Self::Deviated { .. } => 3,
            Self::ApprovalRequired(_) => 4,
            Self::Cancelled
            | Self::Limit { .. }
            | Self::Trapped { .. }
            | Self::Unknown { .. }
            | Self::HostFault { .. } => 5,
        }
    }
}
