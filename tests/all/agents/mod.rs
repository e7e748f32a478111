//! Agents over MCP, with the real binary: what starts and ends the processes, for the tests beside it.

pub(crate) mod clients; // programs that are not ours, installed once
mod conformance; // the official suite, held to docs/mcp-conformance.md
mod door; // `serve`: tokens, hosts, strangers, limits, an orderly end
mod load; // two hundred clients at once, and a stop in the middle of them
mod process; // `mcp` as a process: the bridge, a configuration that changes, the guide's snippets
mod unmodified; // clients that are not ours, over every way in
mod watching; // numbers and log lines for operators, and what is not in them

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::{interlock, staged_plugin};
use serde_json::{Value, json};

use crate::desk::Desk;

const SPINNER: &str = r#"(component
  (core module $m (func (export "spin") (loop $l (br $l))))
  (core instance $i (instantiate $m))
  (func (export "spin") (canon lift (core func $i "spin"))))"#;

/// A deployment with people, a tool that destroys, one that only computes, and one that never ends.
fn desk() -> Result<Desk> {
    let desk = Desk::rebuild()?;
    let deployment = &desk.deployment;
    deployment.install(&staged_plugin("word_count")?, "word-count", &[])?.exit(0)?;
    let spinner = deployment.write("spinner.wat", SPINNER)?;
    deployment.install(&spinner, "spinner", &[])?.exit(0)?;
    Ok(desk)
}

/// A child that is ended when it goes out of scope.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(
        folder: &Path,
        words: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let mut command = Command::new(interlock()?);
        command.args(words).current_dir(folder).env("NO_COLOR", "1").env_remove("INTERLOCK_TOKEN");
        command.envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Self(command.spawn()?))
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let id = self.0.id().to_string();
        ensure!(Command::new("kill").args([signal, &id]).status()?.success(), "kill {signal}");
        Ok(())
    }

    /// Waits for its end; gives its exit code and what it said on stderr.
    pub(crate) fn ended(&mut self) -> Result<(Option<i32>, String)> {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait()? {
                break status;
            }
            ensure!(started.elapsed() < Duration::from_secs(90), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut said = String::new();
        if let Some(stderr) = &mut self.0.stderr {
            stderr.read_to_string(&mut said)?;
        }
        Ok((status.code(), said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `interlock serve` on a free port.
struct Serve {
    running: Running,
    address: String,
    /// Where its numbers are, if anywhere.
    metrics: Option<String>,
}

impl Serve {
    fn start(folder: &Path) -> Result<Self> {
        Self::start_at(folder, "127.0.0.1:0", &[])
    }

    fn start_at(folder: &Path, listen: &str, more: &[&str]) -> Result<Self> {
        let words = [&["serve", "--listen", listen, "--json"], more].concat();
        let mut running = Running::start(folder, &words, &[])?;
        let stdout = running.0.stdout.take().context("no stdout")?;
        let mut text = String::new();
        let mut lines = BufReader::new(stdout).lines();
        while serde_json::from_str::<Value>(&text).is_err() {
            match lines.next() {
                Some(line) => text.push_str(&line?),
                None => bail!("`serve` ended: {text} {:?}", running.ended()?),
            }
        }
        let told: Value = serde_json::from_str(&text)?;
        let url = at(&told, "/url").as_str().map(str::to_owned).context("no url")?;
        let address = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/mcp"));
        let metrics = at(&told, "/metrics").as_str().map(str::to_owned);
        Ok(Self { address: address.context("another url")?.to_owned(), metrics, running })
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// One request, as bytes say it; gives the status and the whole answer.
    fn raw(&self, head: &str, body: &str) -> Result<(u16, String)> {
        raw_at(&self.address, head, body)
    }

    /// A request that stands alone, of today's generation.
    fn post(&self, more: &str, method: &str, name: &str, params: Value) -> Result<(u16, String)> {
        let mut params = params;
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        if let Some(params) = params.as_object_mut() {
            params.insert("_meta".to_owned(), meta);
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let name = if name.is_empty() { String::new() } else { format!("\r\nMcp-Name: {name}") };
        let host = if more.contains("Host:") {
            String::new()
        } else {
            format!("\r\nHost: {}", self.address)
        };
        self.raw(
            &format!("POST /mcp HTTP/1.1{host}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}{name}{more}"),
            &body.to_string(),
        )
    }

    fn list(&self, more: &str) -> Result<(u16, String)> {
        self.post(more, "tools/list", "", json!({}))
    }
}

/// One request to an address, as bytes say it; gives the status and the whole answer.
fn raw_at(address: &str, head: &str, body: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    stream.write_all(
        format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes(),
    )?;
    let mut answer = String::new();
    // A refusal may come before the body was read, and the rest is then not to be had.
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.with_context(|| format!("no status: {answer}"))?, answer))
}

fn token(desk: &Desk, who: &str, more: &[&str]) -> Result<(String, String)> {
    let words = [&["token", "create", "--as", who, "--json"], more].concat();
    let made = desk.deployment.run(&words)?.exit(0)?.json()?;
    let text =
        |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned).context("no token");
    Ok((text("id")?, text("token")?))
}

fn bearer(token: &str) -> String {
    format!("\r\nAuthorization: Bearer {token}")
}

pub(crate) fn at(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or(Value::Null)
}

/// A line of JSON-RPC to a process, and the answer.
pub(crate) fn ask(
    stdin: &mut ChildStdin,
    stdout: &mut BufReader<ChildStdout>,
    message: &Value,
) -> Result<Value> {
    writeln!(stdin, "{message}")?;
    loop {
        let mut line = String::new();
        ensure!(stdout.read_line(&mut line)? > 0, "it ended");
        let answer: Value =
            serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
        if at(&answer, "/id") == at(message, "/id") {
            return Ok(answer);
        }
    }
}
