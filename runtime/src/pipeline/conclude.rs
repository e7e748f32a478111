//! How a run ended, read off the sandbox's report and the gate's log; the plugin's own account is believed
//! only where neither of them says otherwise.

use crate::{
    gate::{Ended, RunLog},
    response::{EffectStatus, Outcome, PlanEnd},
};
use interlock_authority::Mode;
use interlock_sandbox::{RunOutcome, RunReport, ToolErrorKind};

/// Reads the end of a run off the sandbox's report and the gate's log. Where the two disagree the gate
/// wins: an effect that it saw start has started, whatever the guest said afterwards.
pub(super) fn conclude(mode: Mode, report: &RunReport, log: &RunLog) -> Outcome {
    let lost = log.effects.iter().find(|e| e.status == EffectStatus::Unknown);
    if let Some(Ended::Unknown(message)) = &log.ended {
        return Outcome::Unknown { message: message.clone() };
    }
    if let Some(effect) = lost {
        let message = format!(
            "`{}` on `{}` was started, and the run ended before it did",
            effect.function, effect.resource
        );
        return Outcome::Unknown { message };
    }
    let plan = |end, result| Outcome::Planned { effects: log.planned(), end, result };
    match &log.ended {
        Some(Ended::Horizon(reason)) => {
            return plan(PlanEnd::Horizon { reason: reason.clone() }, None);
        }
        Some(Ended::Limit { code, message }) => {
            return Outcome::Limit { code: (*code).to_owned(), message: message.clone() };
        }
        Some(Ended::Fault(message)) => return Outcome::HostFault { message: message.clone() },
        Some(Ended::Inexact(message)) => {
            return Outcome::Refused { code: "inexact".to_owned(), message: message.clone() };
        }
        Some(Ended::Deviated(deviation)) => {
            return Outcome::Deviated {
                deviation: deviation.clone(),
                done: log.effects.iter().filter(|e| e.status == EffectStatus::Done).count() as u64,
            };
        }
        Some(Ended::Refused { code, message }) => {
            return Outcome::Refused { code: (*code).to_owned(), message: message.clone() };
        }
        Some(Ended::Unknown(_)) | None => {}
    }
    match &report.outcome {
        RunOutcome::Returned(value) => match mode {
            Mode::Call | Mode::Apply => Outcome::Done { result: value.clone() },
            Mode::Plan => plan(PlanEnd::Complete, Some(value.clone())),
        },
        RunOutcome::ToolError { kind, message, details } => match (kind, log.denied.first()) {
            (ToolErrorKind::InvalidArguments, _) => {
                Outcome::InvalidArguments { message: message.clone() }
            }
            // A tool that says `denied` is believed only where the host did deny something.
            (ToolErrorKind::Denied, Some(denied)) => Outcome::Refused {
                code: denied.code.clone(),
                message: format!("{}#{}: {}", denied.interface, denied.function, denied.message),
            },
            _ => Outcome::Failed { message: message.clone(), details: details.clone() },
        },
        RunOutcome::Ended { code, message } => {
            Outcome::Refused { code: code.clone().into_owned(), message: message.clone() }
        }
        RunOutcome::Refused { interface, function, reason } => Outcome::Refused {
            code: reason.code().to_owned(),
            message: format!("{interface}#{function}: {}", reason.sentence()),
        },
        RunOutcome::Limit { limit, message } => {
            Outcome::Limit { code: limit.to_string(), message: message.clone() }
        }
        RunOutcome::NotLinked { message } => {
            Outcome::Refused { code: "not-linked".to_owned(), message: message.clone() }
        }
        RunOutcome::Trap { message } => Outcome::Trapped { message: message.clone() },
        RunOutcome::BrokenContract { message } => Outcome::Trapped { message: message.clone() },
        RunOutcome::Invalid { message } => Outcome::InvalidArguments { message: message.clone() },
        RunOutcome::Cancelled => Outcome::Cancelled,
        RunOutcome::HostFault { message } => Outcome::HostFault { message: message.clone() },
    }
}
