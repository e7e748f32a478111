//! The one host that is attacked: `interlock mcp`, started once, spoken to line by line, and never started again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use interlock_tests::{Deployment, interlock};
use serde_json::{Value, json};

use super::world::CANARY;
use crate::journeys::AGENT;

/// Longer than anything that is tried may take: a host that does not answer then has hung.
const HUNG: Duration = Duration::from_secs(60);

/// The host's process and the agent's end of its pipes.
pub(crate) struct Host {
    child: Child,
    stdin: ChildStdin,
    heard: Receiver<Value>,
    next: u64,
}

/// Its memory in KiB: now, and at most since it was last asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) most: u64,
}

impl Host {
    pub(crate) fn start(deployment: &Deployment) -> Result<Self> {
        let stderr = std::fs::File::create(deployment.path().join(".interlock/mcp.stderr"))?;
        let mut child = Command::new(interlock()?)
            .args(["mcp", "--as", AGENT])
            .current_dir(deployment.path())
            .env("HOSTILE_CANARY", CANARY)
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (send, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(message) = serde_json::from_str(&line) else { continue };
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        let mut host = Self { child, stdin, heard, next: 0 };
        host.ask(
            "initialize",
            &json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "hostile", "version": "1"}}),
        )?;
        writeln!(
            host.stdin,
            "{}",
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
        )?;
        Ok(host)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A request and its whole answer.
    ///
    /// # Errors
    /// CRASH: where the process has ended, or does not answer.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.next += 1;
        let id = json!(self.next);
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        writeln!(self.stdin, "{message}").context("CRASH: the host takes no more words")?;
        let until = Instant::now() + HUNG;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(answer) = self.heard.recv_timeout(left) else {
                bail!("CRASH: the host has no answer; it is {:?}", self.child.try_wait());
            };
            if answer.get("id") == Some(&id) {
                return Ok(answer);
            }
        }
    }

    /// One call: its answer, and how long it took.
    pub(crate) fn call(
        &mut self,
        plugin: &str,
        tool: &str,
        arguments: &Value,
    ) -> Result<(Value, Duration)> {
        let begun = Instant::now();
        let name = format!("{plugin}__{tool}");
        let answer = self.ask("tools/call", &json!({"name": name, "arguments": arguments}))?;
        Ok((answer, begun.elapsed()))
    }

    /// The names of its tools.
    pub(crate) fn tools(&mut self) -> Result<Vec<String>> {
        let (mut names, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let params = cursor.as_ref().map_or_else(|| json!({}), |at| json!({"cursor": at}));
            let page = self.ask("tools/list", &params)?;
            let tools = page.pointer("/result/tools").and_then(Value::as_array);
            let tools = tools.with_context(|| format!("no tools: {page}"))?;
            names.extend(
                tools.iter().filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)),
            );
            match page.pointer("/result/nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(names),
            }
        }
    }

    /// What the kernel says of its memory; the high mark begins again.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .context("CRASH: the host is gone")?;
        let read = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_whitespace().next());
            number.with_context(|| format!("no {name}"))?.parse().context("no number")
        };
        let memory = Memory { now: read("VmRSS:")?, most: read("VmHWM:")? };
        // 5 sets the high mark to what is used now (proc(5)).
        std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5")?;
        Ok(memory)
    }

    pub(crate) fn lives(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code of the command line for what an answer says, and its word.
pub(crate) fn ending(answer: &Value) -> Result<(i32, String)> {
    let status = answer.pointer("/result/structuredContent/status").and_then(Value::as_str);
    let status = status.with_context(|| format!("no status: {answer}"))?;
    let exit = match status {
        "done" => 0,
        "tool-failed" => 1,
        "invalid-arguments" => 2,
        "approval-required" => 4,
        "time" | "fuel" | "memory" | "table" | "stack" | "count" | "call" | "output" | "gate"
        | "trapped" | "unknown" | "cancelled" | "host-calls" | "host-bytes" | "plan-bytes" => 5,
        "host-fault" => bail!("CRASH: the host's own fault: {answer}"),
        _ => 3,
    };
    Ok((exit, status.to_owned()))
}
