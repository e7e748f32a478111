//! Agents over MCP, with the real binary and with a client that is not ours; tokens, strangers and the door
//! of `serve`; and that the bridge needs nothing but a token.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::{interlock, read, root, staged_plugin};
use serde_json::{Value, json};

use crate::approvals::Desk;
use crate::journeys::AGENT;

/// The version of the Python SDK that is tried, pinned so that a new one fails on the day it is chosen.
const PYTHON_SDK: &str = "mcp==2.3.0";

const SPINNER: &str = r#"(component
  (core module $m (func (export "spin") (loop $l (br $l))))
  (core instance $i (instantiate $m))
  (func (export "spin") (canon lift (core func $i "spin"))))"#;

/// A deployment with people, a tool that destroys, one that only computes, and one that never ends.
fn desk() -> Result<Desk> {
    let desk = Desk::new()?;
    let deployment = &desk.deployment;
    deployment.install(&staged_plugin("word_count")?, "word-count", &[])?.exit(0)?;
    let spinner = deployment.write("spinner.wat", SPINNER)?;
    deployment.install(&spinner, "spinner", &[])?.exit(0)?;
    Ok(desk)
}

/// A child that is ended when it goes out of scope.
struct Running(Child);

impl Running {
    fn start(folder: &Path, words: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
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
    fn ended(&mut self) -> Result<(Option<i32>, String)> {
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
}

impl Serve {
    fn start(folder: &Path) -> Result<Self> {
        Self::start_at(folder, "127.0.0.1:0")
    }

    fn start_at(folder: &Path, listen: &str) -> Result<Self> {
        let words = ["serve", "--listen", listen, "--json"];
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
        Ok(Self { address: address.context("another url")?.to_owned(), running })
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// One request, as bytes say it; gives the status and the whole answer.
    fn raw(&self, head: &str, body: &str) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let length = body.len();
        stream.write_all(
            format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
                .as_bytes(),
        )?;
        let mut answer = String::new();
        // A refusal may come before the body was read, and the rest is then not to be had.
        let _ = stream.read_to_string(&mut answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.with_context(|| format!("no status: {answer}"))?, answer))
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

/// The Python SDK, once for all tests of this checkout; `None`, said loudly, where PyPI cannot be reached.
fn python_sdk() -> Result<Option<PathBuf>> {
    let folder = root().join("target/clients").join(PYTHON_SDK.replace("==", "-"));
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    let parent = folder.parent().context("no parent")?;
    fs::create_dir_all(parent)?;
    let beside = tempfile::tempdir_in(parent)?;
    let pip = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--retries", "1", "--timeout", "15", PYTHON_SDK, "--target"])
        .arg(beside.path())
        .stdin(Stdio::null())
        .output();
    let why = match pip {
        Ok(ran) if ran.status.success() => {
            // Another test may have been quicker; then its folder is as good.
            let _ = fs::rename(beside.path(), &folder);
            return Ok(Some(folder));
        }
        Ok(ran) => String::from_utf8_lossy(&ran.stderr).lines().last().unwrap_or("").to_owned(),
        Err(error) => format!("python3 cannot be run: {error}"),
    };
    // Not by `eprintln`, which is kept from whoever looks at tests that passed.
    writeln!(
        std::io::stderr(),
        "SKIPPED the Python SDK ({PYTHON_SDK}) cannot be installed: {why}"
    )?;
    Ok(None)
}

/// Drives the script to its end; people approve when it says that it waits.
fn drive(
    desk: &Desk,
    sdk: &Path,
    words: &[&str],
    environment: &[(&str, &str)],
) -> Result<Vec<Value>> {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/clients/python_sdk.py")).args(words);
    command
        .current_dir(desk.deployment.path())
        .env("PYTHONPATH", sdk)
        .envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut script = Running(command.spawn()?);
    let stdout = script.0.stdout.take().context("no stdout")?;
    let mut stdin = script.0.stdin.take().context("no stdin")?;
    let mut steps = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let step: Value = serde_json::from_str(&line?)?;
        if at(&step, "/step") == "waits" {
            let text = |name: &str| {
                step.get(name).and_then(Value::as_str).map(str::to_owned).context("no request")
            };
            let asked = (text("request")?, text("document")?);
            desk.approve(&asked, "amira")?.exit(0)?;
            desk.approve(&asked, "li")?.exit(0)?;
            stdin.write_all(b"go\n")?;
        }
        steps.push(step);
    }
    let (code, said) = script.ended()?;
    ensure!(code == Some(0), "{words:?} ended {code:?} after {steps:?}\n{said}");
    ensure!(steps.last().is_some_and(|step| at(step, "/step") == "end"), "{steps:?}");
    Ok(steps)
}

fn at(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or(Value::Null)
}

fn find<'s>(steps: &'s [Value], name: &str) -> Result<&'s Value> {
    steps.iter().find(|step| at(step, "/step") == name).with_context(|| format!("no step `{name}`"))
}

/// What the story of the script must have been, and what the journal says of it.
fn told(desk: &Desk, steps: &[Value]) -> Result<()> {
    let tools = &at(find(steps, "list")?, "/tools");
    ensure!(
        *tools == json!(["rebuild-environment__rebuild", "spinner__spin", "word-count__count"]),
        "{tools}"
    );
    ensure!(at(find(steps, "error")?, "/code") == "invalid-arguments");
    ensure!(at(find(steps, "misuse")?, "/code") == -32602);
    let happened = &at(find(steps, "applied")?, "/happened");
    ensure!(
        at(happened, "/0/class") == "destroy" && at(happened, "/0/status") == "done",
        "{happened}"
    );
    let journal =
        desk.deployment.run(&["journal", "list", "--last", "200", "--json"])?.exit(0)?.json()?;
    let ended = |code: &str| {
        journal
            .as_array()
            .into_iter()
            .flatten()
            .filter(|leaf| {
                leaf.to_string().contains("\"ended\"") && leaf.to_string().contains(code)
            })
            .count()
    };
    ensure!(ended("cancelled") == 1, "a cancelled run is not in the journal: {journal:#}");
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}

#[test]
fn unmodified_python_sdk_over_stdio_of_both_generations() -> Result<()> {
    let Some(sdk) = python_sdk()? else { return Ok(()) };
    let binary = interlock()?.display().to_string();
    for (mode, protocol) in [("legacy", "2025-11-25"), ("auto", "2026-07-28")] {
        let desk = desk()?;
        let steps = drive(&desk, &sdk, &[mode, "stdio", &binary, "mcp", "--as", AGENT], &[])?;
        ensure!(find(&steps, "list")?["protocol"] == protocol, "{steps:?}");
        told(&desk, &steps)?;
    }
    Ok(())
}

#[test]
fn unmodified_python_sdk_over_http_and_through_the_bridge() -> Result<()> {
    let Some(sdk) = python_sdk()? else { return Ok(()) };
    let binary = interlock()?.display().to_string();
    for (mode, protocol) in [("legacy", "2025-11-25"), ("auto", "2026-07-28")] {
        for bridged in [false, true] {
            let desk = desk()?;
            let (_, token) = token(&desk, AGENT, &[])?;
            let serve = Serve::start(desk.deployment.path())?;
            let url = serve.url();
            let words: &[&str] = if bridged {
                &[mode, "stdio", &binary, "mcp", "--connect", &url]
            } else {
                &[mode, "http", &url]
            };
            let steps = drive(&desk, &sdk, words, &[("INTERLOCK_TOKEN", &token)])?;
            ensure!(find(&steps, "list")?["protocol"] == protocol, "{words:?} {steps:?}");
            told(&desk, &steps)?;
        }
    }
    Ok(())
}

#[test]
fn fail_closed_a_token_that_is_not_good_is_refused_and_no_trace_of_one_stays() -> Result<()> {
    let desk = desk()?;
    let (id, good) = token(&desk, AGENT, &["--label", "a test"])?;
    let (_, short) = token(&desk, AGENT, &["--expires", "1s"])?;
    let serve = Serve::start(desk.deployment.path())?;
    ensure!(serve.list(&bearer(&good))?.0 == 200);
    let count = json!({"name": "word-count__count", "arguments": {"text": "one two"}});
    let (status, answer) = serve.post(&bearer(&good), "tools/call", "word-count__count", count)?;
    ensure!(status == 200 && answer.contains("\"done\""), "{answer}");
    std::thread::sleep(Duration::from_millis(1100));
    let mut wrong: Vec<String> = vec![
        String::new(),
        "\r\nAuthorization: Basic aWxrXzpw".to_owned(),
        bearer(""),
        bearer("ilk_000000000000_0"),
        bearer(&format!("{good}0")),
        bearer(&short),
        // Two of them could be read as one here and as the other elsewhere.
        format!("{}{}", bearer("other"), bearer(&good)),
    ];
    for more in &wrong {
        let (status, answer) = serve.list(more)?;
        ensure!(
            status == 401 && answer.to_lowercase().contains("www-authenticate: bearer"),
            "{more}: {answer}"
        );
    }
    desk.deployment.run(&["token", "revoke", &id])?.exit(0)?;
    wrong.push(bearer(&good));
    ensure!(serve.list(&bearer(&good))?.0 == 401, "a revoked token was taken");
    desk.deployment.run(&["token", "revoke", "nobody"])?.exit(2)?;
    let list = desk.deployment.run(&["token", "list"])?.exit(0)?;
    ensure!(list.stdout.contains("revoked") && list.stdout.contains("expired"), "{list}");
    let mut serve = serve;
    serve.running.signal("-TERM")?;
    let (code, said) = serve.running.ended()?;
    ensure!(code == Some(0), "{code:?} {said}");
    // Not in a log, not in the journal, not in any file.
    let secret = good.rsplit('_').next().context("no secret")?;
    ensure!(!said.contains(secret) && !list.stdout.contains(secret));
    for (name, bytes) in desk.deployment.files()? {
        ensure!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{}", name.display());
    }
    Ok(())
}

#[test]
fn a_request_for_another_host_or_from_a_browser_or_too_large_is_refused() -> Result<()> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let serve = Serve::start(desk.deployment.path())?;
    let bearer = bearer(&token);
    for host in ["evil.example", "127.0.0.1.evil.example", "169.254.169.254"] {
        let (status, answer) = serve.list(&format!("{bearer}\r\nHost: {host}"))?;
        ensure!(status == 403 || status == 400, "{host}: {answer}");
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:7420"] {
        let (status, answer) = serve.list(&format!("{bearer}\r\nOrigin: {origin}"))?;
        ensure!(status == 403 || status == 400, "{origin}: {answer}");
    }
    let large = json!({"name": "word-count__count", "arguments": {"text": "x".repeat(5 << 20)}});
    let sent = serve.post(&bearer, "tools/call", "word-count__count", large);
    // The connection may be closed while the body is still being sent.
    ensure!(sent.as_ref().map_or(true, |(status, _)| *status == 413), "{sent:?}");
    ensure!(serve.list(&bearer)?.0 == 200);
    // Health needs no token, tells nothing, and nothing else is there.
    let get =
        |path: &str| serve.raw(&format!("GET {path} HTTP/1.1\r\nHost: {}", serve.address), "");
    ensure!(get("/healthz")?.0 == 200 && get("/readyz")?.0 == 200);
    for path in ["/", "/approvals", "/mcp/../approve", "/api", "/metrics", "/mcp/"] {
        ensure!(get(path)?.0 == 404, "{path}");
    }
    Ok(())
}

#[test]
fn asker_cannot_approve_one_token_sees_nothing_of_anothers_request_or_session() -> Result<()> {
    let desk = desk()?;
    desk.deployment.configure(
        "[agents.oncall-bot]",
        "[agents.stranger]\nteams = [\"sre-agents\"]\n\n[agents.oncall-bot]",
    )?;
    let (_, own) = token(&desk, AGENT, &[])?;
    let (_, other) = token(&desk, "Agent::stranger", &[])?;
    let serve = Serve::start(desk.deployment.path())?;
    let rebuild = "rebuild-environment__rebuild";
    let call = |token: &str, more: Value| {
        let mut arguments = json!({"environment": "prod", "reason": "a test"});
        if let (Some(arguments), Some(more)) = (arguments.as_object_mut(), more.as_object()) {
            arguments.extend(more.clone());
        }
        let params = json!({"name": rebuild, "arguments": arguments});
        serve.post(&bearer(token), "tools/call", rebuild, params)
    };
    let (_, waits) = call(&own, json!({}))?;
    ensure!(waits.contains("approval-required"), "{waits}");
    let at = waits.find("\"request\":\"").context("no request")? + 11;
    let id = waits.get(at..at + 26).context("no id")?.to_owned();
    let (_, answer) = call(&other, json!({"interlock_request": id}))?;
    ensure!(answer.contains("request-unknown"), "{answer}");
    let uri = format!("interlock://request/{id}/document");
    let read =
        |token: &str| serve.post(&bearer(token), "resources/read", &uri, json!({"uri": uri}));
    ensure!(read(&own)?.1.contains("EXACTLY THIS MAY HAPPEN"));
    ensure!(!read(&other)?.1.contains("EXACTLY"), "a stranger read the document");
    // A session of the older generation belongs to whoever began it.
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}).to_string();
    let head = |token: &str, more: &str| {
        format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream{}{more}",
            serve.address,
            bearer(token)
        )
    };
    let (_, answer) = serve.raw(&head(&own, ""), &hello)?;
    let session = answer
        .lines()
        .find_map(|line| line.strip_prefix("mcp-session-id: "))
        .context("no session")?;
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}).to_string();
    let in_session = format!("\r\nMcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-11-25");
    ensure!(serve.raw(&head(&own, &in_session), &list)?.0 == 200);
    ensure!(serve.raw(&head(&other, &in_session), &list)?.0 == 404, "a session was taken over");
    Ok(())
}

#[test]
fn one_agent_in_a_loop_is_slowed_down_and_the_others_are_served() -> Result<()> {
    let desk = desk()?;
    desk.deployment.configure("[agents.oncall-bot]", "[agents.other]\nteams = [\"sre-agents\"]\n\n[serve]\nrate = { count = 5, per = \"1h\" }\n\n[agents.oncall-bot]")?;
    let (_, loops) = token(&desk, AGENT, &[])?;
    let (_, other) = token(&desk, "Agent::other", &[])?;
    let serve = Serve::start(desk.deployment.path())?;
    for _ in 0..5 {
        ensure!(serve.list(&bearer(&loops))?.0 == 200);
    }
    let (status, answer) = serve.list(&bearer(&loops))?;
    ensure!(
        status == 429 && answer.contains("retry-after: ") && answer.contains("rate-limited"),
        "{answer}"
    );
    ensure!(serve.list(&bearer(&other))?.0 == 200);
    Ok(())
}

/// What was accepted has an end in the journal, also where the host is told to stop in the middle of it.
#[test]
fn journal_tells_a_call_that_runs_when_the_host_is_told_to_stop_has_an_end() -> Result<()> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let mut serve = Serve::start(desk.deployment.path())?;
    let (address, head) = (serve.address.clone(), bearer(&token));
    let spins = std::thread::spawn(move || -> Result<String> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "spinner__spin",
            "arguments": {}, "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}}}).to_string();
        let mut stream = TcpStream::connect(&address)?;
        stream.write_all(format!("POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: spinner__spin\r\nContent-Length: {}{head}\r\n\r\n{body}", body.len()).as_bytes())?;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        Ok(answer)
    });
    std::thread::sleep(Duration::from_millis(500));
    serve.running.signal("-TERM")?;
    let (code, said) = serve.running.ended()?;
    ensure!(code == Some(0), "{code:?} {said}");
    let answer = spins.join().map_err(|_| anyhow::anyhow!("the client panicked"))??;
    let journal = desk.deployment.run(&["journal", "list", "--last", "20", "--json"])?.exit(0)?;
    let ends = journal.stdout.contains("cancelled") || journal.stdout.contains("\"time\"");
    ensure!(ends, "no end: {journal}\n{answer}\n{said}");
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}

/// A line of JSON-RPC to a process, and the answer.
fn ask(
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

#[test]
fn the_bridge_has_a_token_and_nothing_else_and_says_what_is_wrong_with_it() -> Result<()> {
    let desk = desk()?;
    let (_, good) = token(&desk, AGENT, &[])?;
    let mut serve = Serve::start(desk.deployment.path())?;
    let elsewhere = tempfile::tempdir()?;
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let url = serve.url();
    let words = ["mcp", "--connect", &url];
    // In a folder where there is no configuration, no key and no journal.
    for (token, works) in [(good.as_str(), true), ("ilk_000000000000_00", false)] {
        let mut bridge = Running::start(elsewhere.path(), &words, &[("INTERLOCK_TOKEN", token)])?;
        let mut stdin = bridge.0.stdin.take().context("no stdin")?;
        let mut stdout = BufReader::new(bridge.0.stdout.take().context("no stdout")?);
        let answer = ask(&mut stdin, &mut stdout, &hello)?;
        if works {
            ensure!(answer["result"]["serverInfo"]["name"] == "interlock", "{answer}");
            writeln!(
                stdin,
                "{}",
                json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
            )?;
            let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
            let tools = ask(&mut stdin, &mut stdout, &list)?;
            ensure!(
                tools["result"]["tools"].as_array().is_some_and(|all| all.len() == 3),
                "{tools}"
            );
            // A host that is started again has forgotten the session; the client does not notice.
            let address = serve.address.clone();
            serve.running.signal("-TERM")?;
            serve.running.ended()?;
            serve = Serve::start_at(desk.deployment.path(), &address)?;
            let tools = ask(&mut stdin, &mut stdout, &list)?;
            ensure!(tools["result"]["tools"].is_array(), "{tools}");
        } else {
            ensure!(
                answer["error"]["message"].as_str().is_some_and(|m| m.contains("token")),
                "{answer}"
            );
        }
        drop(stdin);
        ensure!(bridge.ended()?.0 == Some(0));
    }
    ensure!(fs::read_dir(elsewhere.path())?.next().is_none(), "the bridge wrote something");
    let mut without = Running::start(elsewhere.path(), &words, &[])?;
    let (code, said) = without.ended()?;
    ensure!(code == Some(2) && said.contains("INTERLOCK_TOKEN"), "{code:?} {said}");
    let far = ["mcp", "--connect", "http://host.example:7420/mcp"];
    let mut far = Running::start(elsewhere.path(), &far, &[("INTERLOCK_TOKEN", &good)])?;
    let (code, said) = far.ended()?;
    ensure!(code == Some(2) && said.contains("tunnel"), "{code:?} {said}");
    Ok(())
}

/// A change takes the place of what was there, a client hears of it, and a broken one changes nothing.
#[test]
fn a_running_host_follows_its_configuration_and_not_a_broken_one() -> Result<()> {
    let desk = desk()?;
    let folder = desk.deployment.path();
    let mut host = Running::start(folder, &["mcp", "--as", AGENT], &[])?;
    let mut stdin = host.0.stdin.take().context("no stdin")?;
    let mut stdout = BufReader::new(host.0.stdout.take().context("no stdout")?);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    ask(&mut stdin, &mut stdout, &hello)?;
    writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
    let list =
        |stdin: &mut ChildStdin, stdout: &mut BufReader<ChildStdout>, id: u64| -> Result<usize> {
            let tools =
                ask(stdin, stdout, &json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}))?;
            tools["result"]["tools"].as_array().map(Vec::len).context("no tools")
        };
    ensure!(list(&mut stdin, &mut stdout, 2)? == 3);
    let good = fs::read_to_string(folder.join("interlock.toml"))?;
    fs::write(folder.join("interlock.toml"), "this is = no configuration [")?;
    std::thread::sleep(Duration::from_millis(2500));
    ensure!(list(&mut stdin, &mut stdout, 3)? == 3, "a broken configuration was followed");
    fs::write(folder.join("interlock.toml"), &good)?;
    desk.deployment.run(&["plugin", "remove", "spinner"])?.exit(0)?;
    let mut line = String::new();
    ensure!(stdout.read_line(&mut line)? > 0, "it ended");
    ensure!(line.contains("notifications/tools/list_changed"), "{line}");
    ensure!(list(&mut stdin, &mut stdout, 4)? == 2);
    drop(stdin);
    let (code, said) = host.ended()?;
    ensure!(
        code == Some(0) && said.contains("is not used") && said.contains("is used from here"),
        "{said}"
    );
    Ok(())
}

/// The snippets of the guide are what the clients' own files look like, and name what exists.
#[test]
fn the_snippets_of_the_guide_are_json_and_name_commands_that_exist() -> Result<()> {
    let guide = read("docs/guides/agents.md")?;
    let help = Command::new(interlock()?).args(["mcp", "--help"]).output()?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let mut found = 0;
    for block in guide.split("```json\n").skip(1) {
        let text = block.split("```").next().unwrap_or("");
        let snippet: Value =
            serde_json::from_str(text).with_context(|| format!("not JSON:\n{text}"))?;
        let Some(servers) = snippet.get("mcpServers").or_else(|| snippet.get("servers")) else {
            continue;
        };
        for (name, server) in servers.as_object().context("no servers")? {
            ensure!(name == "interlock", "{name}");
            found += 1;
            if let Some(url) = server.get("url") {
                ensure!(url.as_str().is_some_and(|url| url.ends_with("/mcp")), "{server}");
                ensure!(
                    server["headers"]["Authorization"]
                        .as_str()
                        .is_some_and(|h| h.starts_with("Bearer ")),
                    "{server}"
                );
                continue;
            }
            ensure!(server["command"] == "interlock", "{server}");
            let words: Vec<&str> = server["args"]
                .as_array()
                .context("no args")?
                .iter()
                .filter_map(Value::as_str)
                .collect();
            ensure!(words.first() == Some(&"mcp"), "{words:?}");
            for option in words.iter().filter(|word| word.starts_with("--")) {
                ensure!(help.contains(option), "`interlock mcp` has no {option}");
            }
        }
    }
    ensure!(found >= 4, "only {found} servers in the guide's snippets");
    Ok(())
}
