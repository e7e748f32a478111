//! What goes wrong between the host and a server, each with a code. All of it is told to the plugin in the host's
//! words: a server's are an answer, or nothing.

use std::time::Duration;

/// Why an exchange gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the secret of the endpoint cannot be had")]
    Secret,
    #[error("the name of the endpoint leads nowhere")]
    Resolve,
    /// INVARIANT FAIL-CLOSED: one bad address among good ones is a reason to go to none of them. Which one it is
    /// is nothing that a plugin should learn of a network.
    #[error("the endpoint leads to an address that is {0}, where it may not be")]
    Address(&'static str),
    #[error(
        "the endpoint leads to public addresses, and its credential would be readable on the way"
    )]
    InTheClear,
    #[error("nobody answers at the endpoint")]
    Connect,
    /// What exactly is for the operator, whom `doctor` tells.
    #[error("the certificates that vouch for the endpoint cannot be had")]
    Roots,
    #[error("the endpoint's TLS does not hold: {0}")]
    Tls(String),
    #[error("the endpoint did not answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("what the endpoint answered is not HTTP")]
    BadAnswer,
    #[error("the endpoint closed the connection before its answer was whole")]
    ClosedEarly,
    #[error("the endpoint answered with more than {0} bytes")]
    TooLarge(u64),
    #[error("the endpoint answered in an encoding, which nobody asked for")]
    Encoded,
}

impl Trouble {
    /// A code that never changes its meaning.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Secret => "no-secret",
            Self::Resolve => "name-not-found",
            Self::Address(_) => "address-refused",
            Self::InTheClear => "in-the-clear",
            Self::Connect => "connect-failed",
            Self::Roots => "no-roots",
            Self::Tls(_) => "tls-failed",
            Self::Late(_) => "timed-out",
            Self::BadAnswer => "bad-answer",
            Self::ClosedEarly => "closed-early",
            Self::TooLarge(_) => "answer-too-large",
            Self::Encoded => "answer-encoded",
        }
    }

    /// `code: sentence`.
    pub(super) fn told(&self) -> String {
        format!("{}: {self}", self.code())
    }
}
