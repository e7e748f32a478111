//! A client that is one thread and does as little as it can: it writes a request, and reads until it has the last
//! byte of the answer. What it takes itself it takes from every server alike.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

const PROTOCOL: &str = "2025-11-25";
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may take to end, once its input is closed.
const GRACE: Duration = Duration::from_secs(3);

/// A process that is ended with whoever holds it: by its closed input, where it reads one.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let until = Instant::now() + self.0.stdin.take().map_or(Duration::ZERO, |_| GRACE);
        while Instant::now() < until {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn message(id: u64, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn hello() -> Value {
    json!({"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}})
}

/// The result in an answer.
fn result(text: &[u8]) -> Result<Value> {
    let mut answer: Value = serde_json::from_slice(text)
        .with_context(|| format!("no JSON: {}", String::from_utf8_lossy(text)))?;
    let result = answer.get_mut("result").map(Value::take);
    result.with_context(|| format!("no result: {answer}"))
}

/// Fails where a tool did.
fn good(result: &Value) -> Result<()> {
    let failed = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
    ensure!(!failed && result.get("content").is_some(), "the tool failed: {result}");
    Ok(())
}

/// A server over pipes.
pub(crate) struct Pipes {
    output: BufReader<ChildStdout>,
    next: u64,
    line: Vec<u8>,
    pub(crate) running: Running,
}

impl Pipes {
    /// Starts a server and says hello.
    ///
    /// # Errors
    /// One that cannot be started, or does not answer.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut running = Running(command.spawn().context("the server cannot be started")?);
        // As much as node and Python read at once.
        let output = running.0.stdout.take().context("no stdout")?;
        let output = BufReader::with_capacity(64 << 10, output);
        let mut server = Self { output, next: 0, line: Vec::new(), running };
        server.ask("initialize", &hello())?;
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        server.send(&format!("{told}\n"))?;
        Ok(server)
    }

    fn send(&mut self, text: &str) -> Result<()> {
        let input = self.running.0.stdin.as_mut().context("no stdin")?;
        Ok(input.write_all(text.as_bytes())?)
    }

    /// The next answer; what the server says by itself is passed over.
    fn receive(&mut self) -> Result<()> {
        loop {
            self.line.clear();
            ensure!(self.output.read_until(b'\n', &mut self.line)? > 0, "the server is gone");
            if self.line.windows(5).any(|w| w == b"\"id\":") {
                return Ok(());
            }
        }
    }

    /// Asks, and has the result.
    ///
    /// # Errors
    /// An answer that is an error.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.timed(method, params).map(|(_, result)| result)
    }

    /// The same, with the nanoseconds from before the request to the last byte of the answer.
    ///
    /// # Errors
    /// An answer that is an error.
    pub(crate) fn timed(&mut self, method: &str, params: &Value) -> Result<(f64, Value)> {
        self.next += 1;
        let text = message(self.next, method, params) + "\n";
        let start = Instant::now();
        self.send(&text)?;
        self.receive()?;
        let took = start.elapsed().as_nanos() as f64;
        Ok((took, result(&self.line)?))
    }

    /// One call of a tool, in nanoseconds.
    ///
    /// # Errors
    /// A tool that fails.
    pub(crate) fn call(&mut self, params: &Value) -> Result<f64> {
        let (took, result) = self.timed("tools/call", params)?;
        good(&result)?;
        Ok(took)
    }

    /// So many calls with a number of them under way: calls a second.
    ///
    /// # Errors
    /// A tool that fails.
    pub(crate) fn throughput(&mut self, params: &Value, at_once: u64, calls: u64) -> Result<f64> {
        let start = Instant::now();
        let mut sent = 0;
        for answered in 0..calls {
            while sent < calls && sent - answered < at_once {
                self.next += 1;
                let text = message(self.next, "tools/call", params) + "\n";
                self.send(&text)?;
                sent += 1;
            }
            self.receive()?;
            good(&result(&self.line)?)?;
        }
        Ok(calls as f64 / start.elapsed().as_secs_f64())
    }
}

/// A server over HTTP, with a session, on connections that are kept.
pub(crate) struct Http {
    address: String,
    token: Option<String>,
    session: Option<String>,
    connections: Vec<BufReader<TcpStream>>,
    next: u64,
    _running: Running,
}

impl Http {
    /// Starts a server that tells its URL on standard output, and says hello.
    ///
    /// # Errors
    /// One that cannot be started, or does not answer.
    pub(crate) fn start(command: &mut Command, token: Option<String>) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut running = Running(command.spawn().context("the server cannot be started")?);
        let mut lines = BufReader::new(running.0.stdout.take().context("no stdout")?).lines();
        let mut text = String::new();
        let told = loop {
            text.push_str(&lines.next().context("the server ended")??);
            if let Ok(told) = serde_json::from_str::<Value>(&text) {
                break told;
            }
        };
        let url = told.get("url").and_then(Value::as_str).context("no url")?;
        let address = url.strip_prefix("http://").and_then(|u| u.strip_suffix("/mcp"));
        let address = address.context("another url")?.to_owned();
        // Its later lines are read by nobody, and must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        let mut server = Self {
            address,
            token,
            session: None,
            connections: Vec::new(),
            next: 0,
            _running: running,
        };
        server.timed("initialize", &hello())?;
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        server.send(0, &told)?;
        server.receive(0)?;
        Ok(server)
    }

    fn send(&mut self, at: usize, body: &str) -> Result<()> {
        while self.connections.len() <= at {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            self.connections.push(BufReader::new(stream));
        }
        let mut head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        if let Some(token) = &self.token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        if let Some(session) = &self.session {
            head.push_str(&format!(
                "Mcp-Session-Id: {session}\r\nMcp-Protocol-Version: {PROTOCOL}\r\n"
            ));
        }
        let connection = self.connections.get_mut(at).context("no connection")?;
        connection.get_mut().write_all(format!("{head}\r\n{body}").as_bytes())?;
        Ok(())
    }

    /// The body of the next answer on a connection, to its last byte.
    fn receive(&mut self, at: usize) -> Result<Vec<u8>> {
        let connection = self.connections.get_mut(at).context("no connection")?;
        let (mut line, mut length, mut chunked, mut status) =
            (String::new(), 0usize, false, String::new());
        loop {
            line.clear();
            ensure!(connection.read_line(&mut line)? > 0, "the server closed the connection");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            let Some((name, value)) = text.split_once(':') else {
                status = text.to_owned();
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse()?,
                "transfer-encoding" => chunked = true,
                "mcp-session-id" => self.session = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                line.clear();
                ensure!(connection.read_line(&mut line)? > 0, "the answer is cut off");
                let size = usize::from_str_radix(line.trim(), 16)?;
                let mut chunk = vec![0; size + 2];
                connection.read_exact(&mut chunk)?;
                chunk.truncate(size);
                if size == 0 {
                    break;
                }
                body.extend(chunk);
            }
        } else {
            body.resize(length, 0);
            connection.read_exact(&mut body)?;
        }
        ensure!(status.contains(" 20"), "{status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// The result in a body, which may be a stream of events.
    fn read(body: &[u8]) -> Result<Value> {
        if body.first() == Some(&b'{') {
            return result(body);
        }
        for line in String::from_utf8_lossy(body).lines() {
            if let Some(data) = line.strip_prefix("data:")
                && data.contains("\"id\":")
            {
                return result(data.trim().as_bytes());
            }
        }
        bail!("no answer in {}", String::from_utf8_lossy(body))
    }

    fn timed(&mut self, method: &str, params: &Value) -> Result<(f64, Value)> {
        self.next += 1;
        let text = message(self.next, method, params);
        let start = Instant::now();
        self.send(0, &text)?;
        let body = self.receive(0)?;
        let took = start.elapsed().as_nanos() as f64;
        Ok((took, Self::read(&body)?))
    }

    /// One call of a tool, in nanoseconds.
    ///
    /// # Errors
    /// A tool that fails.
    pub(crate) fn call(&mut self, params: &Value) -> Result<f64> {
        let (took, result) = self.timed("tools/call", params)?;
        good(&result)?;
        Ok(took)
    }

    /// So many calls with a number of them under way, each on its own connection: calls a second.
    ///
    /// # Errors
    /// A tool that fails.
    pub(crate) fn throughput(
        &mut self,
        params: &Value,
        at_once: usize,
        calls: usize,
    ) -> Result<f64> {
        let start = Instant::now();
        let (mut sent, mut answered) = (0, 0);
        while answered < calls {
            let at = answered % at_once;
            if sent > answered {
                let body = self.receive(at)?;
                good(&Self::read(&body)?)?;
                answered += 1;
            }
            while sent < calls && sent - answered < at_once {
                self.next += 1;
                let text = message(self.next, "tools/call", params);
                self.send(sent % at_once, &text)?;
                sent += 1;
            }
        }
        Ok(calls as f64 / start.elapsed().as_secs_f64())
    }
}

/// Resident memory of a process, in MiB.
///
/// # Errors
/// A process that is gone.
pub(crate) fn resident_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
