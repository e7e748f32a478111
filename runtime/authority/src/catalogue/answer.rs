//! How the end of a program becomes an answer: exit code 0 and what it printed is the function's result,
//! other codes are cases of the result's error type. A program cannot answer with anything that the WIT does
//! not have.

use super::{raw::Output, shape::Shape};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The longest text of a program that goes into an error, in characters.
const MAX_WORDS: usize = 2000;

/// One case of an error type, and what it carries.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failure {
    /// The error is a string.
    Text,
    /// A case of an enum.
    Named(String),
    /// A case of a variant, without or with a string.
    Case { name: String, text: bool },
}

impl Failure {
    fn value(&self, words: &str) -> Value {
        let words: String = words.chars().take(MAX_WORDS).collect();
        match self {
            Self::Text => json!({"err": words}),
            Self::Named(name) => json!({"err": name}),
            Self::Case { name, text: true } => json!({"err": {name: words}}),
            Self::Case { name, text: false } => json!({"err": {name: null}}),
        }
    }
}

/// A function's result as a program gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// Whether the WIT result is a `result<…>`.
    pub(super) fallible: bool,
    /// What a good end carries; nothing where the WIT carries nothing.
    pub(super) good: Option<Shape>,
    pub(super) exits: BTreeMap<i32, Failure>,
    /// Every other code.
    pub(super) failed: Option<Failure>,
    /// Where a program ended well and had nothing to tell.
    pub(super) nothing: Option<Failure>,
    /// Codes after which nobody knows whether an effect happened.
    pub(super) unknown: BTreeSet<i32>,
    pub(super) conflict: Option<Failure>,
    pub(super) denied: Option<Failure>,
}

impl Answer {
    /// The result that an output means, after exit code 0. The error says why it means none, without
    /// repeating it.
    pub(super) fn good(&self, output: Output, stdout: &[u8]) -> Result<Value, String> {
        let value = match (&self.good, output) {
            (None, _) => Value::Null,
            (Some(_), Output::Text) => {
                let text = std::str::from_utf8(stdout).map_err(|_| "is not UTF-8".to_owned())?;
                let text = text.strip_suffix('\n').unwrap_or(text);
                text.strip_suffix('\r').unwrap_or(text).into()
            }
            (Some(shape), Output::Json) => {
                let value: Value = serde_json::from_slice(stdout).map_err(|e| {
                    let (line, column) = (e.line(), e.column());
                    format!("is not JSON: it breaks off or errs at line {line}, column {column}")
                })?;
                shape.read(&value)?
            }
        };
        Ok(if self.fallible { json!({"ok": value}) } else { value })
    }

    /// The result where a program ended well and printed nothing, or `null`; none where it told something, or
    /// where that has no meaning of its own.
    pub(super) fn nothing(&self, stdout: &[u8]) -> Option<Value> {
        let failure = self.nothing.as_ref()?;
        matches!(stdout.trim_ascii(), b"" | b"null")
            .then(|| failure.value("there is no such thing"))
    }

    /// The result for an exit code other than 0; none where the WIT has no word for it.
    pub(super) fn exit(&self, code: i32, words: &str) -> Option<Value> {
        Some(self.exits.get(&code).or(self.failed.as_ref())?.value(words))
    }

    /// The result where the world is not as it was.
    pub(super) fn conflict(&self, words: &str) -> Option<Value> {
        Some(self.conflict.as_ref().or(self.failed.as_ref())?.value(words))
    }

    /// The result where the host says no.
    pub(super) fn denied(&self, words: &str) -> Option<Value> {
        Some(self.denied.as_ref().or(self.failed.as_ref())?.value(words))
    }

    /// The result where the program failed in a way that has no code.
    pub(super) fn failed(&self, words: &str) -> Option<Value> {
        Some(self.failed.as_ref()?.value(words))
    }
}
