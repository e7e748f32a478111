//! Why a tool did not return a result. Kinds are few and fixed by the tool contract, so that a host
//! can tell a refusal from a bug without reading words.

use std::fmt::{self, Display};

use serde::Serialize;
use serde_json::Value;

/// What kind of failure it is (`interlock:tool/tools.error-kind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The arguments do not match the input schema, or make no sense to the tool.
    InvalidArguments,
    /// The plugin has no tool of that name.
    UnknownTool,
    /// The host denied a capability call.
    Denied,
    /// The tool tried and failed.
    Failed,
}

impl Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidArguments => "invalid-arguments",
            Self::UnknownTool => "unknown-tool",
            Self::Denied => "denied",
            Self::Failed => "failed",
        })
    }
}

/// Why a tool did not return a result: a kind, one sentence for the caller, and details if any.
///
/// `?` makes one from the errors of capability calls, from `String` and `&str`, from the errors of
/// the standard library that a tool commonly meets, and from boxed errors. For other types:
/// `.map_err(ToolError::failed)?`.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolError {
    kind: ErrorKind,
    message: String,
    details: Option<Value>,
}

impl ToolError {
    fn new(kind: ErrorKind, message: impl Display) -> Self {
        Self { kind, message: message.to_string(), details: None }
    }

    /// The tool tried and failed.
    pub fn failed(message: impl Display) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// The caller sent arguments that make no sense; say which and what would.
    pub fn invalid_arguments(message: impl Display) -> Self {
        Self::new(ErrorKind::InvalidArguments, message)
    }

    /// The host refused something that the tool needs.
    pub fn denied(message: impl Display) -> Self {
        Self::new(ErrorKind::Denied, message)
    }

    pub(crate) fn unknown_tool(message: impl Display) -> Self {
        Self::new(ErrorKind::UnknownTool, message)
    }

    /// Adds details for programs. A value that cannot be written as JSON is left out: an error must
    /// not fail.
    #[must_use]
    pub fn with_details(mut self, details: impl Serialize) -> Self {
        self.details = serde_json::to_value(details).ok();
        self
    }

    /// Puts what was being done in front of the message: `reading the ledger: no such file`.
    #[must_use]
    pub fn context(mut self, doing: impl Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// One sentence for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More, where there is more.
    #[must_use]
    pub fn details(&self) -> Option<&Value> {
        self.details.as_ref()
    }
}

impl Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for ToolError {}

impl From<String> for ToolError {
    fn from(message: String) -> Self {
        Self::failed(message)
    }
}

impl From<&str> for ToolError {
    fn from(message: &str) -> Self {
        Self::failed(message)
    }
}

/// One impl for each type: a blanket one over `std::error::Error` would rule out `String`.
macro_rules! failed_from {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for ToolError {
            fn from(error: $error) -> Self {
                Self::failed(error)
            }
        }
    )*};
}

failed_from!(
    std::io::Error,
    std::fmt::Error,
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::num::TryFromIntError,
    std::str::Utf8Error,
    std::str::ParseBoolError,
    std::string::FromUtf8Error,
    std::time::SystemTimeError,
    serde_json::Error,
    Box<dyn std::error::Error>,
    Box<dyn std::error::Error + Send + Sync>,
);
