//! What a person reads when something did not work: what happened, where, and the next step, with the
//! exit code of the contract and never a backtrace.

use super::output::{BOLD, Output, RED, plain_lines, said, styled};
use interlock::HostError;
use interlock_authority::AuthorityError;
use interlock_sandbox::{AdmissionError, RunOutcome};
use serde::Serialize;
use serde_json::Value;

/// Why a subcommand did not do what was asked.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    status: &'static str,
    code: String,
    message: String,
    /// What a program may want to know besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Box<Value>>,
    /// Indented lines below the message, for people.
    #[serde(skip)]
    more: String,
    exit: u8,
}

impl Problem {
    pub(super) fn new(exit: u8, code: &str, message: impl Into<String>) -> Self {
        Self {
            status: "error",
            code: code.to_owned(),
            message: message.into(),
            details: None,
            more: String::new(),
            exit,
        }
    }

    /// Usage or configuration.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, "usage", message)
    }

    /// Adds lines for people.
    #[must_use]
    pub(super) fn more(mut self, more: impl Into<String>) -> Self {
        self.more = more.into();
        self
    }

    /// Adds what a program may want to know.
    #[must_use]
    pub(super) fn details(mut self, details: Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// Says it in other words.
    #[must_use]
    pub(super) fn message(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    /// Prints the problem and gives the exit code.
    pub(super) fn show(&self, output: &Output) -> u8 {
        if output.is_json() {
            output.result(self, String::new);
        } else {
            said(format!("{} {}", styled(RED, "error:"), styled(BOLD, plain_lines(&self.message))));
            if !self.more.is_empty() {
                said(format!("\n{}", self.more));
            }
        }
        self.exit
    }
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        let exit = match &error {
            HostError::Admission { source, .. } => match &**source {
                AdmissionError::NotGranted { .. } => 3,
                AdmissionError::DescribeFailed { outcome, .. } => match **outcome {
                    RunOutcome::Limit { .. }
                    | RunOutcome::Trap { .. }
                    | RunOutcome::HostFault { .. } => 5,
                    _ => 2,
                },
                _ => 2,
            },
            HostError::Sandbox(_) | HostError::Journal { .. } => 5,
            HostError::PinnedBytes { .. } | HostError::Integrity { .. } => 6,
            HostError::Refused { .. } | HostError::Canonical(_) | HostError::Document(_) => 3,
            HostError::Config { .. }
            | HostError::Authority(_)
            | HostError::Provider(_)
            | HostError::NoProvider { .. }
            | HostError::NoPlugin { .. }
            | HostError::NoTool { .. }
            | HostError::NoHelper
            | HostError::Io { .. }
            | HostError::Policies(_)
            | HostError::Roster(_) => 2,
        };
        let code = error.code();
        let problem = Self::new(exit, code, error.to_string());
        match next_step(&error) {
            Some(next) => problem.more(next),
            None => problem,
        }
    }
}

/// What to do about an error whose sentence does not say it.
fn next_step(error: &HostError) -> Option<&'static str> {
    let HostError::Admission { source, .. } = error else { return None };
    match **source {
        AdmissionError::NotAComponent(_) | AdmissionError::Malformed(_) => Some(
            "  A plugin is a WebAssembly component: build it with `cargo build --target wasm32-wasip2`,\n  or fetch the file again if it was cut short on its way.",
        ),
        AdmissionError::TooLarge { .. } => {
            Some("  Build the plugin for size (`opt-level = \"s\"`, `lto`, `strip`), or split it.")
        }
        AdmissionError::BadDescription(_) | AdmissionError::DescribeFailed { .. } => {
            Some("  Its developer must mend it; nothing was installed.")
        }
        _ => None,
    }
}

impl From<AuthorityError> for Problem {
    fn from(error: AuthorityError) -> Self {
        HostError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::{AdmissionError, HostError, Problem, RunOutcome};

    fn exit(outcome: RunOutcome) -> u8 {
        let source = AdmissionError::DescribeFailed {
            message: "why".to_owned(),
            outcome: Box::new(outcome),
        };
        let (plugin, source) = ("p".to_owned(), Box::new(source));
        Problem::from(HostError::Admission { plugin, source }).exit
    }

    #[test]
    fn a_trap_while_describing_has_the_code_of_a_trap() {
        assert_eq!(exit(RunOutcome::Trap { message: "unreachable".to_owned() }), 5);
        assert_eq!(exit(RunOutcome::HostFault { message: "out of files".to_owned() }), 5);
        assert_eq!(exit(RunOutcome::Invalid { message: "no list".to_owned() }), 2);
    }
}
