//! What an error of the engine means for the caller. A limit must never look like a bug of the plugin,
//! nor a bug of the plugin like a limit: they have different exit codes and different next steps.

use super::{Stop, out_of_time};
use crate::{Limits, RunOutcome, excerpt, report::LimitKind};
use std::time::Duration;
use wasmtime::{Trap, component::ResourceTableError};
use wasmtime_wasi::I32Exit;

/// Whether the epoch ended the run.
pub(super) fn interrupted(error: &wasmtime::Error) -> bool {
    matches!(error.downcast_ref(), Some(Trap::Interrupt))
}

/// Sorts an error of a run that had this much time.
pub(super) fn outcome(error: &wasmtime::Error, limits: &Limits, allowed: Duration) -> RunOutcome {
    let limit = |limit, message: String| RunOutcome::Limit { limit, message };
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match stop.clone() {
            Stop::Ended { code, message } => RunOutcome::Ended { code, message },
            Stop::Limit { limit, message } => RunOutcome::Limit { limit, message },
            Stop::Refused { interface, function, reason } => {
                RunOutcome::Refused { interface, function: function.to_string(), reason }
            }
            Stop::HostFault(message) => RunOutcome::HostFault { message },
        };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::Interrupt => out_of_time(allowed),
            Trap::OutOfFuel => limit(
                LimitKind::Fuel,
                format!("the plugin used up its fuel of {}", limits.fuel.unwrap_or(u64::MAX)),
            ),
            Trap::StackOverflow => {
                limit(LimitKind::Stack, "the plugin's call stack is exhausted".into())
            }
            other => RunOutcome::Trap { message: other.to_string() },
        };
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        let message = format!("the plugin ended itself with exit code {}", exit.0);
        return RunOutcome::Trap { message };
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return limit(
            LimitKind::Count,
            format!("the plugin holds {} streams, files and timers, its most", limits.resources),
        );
    }
    // These errors of wasmtime have no public type. A test for each watches the wording.
    let root = error.root_cause().to_string();
    if root.contains("fuel allocated for hostcalls has been exhausted") {
        return limit(
            LimitKind::Call,
            format!("the values of one call take more than {} bytes", limits.call),
        );
    }
    if root.contains("resource limit exceeded") || root.contains("handle limit exceeded") {
        return limit(LimitKind::Count, excerpt::sentence(root));
    }
    RunOutcome::Trap { message: excerpt::sentence(root) }
}
