//! Why a value is not known or not kept, case by case as the WIT says.

use std::fmt::{self, Display};

/// Why there is no answer, or an effect did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The host refused. The text is `code: one sentence`.
    Denied(String),
    /// The value is another one than was expected, or changed between looking and acting. Nothing was done.
    Conflict(String),
    /// A value is too long, or the plugin keeps too much. Nothing was done.
    Full(String),
    /// It was tried and failed. The text is `code: one sentence`.
    Failed(String),
}

impl Error {
    /// The case's name in the WIT, for programs.
    #[must_use]
    pub fn case(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::Conflict(_) => "conflict",
            Self::Full(_) => "full",
            Self::Failed(_) => "failed",
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => write!(f, "denied: {text}"),
            Self::Conflict(text) => write!(f, "the world moved: {text}"),
            Self::Full(text) => write!(f, "full: {text}"),
            Self::Failed(text) => write!(f, "failed: {text}"),
        }
    }
}

impl std::error::Error for Error {}
