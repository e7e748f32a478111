//! An answer to the agent, for the claims and for the terminal.
//!
//! The mistake it stops: a claim that reads an answer's words where it could read its status.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::agent::Reply;

/// The most characters of a line of an answer that are shown.
const WIDE: usize = 120;

/// The answer to a call.
pub(crate) struct Told {
    /// Its `status`; for a JSON-RPC error, `error` and its number.
    pub(crate) status: String,
    /// The structured content, or the JSON-RPC error.
    pub(crate) envelope: Value,
    /// Whether a client shows it as a failure.
    pub(crate) failed: bool,
    pub(crate) time: Duration,
}

impl Told {
    pub(super) fn of(reply: Reply, time: Duration) -> Result<Self> {
        match reply {
            Err(envelope) => {
                let code = envelope.get("code").and_then(Value::as_i64);
                let code = code.context("a JSON-RPC error has no code")?;
                Ok(Self { status: format!("error {code}"), envelope, failed: true, time })
            }
            Ok(mut result) => {
                let failed = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
                let envelope = result.get_mut("structuredContent").map(Value::take);
                let envelope = envelope.context("an answer has no structured content")?;
                let status = envelope.get("status").and_then(Value::as_str);
                let status = status.context("an answer has no status")?.to_owned();
                Ok(Self { status, envelope, failed, time })
            }
        }
    }

    /// A text of the answer; empty where there is none of this name.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.envelope.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the answer says, and not merely leaves out, that no effect was started.
    pub(crate) fn nothing_happened(&self) -> bool {
        self.envelope.get("happened") == Some(&json!([]))
    }

    /// The answer in lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(result) = self.envelope.get("result") {
            let pretty = serde_json::to_string_pretty(result).unwrap_or_default();
            lines.extend(pretty.lines().map(cut));
        }
        for name in ["message", "help", "needs", "expires", "document", "ended"] {
            let text = self.text(name);
            if !text.is_empty() {
                lines.push(format!("{name:9} {text}"));
            }
        }
        for denied in self.envelope.get("denied").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| denied.get(name).and_then(Value::as_str).unwrap_or_default();
            lines.push(format!("{:9} {}  {}", "denied", text("code"), text("function")));
        }
        let happened = self.envelope.get("happened").and_then(Value::as_array);
        for effect in happened.into_iter().flatten() {
            let text = |name: &str| effect.get(name).and_then(Value::as_str).unwrap_or_default();
            let (status, class) = (text("status"), text("class"));
            let (resource, function) = (text("resource"), text("function"));
            lines.push(format!("{:9} {status}  {class}  {resource}  {function}", "happened"));
        }
        if self.nothing_happened() {
            lines.push(format!("{:9} nothing", "happened"));
        }
        lines
    }
}

/// A line that is no longer than a wide terminal: a service's log comes as one string.
fn cut(line: &str) -> String {
    if line.chars().count() <= WIDE {
        return line.to_owned();
    }
    line.chars().take(WIDE).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_protocol_is_an_answer_that_failed() {
        let error = json!({"code": -32602, "message": "there is no tool of this name"});
        let told = Told::of(Err(error), Duration::ZERO).unwrap();
        assert_eq!((told.status.as_str(), told.failed), ("error -32602", true));
        assert!(!told.nothing_happened(), "it does not say so");
    }

    #[test]
    fn an_answer_without_a_status_is_not_taken_for_one() {
        for result in [json!({}), json!({"structuredContent": {}}), json!({"content": []})] {
            assert!(Told::of(Ok(result.clone()), Duration::ZERO).is_err(), "{result}");
        }
    }

    #[test]
    fn what_is_left_out_is_not_said() {
        let told = |envelope: Value| {
            Told::of(Ok(json!({"structuredContent": envelope})), Duration::ZERO).unwrap()
        };
        assert!(told(json!({"status": "done", "happened": []})).nothing_happened());
        assert!(!told(json!({"status": "done"})).nothing_happened());
        let done = json!([{"status": "done", "class": "change", "resource": "r", "function": "f"}]);
        let some = told(json!({"status": "done", "happened": done}));
        assert!(!some.nothing_happened());
        assert_eq!(some.lines(), ["happened  done  change  r  f"]);
    }
}
