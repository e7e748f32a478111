//! Why something is not a statement that this host's key signed. Nothing of it may be used then, not even
//! to say what it claims to be about.

use interlock_authority::canonical::CanonicalError;
use thiserror::Error;

/// Why a statement is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementError {
    /// Not an envelope.
    #[error("it is not a DSSE envelope: {0}")]
    NotAnEnvelope(String),
    /// A field that is not base64 in its canonical spelling.
    #[error("the envelope's `{0}` is not base64")]
    BadBase64(&'static str),
    /// An envelope of something else.
    #[error("the envelope holds `{found}`, not `{expected}`")]
    PayloadType {
        /// What it says.
        found: String,
        /// What it must say.
        expected: &'static str,
    },
    /// No signature of the key.
    #[error(
        "it is not signed by `{key}`: something in it was changed, or another key signed it{}",
        if .named.is_empty() { String::new() } else { format!(" (it names the key {named})") }
    )]
    NotSigned {
        /// The key that was asked for.
        key: String,
        /// The ids of keys that it names, which nothing vouches for.
        named: String,
    },
    /// The key signed a statement of something else.
    #[error("the signed statement is of the type `{found}`, not `{expected}`")]
    OtherType {
        /// What it says.
        found: String,
        /// What it must say.
        expected: &'static str,
    },
    /// It has no canonical form, or is not in it.
    #[error("{0}")]
    Canonical(#[from] CanonicalError),
    /// Not a key.
    #[error("it is not a statement key: {0}")]
    BadKey(&'static str),
}

impl StatementError {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAnEnvelope(_) | Self::BadBase64(_) => "not-an-envelope",
            Self::PayloadType { .. } | Self::OtherType { .. } => "other-statement",
            Self::NotSigned { .. } => "statement-not-signed",
            Self::Canonical(_) => "statement-not-canonical",
            Self::BadKey(_) => "bad-key",
        }
    }
}
