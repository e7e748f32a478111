//! What goes wrong in a provider that its WIT has no word for.

use thiserror::Error;

/// A fault of a provider or of the machine under it.
#[derive(Debug, Error)]
pub enum ProviderFault {
    /// The provider does not serve this function; a catalogue names the wrong provider.
    #[error("provider `{provider}` does not serve `{function}`; name another provider in the catalogue")]
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
}
