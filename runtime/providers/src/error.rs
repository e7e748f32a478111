//! What goes wrong in a provider that its WIT has no word for.

use interlock_authority::catalogue::ResolvedCall;
use thiserror::Error;

/// A fault of a provider or of the machine under it.
#[derive(Debug, Error)]
pub enum ProviderFault {
    /// What the operator said of this resource does not allow the call. Nothing was done; the guest is told, and
    /// the run goes on. Never of an effect that was begun.
    #[error("{problem}")]
    Denied {
        /// A code that never changes its meaning.
        rule: &'static str,
        /// One sentence.
        problem: String,
    },
    /// The provider does not serve this function; a catalogue names the wrong provider.
    #[error(
        "provider `{provider}` does not serve `{function}`; name another provider in the catalogue"
    )]
    NotServed {
        /// The provider.
        provider: &'static str,
        /// `interface#function`.
        function: String,
    },
    /// Reading or writing its state failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, and where.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its state on disk is not what it wrote.
    #[error("{what} is damaged: {problem}")]
    Damaged {
        /// The file.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A person wrote a definition that means nothing.
    #[error("{file}{}: {problem}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
    Definition {
        /// The file, below the provider's root.
        file: String,
        /// The line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A process did not do what it was started or told to do.
    #[error("{what}: {problem}")]
    Process {
        /// Which process.
        what: String,
        /// What happened.
        problem: String,
    },
    /// A sample command was asked to touch an environment that is not its own.
    #[error("environment `{environment}` {problem}")]
    NotASample {
        /// The environment.
        environment: String,
        /// Why it is refused, and the next step.
        problem: String,
    },
}

impl ProviderFault {
    /// That a provider does not serve a call.
    pub(crate) fn not_served(provider: &'static str, call: &ResolvedCall) -> Self {
        let function = format!("{}#{}", call.interface(), call.function());
        Self::NotServed { provider, function }
    }
}
