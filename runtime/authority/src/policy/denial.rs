//! How policies say no. What is shown to agents names no policy: whoever may probe a rule set by its refusals
//! learns what to ask for next.

use serde::Serialize;
use thiserror::Error;

/// The policies do not allow it. What is shown to agents names no policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "denial", rename_all = "kebab-case")]
pub enum PolicyDenial {
    /// Nothing permits it.
    #[error("no policy permits this")]
    NoPermit {
        /// The action, by its Cedar name.
        action: String,
        /// The resource, by its Cedar name.
        resource: String,
    },
    /// Something forbids it.
    #[error("a policy forbids this")]
    Forbidden {
        /// The policies that forbid it.
        policies: Vec<String>,
        /// On which resource they do.
        resource: String,
    },
    /// A policy could not be evaluated.
    #[error("a policy could not be evaluated, so the answer is no")]
    Error {
        /// The policies, and what went wrong.
        problems: Vec<String>,
    },
    /// The call has a value that policies cannot hold.
    #[error("{problem}")]
    Unmappable {
        /// Which, and why.
        problem: String,
    },
}

impl PolicyDenial {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoPermit { .. } => "no-permit",
            Self::Forbidden { .. } => "forbidden",
            Self::Error { .. } => "policy-error",
            Self::Unmappable { .. } => "unmappable-argument",
        }
    }

    /// What an operator is told: the policies, and what is missing.
    pub fn for_operator(&self) -> String {
        match self {
            Self::NoPermit { action, resource } => {
                format!("no permit matches action {action} on {resource}")
            }
            Self::Forbidden { policies, resource } => {
                format!("forbidden on {resource} by {}", policies.join(", "))
            }
            Self::Error { problems } => problems.join("; "),
            Self::Unmappable { problem } => problem.clone(),
        }
    }
}
