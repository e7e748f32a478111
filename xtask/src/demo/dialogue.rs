//! What the agent says and is told, as a reader of the terminal sees it.
//!
//! The mistake it stops: a wait by the clock for a host that says itself when its tools have changed.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::scene::Scene;
use super::serving::LIMIT;
use super::told::Told;
use crate::ui::{Paint, time};

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
