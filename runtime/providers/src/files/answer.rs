//! What a plugin is told where a call cannot be done, in the words of the WIT. Each says what stands in the
//! way and never what lies behind a link.

use super::path::Below;
use serde_json::{Value, json};
use std::io;

/// A case of the WIT's `error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    Denied(String),
    NotFound(String),
    Invalid(String),
    Conflict(String),
    Full(String),
    Failed(String),
}

impl Problem {
    /// The JSON form of a WIT result with this error.
    pub(super) fn answer(self) -> Value {
        let (case, text) = match self {
            Self::Denied(text) => ("denied", text),
            Self::NotFound(text) => ("not-found", text),
            Self::Invalid(text) => ("invalid", text),
            Self::Conflict(text) => ("conflict", text),
            Self::Full(text) => ("full", text),
            Self::Failed(text) => ("failed", text),
        };
        json!({ "err": { case: text } })
    }

    pub(super) fn missing(path: &Below) -> Self {
        Self::NotFound(format!("there is no `{path}`"))
    }

    pub(super) fn blocked(path: &Below) -> Self {
        Self::Invalid(format!(
            "the way to `{path}` goes over a symbolic link or something that is no folder; links are never followed"
        ))
    }

    pub(super) fn not_a_file(path: &Below) -> Self {
        Self::Invalid(format!("`{path}` is no regular file; links and devices are never opened"))
    }

    /// What the system said, without a path of the machine.
    pub(super) fn system(doing: &str, path: &Below, error: &io::Error) -> Self {
        Self::Failed(format!("{doing} `{path}`: {}", error.kind()))
    }
}

/// The JSON form of a WIT result that is well.
pub(super) fn ok(value: impl Into<Value>) -> Value {
    json!({ "ok": value.into() })
}
