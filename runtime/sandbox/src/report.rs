//! What a run came to. A run is infallible: whatever a plugin does ends up in a [`RunReport`], so a
//! hostile plugin has no error path of its own.

use interlock_authority::{InterfaceName, refusal::Withheld};
use serde::Serialize;
use serde_json::Value;
use std::{borrow::Cow, fmt, time::Duration};

/// One finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// How it ended.
    pub outcome: RunOutcome,
    /// What the plugin wrote to standard output: text of the plugin, to be escaped where it is shown.
    pub stdout: Captured,
    /// What it wrote to standard error, under the same caution.
    pub stderr: Captured,
    /// Calls of withheld functions, which were refused.
    pub withheld: Vec<WithheldCalls>,
    /// Fuel used; `None` where the run trapped, because the counter is no evidence then.
    pub fuel: Option<u64>,
    /// Wall time.
    pub elapsed: Duration,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// The tool returned this.
    Returned(Value),
    /// The tool said that it failed.
    ToolError {
        /// What kind of failure.
        kind: ToolErrorKind,
        /// One sentence of the plugin.
        message: String,
        /// More, where there is more.
        details: Option<Value>,
    },
    /// The gate ended the run by a decision.
    Ended {
        /// Its stable code.
        code: Cow<'static, str>,
        /// Its sentence.
        message: String,
    },
    /// A withheld function was called whose WIT has no `denied` case.
    Refused {
        /// The interface.
        interface: InterfaceName,
        /// The function.
        function: String,
        /// Why it is withheld.
        reason: Withheld,
    },
    /// A limit was reached.
    Limit {
        /// Which.
        limit: LimitKind,
        /// One sentence with the number.
        message: String,
    },
    /// The plugin broke a rule of WebAssembly: `unreachable`, a division by zero, a bad pointer.
    Trap {
        /// What the engine says.
        message: String,
    },
    /// The arguments do not fit. Nothing of the plugin ran.
    Invalid {
        /// What does not fit, and where.
        message: String,
    },
    /// The plugin ran to its end, with whatever effects it had, and returned something else than its
    /// contract says: never to be taken for [`RunOutcome::Invalid`], after which a call may be repeated.
    BrokenContract {
        /// What is wrong with what it returned.
        message: String,
    },
    /// An import of the plugin has no definition in this invocation. Nothing of it ran.
    NotLinked {
        /// What the engine says, with the import's name.
        message: String,
    },
    /// Somebody outside ended it. An effect that had started goes on to its outcome.
    Cancelled,
    /// The host failed; the plugin is not to blame.
    HostFault {
        /// What went wrong.
        message: String,
    },
}

/// What a tool says about its own failure (`interlock:tool/tools.error-kind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolErrorKind {
    /// The arguments do not match the input schema.
    InvalidArguments,
    /// The plugin has no tool of that name.
    UnknownTool,
    /// A capability call was denied by the host.
    Denied,
    /// The tool tried and failed.
    Failed,
}

/// Which limit ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// Wall time.
    Time,
    /// Fuel.
    Fuel,
    /// Linear memory.
    Memory,
    /// Table elements.
    Table,
    /// The guest's call stack.
    Stack,
    /// The number of instances, memories, tables, handles or floor resources.
    Count,
    /// The values of one call.
    Call,
    /// The tool's result.
    Output,
    /// A budget that the gate keeps, such as host calls.
    Gate,
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "time",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::Table => "table",
            Self::Stack => "stack",
            Self::Count => "count",
            Self::Call => "call",
            Self::Output => "output",
            Self::Gate => "gate",
        })
    }
}

/// The kept beginning of a stream, and how much was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Captured {
    /// The first bytes, as UTF-8 with replacement characters.
    pub text: String,
    /// Bytes that came after.
    pub dropped_bytes: u64,
}

/// Refused calls of one withheld function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithheldCalls {
    /// The interface.
    pub interface: InterfaceName,
    /// The function.
    pub function: String,
    /// Why it is withheld.
    pub reason: Withheld,
    /// How often it was called.
    pub count: u64,
}
