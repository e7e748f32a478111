//! The MCP Inspector in a terminal: what somebody tries first who has only heard of this host.
//!
//! Each call is a process of its own, and so a connection. It shows no progress, has nothing to cancel with, and
//! calls no tool that it was not shown: those three are tried with the SDKs beside this.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use interlock_tests::interlock;
use serde_json::{Value, json};

use super::super::clients::Npm;
use super::{Serve, approved, at, desk, destroyed, token};
use crate::{desk::Desk, journeys::AGENT};

/// The version that is tried, pinned so that a new one fails on the day it is chosen.
pub(super) const INSPECTOR: &str = "@modelcontextprotocol/inspector@2.12.0";
pub(super) const REBUILD: &str = "rebuild-environment__rebuild";

/// The Inspector, and the words that lead it to a host.
pub(super) struct Inspector<'d> {
    npm: Npm,
    desk: &'d Desk,
    home: tempfile::TempDir,
    to: Vec<String>,
}

impl<'d> Inspector<'d> {
    /// `None` where npm cannot be reached.
    pub(super) fn installed(desk: &'d Desk) -> Result<Option<Self>> {
        let Some(npm) = Npm::installed("the MCP Inspector", &[INSPECTOR])? else { return Ok(None) };
        Ok(Some(Self { npm, desk, home: tempfile::tempdir()?, to: Vec::new() }))
    }

    pub(super) fn to(&mut self, words: &[&str]) {
        self.to = words.iter().map(|&word| word.to_owned()).collect();
    }

    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command =
            self.npm.script("@modelcontextprotocol/inspector/clients/launcher/build/index.js");
        command.arg("--cli").args(&self.to).args(["--format", "json", "--method"]).args(words);
        // What it keeps of servers and secrets is neither read nor written.
        command.env("HOME", self.home.path()).env("MCP_INSPECTOR_SECRET_STORE", "memory");
        command.current_dir(self.desk.deployment.path()).stdin(Stdio::null());
        command
    }

    /// Its exit code, the result on its standard output, and what it said beside that.
    fn run(&self, words: &[&str]) -> Result<(Option<i32>, Value, String)> {
        let ran = self.command(words).output()?;
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        let told: Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
        Ok((ran.status.code(), at(&told, "/result"), said))
    }

    /// The result of what must succeed.
    pub(super) fn result(&self, words: &[&str]) -> Result<Value> {
        let (code, result, said) = self.run(words)?;
        ensure!(code == Some(0), "{:?} {words:?} ended {code:?}: {result} {said}", self.to);
        Ok(result)
    }

    fn rebuild(&self, more: &[(&str, &str)]) -> Result<Value> {
        let mut arguments = json!({"environment": "prod", "reason": "a test"});
        if let Some(all) = arguments.as_object_mut() {
            all.extend(more.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        }
        let told = self.result(&call(REBUILD, &arguments.to_string()))?;
        Ok(at(&told, "/structuredContent"))
    }

    /// List, call, error; a call that waits, what people read of it, and the same call once they agreed.
    fn story(&self) -> Result<()> {
        // `--strict`: it ends with another code where a schema is one that some clients refuse.
        let tools = at(&self.result(&["tools/list", "--strict"])?, "/tools");
        let names: Vec<_> =
            tools.as_array().into_iter().flatten().map(|one| at(one, "/name")).collect();
        ensure!(names == [REBUILD, "spinner__spin", "word-count__count"], "{tools}");

        let (code, told, said) = self.run(&call("word-count__count", r#"{"text":"one two"}"#))?;
        ensure!(code == Some(0) && at(&told, "/isError") == false, "{code:?} {told} {said}");
        ensure!(at(&told, "/structuredContent/result/words") == 2, "{told}");
        ensure!(!said.contains("unknown format"), "it warns of our schemas: {said}");

        let (code, told, said) = self.run(&call("word-count__count", r#"{"txt":"one two"}"#))?;
        ensure!(code == Some(5) && said.contains("tool_is_error"), "{code:?} {said}");
        ensure!(at(&told, "/structuredContent/status") == "invalid-arguments", "{told}");

        let waits = self.rebuild(&[])?;
        ensure!(
            at(&waits, "/status") == "approval-required" && at(&waits, "/happened") == json!([]),
            "{waits}"
        );
        let request = waits.get("request").and_then(Value::as_str).context("no request")?;
        let uri = format!("interlock://request/{request}/document");
        let read = self.result(&["resources/read", "--uri", &uri])?;
        let text = at(&read, "/contents/0/text").to_string();
        ensure!(text.contains("EXACTLY THIS MAY HAPPEN"), "{text}");
        approved(self.desk, &waits)?;
        let done = self.rebuild(&[("interlock_request", request)])?;
        ensure!(at(&done, "/status") == "done", "{done}");
        destroyed(&at(&done, "/happened"))
    }
}

pub(super) fn call<'w>(tool: &'w str, arguments: &'w str) -> [&'w str; 5] {
    ["tools/call", "--tool-name", tool, "--tool-args-json", arguments]
}

#[test]
fn unmodified_inspector_over_stdio_and_http() -> Result<()> {
    let desk = desk()?;
    let Some(mut inspector) = Inspector::installed(&desk)? else { return Ok(()) };
    inspector.to(&[&interlock()?.display().to_string(), "mcp", "--as", AGENT]);
    inspector.story()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let serve = Serve::start(desk.deployment.path())?;
    let url = serve.url();
    let http = ["--transport", "http", "--server-url", &url, "--stored-auth-only", "--header"];
    inspector.to(&[&http[..], &[&format!("Authorization: Bearer {token}")]].concat());
    inspector.story()?;
    inspector.to(&[&http[..], &["Authorization: Bearer ilk_000000000000_00"]].concat());
    let (code, _, said) = inspector.run(&["tools/list"])?;
    ensure!(code == Some(3) && said.contains("bearer token"), "{code:?} {said}");
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}
