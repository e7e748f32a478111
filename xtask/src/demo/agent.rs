//! The agent: a client that speaks MCP, line by line, to `interlock mcp --connect`.
//!
//! The bridge is a process apart, in an empty folder, with an environment that holds a token and nothing else.
//! The mistake it stops: an agent in the story that is refused something it could have taken by itself.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::serving;

const VERSION: &str = "2025-11-25";
/// The longest that an answer may take; a run in the story is over in seconds.
const ANSWER: Duration = Duration::from_secs(60);
const CHANGED: &str = "notifications/tools/list_changed";

/// A connected agent.
pub(crate) struct Agent {
    bridge: Child,
    stdin: ChildStdin,
    heard: Receiver<Value>,
    /// How often the host said that the tools changed, since that was last asked for.
    changes: usize,
    next: u64,
    log: PathBuf,
    /// What the host said of itself.
    pub(crate) host: Value,
}

/// The result of a request, or the JSON-RPC error instead.
pub(crate) type Reply = std::result::Result<Value, Value>;

impl Agent {
    /// Starts the bridge in `folder` and opens a session.
    pub(crate) fn connect(
        binary: &Path,
        folder: &Path,
        log: PathBuf,
        url: &str,
        token: &str,
    ) -> Result<Self> {
        let stderr =
            File::create(&log).with_context(|| format!("could not create `{}`", log.display()))?;
        let mut bridge = Command::new(binary)
            .args(["mcp", "--connect", url])
            .current_dir(folder)
            .env_clear()
            .env("INTERLOCK_TOKEN", token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .context("could not start the bridge")?;
        let stdin = bridge.stdin.take().context("the bridge has no stdin")?;
        let stdout = bridge.stdout.take().context("the bridge has no stdout")?;
        let (send, heard) = mpsc::channel();
        // A thread, so that waiting for a line can have an end.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // What is not JSON is no message; whoever waits for one says so.
                let Ok(message) = serde_json::from_str(&line) else { continue };
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        let mut agent = Self { bridge, stdin, heard, changes: 0, next: 0, log, host: Value::Null };
        let client = json!({"name": "xtask demo", "version": env!("CARGO_PKG_VERSION")});
        let hello = json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client});
        match agent.ask("initialize", &hello)? {
            Ok(host) => agent.host = host,
            Err(error) => bail!("the host refused `initialize`: {error}"),
        }
        agent.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(agent)
    }

    /// The bridge's process.
    pub(crate) fn pid(&self) -> u32 {
        self.bridge.id()
    }

    /// A request and its answer.
    ///
    /// # Errors
    /// When none comes in time, or the bridge has ended.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Reply> {
        self.next += 1;
        let id = json!(self.next);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        let until = Instant::now() + ANSWER;
        loop {
            let Some(mut message) = self.hear(until)? else {
                bail!("`{method}` was not answered within {} seconds", ANSWER.as_secs());
            };
            // The host numbers its own requests as it likes.
            if message.get("id") != Some(&id) || message.get("method").is_some() {
                continue;
            }
            if let Some(error) = message.get_mut("error") {
                return Ok(Err(error.take()));
            }
            let result = message.get_mut("result").map(Value::take);
            return Ok(Ok(result.context("an answer has neither a result nor an error")?));
        }
    }

    /// Waits until the host says that the tools changed; `false` if it does not within `limit`.
    ///
    /// # Errors
    /// When the bridge has ended.
    pub(crate) fn hears_of_change(&mut self, limit: Duration) -> Result<bool> {
        let until = Instant::now() + limit;
        while self.changes == 0 {
            if self.hear(until)?.is_none() {
                return Ok(false);
            }
        }
        self.changes = 0;
        Ok(true)
    }

    /// Hangs up; gives the bridge's exit code.
    ///
    /// # Errors
    /// When the bridge does not end.
    pub(crate) fn leave(self) -> Result<i32> {
        let Self { mut bridge, stdin, .. } = self;
        drop(stdin);
        serving::ended(&mut bridge).context("the bridge")
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        writeln!(self.stdin, "{message}").with_context(|| self.gone())
    }

    /// The next answer; `None` when the time is up. What the host says by itself is noted on the way.
    fn hear(&mut self, until: Instant) -> Result<Option<Value>> {
        let left = until.saturating_duration_since(Instant::now());
        let message = match self.heard.recv_timeout(left) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!(self.gone()),
        };
        match (message.get("method").and_then(Value::as_str), message.get("id")) {
            (Some(CHANGED), None) => self.changes += 1,
            (Some("ping"), Some(id)) => {
                let pong = json!({"jsonrpc": "2.0", "id": id, "result": {}});
                self.send(&pong)?;
            }
            _ => {}
        }
        Ok(Some(message))
    }

    fn gone(&self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        format!("the bridge has ended: {}", said.trim())
    }
}
