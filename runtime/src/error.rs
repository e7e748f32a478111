//! What keeps a host from starting, or a person from getting what they asked for, apart from the
//! decisions in a [`crate::Response`]. Each says what happened, where, and what to do next.

use interlock_authority::{
    AuthorityError, Digest, canonical::CanonicalError, document::DocumentError,
    policy::PolicyProblem, roster::RosterProblem,
};
use interlock_providers::ProviderFault;
use interlock_sandbox::{AdmissionError, RunOutcome, SandboxError};
use std::path::PathBuf;
use thiserror::Error;

/// Why the host cannot do what was asked.
#[derive(Debug, Error)]
pub enum HostError {
    /// The configuration cannot be read or means nothing.
    #[error("{}{}: {message}", .file.display(), .line.map(|l| format!(":{l}")).unwrap_or_default())]
    Config {
        /// The file.
        file: PathBuf,
        /// The line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A catalogue, grant or name means nothing.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A plugin is not admitted.
    #[error("plugin `{plugin}`: {source}")]
    Admission {
        /// The plugin's name, or the file it was to come from.
        plugin: String,
        /// Why.
        source: Box<AdmissionError>,
    },
    /// The sandbox cannot start.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A provider cannot start.
    #[error(transparent)]
    Provider(#[from] ProviderFault),
    /// A catalogue names a provider that this host does not have.
    #[error(
        "`{interface}` names the provider `{provider}`, which this host does not have; it has {known}"
    )]
    NoProvider {
        /// The interface whose catalogue entry names it.
        interface: String,
        /// What it names.
        provider: String,
        /// What could have been meant.
        known: String,
    },
    /// The bytes of a plugin are not the ones that were installed.
    #[error(
        "plugin `{plugin}`: {} {problem}, and sha256 {pinned} was installed; nothing was run; restore the file, or install the new bytes with `interlock plugin install`",
        .file.display()
    )]
    PinnedBytes {
        /// The plugin.
        plugin: String,
        /// Its file.
        file: PathBuf,
        /// The digest in the configuration.
        pinned: Digest,
        /// What the file is instead.
        problem: String,
    },
    /// No such plugin.
    #[error("there is no plugin `{name}`; {}", names(.known, "installed: "))]
    NoPlugin {
        /// What was asked for.
        name: String,
        /// What is installed.
        known: Vec<String>,
    },
    /// No such tool.
    #[error("plugin `{plugin}` has no tool `{tool}`; {}", names(.known, "it has "))]
    NoTool {
        /// The plugin.
        plugin: String,
        /// What was asked for.
        tool: String,
        /// Its tools.
        known: Vec<String>,
    },
    /// The host needs a helper program that can serve its hidden roles.
    #[error(
        "this program cannot serve as the host's helper; call `interlock::helper::run_if_asked()` first in `main`, or name a program with `HostBuilder::helper`"
    )]
    NoHelper,
    /// A file could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, and where.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The journal cannot be read or written, so nothing may happen.
    #[error("{message}")]
    Journal {
        /// A stable code.
        code: &'static str,
        /// What is wrong, and where.
        message: String,
    },
    /// Something that must be as it was written is not.
    #[error("{message}")]
    Integrity {
        /// A stable code.
        code: &'static str,
        /// What is wrong, and where.
        message: String,
    },
    /// A refusal that is nobody's failure.
    #[error("{message}")]
    Refused {
        /// A stable code.
        code: &'static str,
        /// Why.
        message: String,
    },
    /// The policies mean nothing.
    #[error("{}", problems(.0))]
    Policies(Vec<PolicyProblem>),
    /// The roster of approvers means nothing.
    #[error(transparent)]
    Roster(#[from] RosterProblem),
    /// A plan or a request has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A request cannot be shown to people.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

fn problems(all: &[PolicyProblem]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn names(known: &[String], lead: &str) -> String {
    if known.is_empty() {
        "there are none".to_owned()
    } else {
        format!("{lead}{}", known.join(", "))
    }
}

impl HostError {
    /// A code that never changes its meaning, for programs and for numbers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config { .. } | Self::Authority(_) => "configuration",
            Self::Admission { source, .. } => match &**source {
                AdmissionError::NotGranted { .. } => "not-granted",
                // `describe` is a run like any other: how it ended has the same code everywhere.
                AdmissionError::DescribeFailed { outcome, .. } => match **outcome {
                    RunOutcome::Limit { .. } => "describe-limit",
                    RunOutcome::Trap { .. } => "describe-trapped",
                    RunOutcome::HostFault { .. } => "host-fault",
                    _ => "not-admitted",
                },
                _ => "not-admitted",
            },
            Self::Sandbox(_) => "sandbox",
            Self::Provider(_) => "provider",
            Self::NoProvider { .. } => "no-provider",
            Self::PinnedBytes { .. } => "pinned-bytes",
            Self::NoPlugin { .. } => "no-plugin",
            Self::NoTool { .. } => "no-tool",
            Self::NoHelper => "no-helper",
            Self::Io { .. } => "io",
            Self::Journal { code, .. }
            | Self::Integrity { code, .. }
            | Self::Refused { code, .. } => code,
            Self::Policies(_) => "policies",
            Self::Roster(_) => "approvers",
            Self::Canonical(_) => "not-canonical",
            Self::Document(error) => error.code(),
        }
    }

    /// For `map_err`: what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
