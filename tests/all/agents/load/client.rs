//! One client: a connection that is kept, one call after the other, each answer read to its last byte and
//! looked at. A client that ignores what it is told measures nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// Where it calls, and as whom.
pub(super) struct Target {
    pub(super) address: String,
    pub(super) token: String,
    /// Whether the host is to be stopped meanwhile: only then may it hang up, cancel, or not be there.
    pub(super) may_stop: bool,
}

/// What it calls.
pub(super) struct Story {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
}

/// What it was told.
#[derive(Default)]
pub(super) struct Heard {
    /// How long each answered call took.
    pub(super) took: Vec<Duration>,
    /// Each answer: invocation and status.
    pub(super) answered: Vec<(String, String)>,
    /// What must not be, each with what was said.
    pub(super) wrong: Vec<String>,
}

/// Calls until told to stop, or until the host refuses because it is stopping.
pub(super) fn call_until(target: &Target, story: &Story, stop: &AtomicBool) -> Heard {
    let mut heard = Heard::default();
    let request = request(target, story);
    let mut connection = None;
    while !stop.load(Ordering::Acquire) {
        let stream = match connection.take().map_or_else(|| connect(&target.address), Ok) {
            Ok(stream) => stream,
            Err(_) if target.may_stop => break,
            Err(error) => {
                heard.wrong.push(format!("it cannot be reached: {error}"));
                break;
            }
        };
        let started = Instant::now();
        match exchange(stream, &request) {
            Ok((stream, 200, body)) => match outcome(&body) {
                Ok(outcome)
                    if outcome.1 == "done" || (target.may_stop && outcome.1 == "cancelled") =>
                {
                    heard.took.push(started.elapsed());
                    heard.answered.push(outcome);
                    connection = stream;
                }
                Ok(outcome) if target.may_stop && outcome.1 == "shutting-down" => break,
                Ok(_) => heard.wrong.push(body),
                Err(error) => heard.wrong.push(format!("{error}: {body}")),
            },
            Ok((_, 503, body)) if target.may_stop && body.contains("shutting-down") => break,
            Ok((_, status, body)) => heard.wrong.push(format!("{status} {body}")),
            // A connection that is closed between two calls was closed in order.
            Err(error) if target.may_stop && error.downcast_ref::<Closed>().is_some() => {}
            Err(error) => heard.wrong.push(format!("{error:#}")),
        }
        if heard.wrong.len() > 3 {
            break;
        }
    }
    heard
}

/// The host closed the connection before it said anything to a request.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed before an answer")
    }
}

impl std::error::Error for Closed {}

fn connect(address: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(BufReader::new(stream))
}

fn request(target: &Target, story: &Story) -> Vec<u8> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": story.tool, "arguments": story.arguments, "_meta": meta}})
    .to_string();
    let (address, token, tool, length) = (&target.address, &target.token, story.tool, body.len());
    format!("POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// One request and its answer; the connection, where it stays open.
fn exchange(
    mut stream: BufReader<TcpStream>,
    request: &[u8],
) -> Result<(Option<BufReader<TcpStream>>, u16, String)> {
    let gone = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => Closed.into(),
        _ => anyhow::Error::from(error),
    };
    stream.get_mut().write_all(request).map_err(gone)?;
    let mut line = String::new();
    if stream.read_line(&mut line).map_err(gone)? == 0 {
        return Err(Closed.into());
    }
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no status: {line}"))?;
    let (mut length, mut stays) = (None, true);
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the answer was cut off");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.trim().parse::<usize>()?),
            "connection" => stays = !value.contains("close"),
            _ => {}
        }
    }
    let mut body = vec![0; length.context("no length")?];
    stream.read_exact(&mut body).context("the answer was cut off")?;
    Ok((stays.then_some(stream), status, String::from_utf8(body)?))
}

/// Invocation and status of a tool's answer.
fn outcome(body: &str) -> Result<(String, String)> {
    let answer: Value = serde_json::from_str(body)?;
    let text = |pointer: &str| {
        answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Ok((text("/result/structuredContent/invocation"), text("/result/structuredContent/status")))
}
