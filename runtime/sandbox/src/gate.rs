//! The one door, as the sandbox sees it: every call of a live capability function becomes a
//! [`GuestCall`], and nothing in this crate can reach a provider by another way (ONE-DOOR).

use async_trait::async_trait;
use interlock_authority::{Denial, InterfaceName};
use serde_json::Value;
use std::{borrow::Cow, sync::Arc};

/// Answers capability calls. Implemented outside this crate.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Decides and performs one call. The sandbox may drop the future at the run's deadline, together
    /// with the run's store: what must outlive the run belongs in a task of its own.
    async fn call(&self, call: GuestCall) -> GateAnswer;
}

/// One call of a live capability function.
#[derive(Debug, Clone, PartialEq)]
pub struct GuestCall {
    /// The interface, by its exact name.
    pub interface: InterfaceName,
    /// The function.
    pub function: Arc<str>,
    /// The arguments by position, in the order of the host's WIT. The JSON mapping is that of
    /// [`crate::tool`]. The error says which value has no JSON, such as a NaN: the gate is told of
    /// such a call too, so that it is counted and recorded like any other.
    pub arguments: Result<Vec<Value>, String>,
    /// How many bytes the arguments take as JSON text.
    pub bytes: u64,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq)]
pub enum GateAnswer {
    /// The function's whole WIT result as JSON, such as `{"ok": …}`; `null` for a function without one.
    Result(Value),
    /// The call is denied: the guest sees the `denied` case of the function's error, and where its WIT
    /// has none the run ends with the denial's code.
    Denied {
        /// The denial's stable code.
        code: Cow<'static, str>,
        /// One sentence for the guest.
        sentence: String,
    },
    /// The run ends here.
    End {
        /// A stable code for the caller.
        code: Cow<'static, str>,
        /// One sentence for the caller.
        message: String,
        /// Whether a limit of the run was reached, rather than a decision made.
        limit: bool,
    },
}

impl GateAnswer {
    /// The answer to a call that the authority denied.
    pub fn denied(denial: &Denial) -> Self {
        Self::Denied { code: denial.code().into(), sentence: denial.to_string() }
    }
}
