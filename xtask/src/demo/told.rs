//! What the agent says and is told, on the terminal and for the claims.
//!
//! The mistake it stops: a claim that reads an answer's words where it could read its status.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::agent::Reply;
use super::scene::Scene;
use super::serving::LIMIT;
use crate::ui::{Paint, time};

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
    fn of(reply: Reply, time: Duration) -> Result<Self> {
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
    fn lines(&self) -> Vec<String> {
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

impl Scene<'_> {
    /// The agent calls a tool, and both are shown.
    ///
    /// # Errors
    /// When there is no answer, or one of another shape than agreed.
    pub(crate) fn calls(&mut self, tool: &str, arguments: &Value) -> Result<Told> {
        self.says(&format!("tools/call {tool} {arguments}"));
        let started = Instant::now();
        let params = json!({"name": tool, "arguments": arguments});
        let reply = self.agent()?.ask("tools/call", &params)?;
        let told = Told::of(reply, started.elapsed())?;
        let request = told.text("request");
        let request =
            if request.is_empty() { String::new() } else { format!(", request {request}") };
        self.hears(&format!("{}{request}, {}", told.status, time(told.time)));
        self.show(&told.lines().join("\n"));
        Ok(told)
    }

    /// The agent reads a resource, which is not shown.
    ///
    /// # Errors
    /// When it cannot, or the answer has another shape than agreed.
    pub(crate) fn reads(&mut self, uri: &str) -> Result<String> {
        self.says(&format!("resources/read {uri}"));
        match self.agent()?.ask("resources/read", &json!({"uri": uri}))? {
            Err(error) => bail!("`{uri}` cannot be read: {error}"),
            Ok(read) => {
                let text = read.pointer("/contents/0/text").and_then(Value::as_str);
                let text = text.context("a resource has no text")?.to_owned();
                self.hears(&format!("{} bytes of text", text.len()));
                Ok(text)
            }
        }
    }

    /// A claim about the status of an answer.
    pub(crate) fn check_status(&mut self, claim: &str, told: &Told, status: &str) {
        let evidence = if told.status == status {
            format!("status {status}")
        } else {
            format!("status {}, expected {status}", told.status)
        };
        self.check(claim, told.status == status, &evidence);
    }

    /// What the agent is offered now, without showing it.
    ///
    /// # Errors
    /// When the list has another shape than agreed.
    pub(crate) fn tools(&mut self) -> Result<Vec<Value>> {
        match self.agent()?.ask("tools/list", &json!({}))? {
            Ok(list) => {
                let tools = list.get("tools").and_then(Value::as_array).cloned();
                tools.context("`tools/list` has no tools")
            }
            Err(error) => bail!("`tools/list` was refused: {error}"),
        }
    }

    /// Waits until the running host has followed a change that gives the agent other tools: until the client
    /// hears of it and the list has exactly these names. Gives the tools, for claims about them.
    ///
    /// # Errors
    /// When the bridge has ended or the list has another shape than agreed.
    pub(crate) fn offered(&mut self, claim: &str, names: &[&str]) -> Result<Vec<Value>> {
        let started = Instant::now();
        let (tools, heard) = loop {
            let heard = self.agent()?.hears_of_change(LIMIT.saturating_sub(started.elapsed()))?;
            let tools = self.tools()?;
            // One change may have been told of in two parts.
            if !heard || self::names(&tools) == names {
                break (tools, heard);
            }
        };
        let took = time(started.elapsed());
        if heard {
            self.hears(&format!("notifications/tools/list_changed, after {took}"));
        }
        self.list(&tools);
        let evidence = format!("{} tools, {took}", tools.len());
        self.check(claim, heard && self::names(&tools) == names, &evidence);
        Ok(tools)
    }

    /// Shows a list of tools as a client would.
    pub(crate) fn list(&self, tools: &[Value]) {
        self.says("tools/list");
        self.hears(&format!("{} tools", tools.len()));
        if tools.is_empty() {
            return;
        }
        let head = format!("    {:31}{:11}{:13}open world", "name", "read only", "destructive");
        self.line(Paint::Quiet, &head);
        for tool in tools {
            let word = |name: &str| match hint(tool, name) {
                Some(true) => "yes",
                Some(false) => "no",
                None => "not said",
            };
            let (read, destroys) = (word("readOnlyHint"), word("destructiveHint"));
            let (name, world) = (self::name(tool), word("openWorldHint"));
            self.tell(&format!("  {name:31}{read:11}{destroys:13}{world}"));
        }
    }

    /// Shows what the agent says.
    pub(crate) fn says(&self, what: &str) {
        self.tell("");
        self.line(Paint::Strong, &format!("  agent → {what}"));
    }

    /// Shows what the agent is told.
    pub(crate) fn hears(&self, what: &str) {
        self.line(Paint::Strong, &format!("  agent ← {what}"));
    }
}

/// A line that is no longer than a wide terminal: a service's log comes as one string.
fn cut(line: &str) -> String {
    if line.chars().count() <= WIDE {
        return line.to_owned();
    }
    line.chars().take(WIDE).chain(['…']).collect()
}

/// The name of a tool.
pub(crate) fn name(tool: &Value) -> &str {
    tool.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// The names of tools.
pub(crate) fn names(tools: &[Value]) -> Vec<&str> {
    tools.iter().map(name).collect()
}

/// A hint of a tool. One that is not said is not `false`: clients take it for the worst.
pub(crate) fn hint(tool: &Value, hint: &str) -> Option<bool> {
    tool.get("annotations").and_then(|all| all.get(hint)).and_then(Value::as_bool)
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
