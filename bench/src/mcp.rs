//! Calls over MCP, as a client feels them: the real binary beside native servers, over pipes and over HTTP. Every
//! server of a comparison runs at the same time, client and servers on one core, and has its turn.

use crate::{
    Run,
    client::{Http, Pipes},
    native,
    pin::OneCore,
    row::{Bound, Row, Unit},
    scene::{Plugin, Scene, runtime},
    stats::{Times, Turn, interleaved},
};
use anyhow::{Context, Result, bail};
use interlock::{Config, tokens::Tokens};
use serde_json::{Value, json};
use std::{fmt::Display, path::Path, process::Command};

const STDIO: &str = "MCP `tools/call` on stdio, client and server on one core";
const HTTP: &str = "MCP `tools/call` over HTTP";
const FLOOR: &str = "native rmcp echo server";

/// A plain component that says what it is told.
pub(crate) const ECHO: &str = r#"(component
  (core module $m
    (memory (export "mem") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1)) (i32.const 8)))
  (core instance $i (instantiate $m))
  (alias core export $i "mem" (core memory $mem))
  (alias core export $i "realloc" (core func $realloc))
  (func (export "echo") (param "s" string) (result string)
    (canon lift (core func $i "echo") (memory $mem) (realloc (func $realloc)))))"#;

const PYTHON: &str = include_str!("servers/echo.py");
const NODE: &str = include_str!("servers/echo.js");

/// `interlock mcp` of a deployment.
pub(crate) fn interlock_mcp(run: &Run, scene: &Path) -> Command {
    let mut command = Command::new(&run.binary);
    command.arg("--config").arg(scene.join("interlock.toml"));
    command.args(["mcp", "--as", "Agent::bot", "--log-level", "error"]);
    command
}

fn native(transport: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([native::ROLE, transport]);
    Ok(command)
}

fn script(program: &str, text: &str) -> Command {
    let mut command = Command::new(program);
    // Python's `-c` and node's `-e`.
    command.arg(if program == "node" { "-e" } else { "-c" }).arg(text);
    command
}

fn echo() -> Value {
    json!({"name": "echo", "arguments": {"s": "hello"}})
}

fn ours() -> Value {
    json!({"name": "echo__echo", "arguments": {"s": "hello"}})
}

fn counted() -> Value {
    json!({"name": "word-count__count", "arguments": {"text": "to be or not to be"}})
}

pub(crate) fn scene(run: &Run, more: &str) -> Result<Scene> {
    let (count, echo) = (run.word_count()?, wat::parse_str(ECHO)?);
    let plugins = [
        Plugin { name: "echo".into(), bytes: &echo, grants: "" },
        Plugin { name: "word-count".into(), bytes: &count, grants: "" },
    ];
    let scene = Scene::new(&run.root, &plugins, more)?;
    scene.compile(&runtime()?)?;
    Ok(scene)
}

fn took(all: &[Times], at: usize) -> Result<&Times> {
    all.get(at).context("one is missing")
}

pub(crate) fn stdio(run: &Run) -> Result<Vec<Row>> {
    let scene = scene(run, "[serve]\nconcurrent = 64\n")?;
    let mut rows = Vec::new();
    {
        let _core = OneCore::hold()?;
        let mut host = Pipes::start(&mut interlock_mcp(run, scene.path()))?;
        let mut floor = Pipes::start(&mut native("stdio")?)?;
        let mut pipes = Pipes::start(&mut native("pipes")?)?;
        let host = std::cell::RefCell::new(&mut host);
        let mut turns: [Turn<'_>; 4] = [
            Box::new(|| host.borrow_mut().call(&ours())),
            Box::new(|| floor.call(&echo())),
            Box::new(|| pipes.call(&echo())),
            Box::new(|| host.borrow_mut().call(&counted())),
        ];
        let all = interleaved(&mut turns, 50, run.time(3))?;
        let (ours, floor) = (took(&all, 0)?, took(&all, 1)?);
        rows.push(
            Row::new("mcp-stdio", STDIO, Unit::Micros, Bound::Ratio(1.2))
                .times(ours)
                .floor("native rmcp echo server as its documentation says", floor.p50_us())
                .note("a component that echoes; the journal's thread is on the same core"),
        );
        rows.push(
            Row::new("mcp-stdio-p99", STDIO, Unit::Micros, Bound::AtMost(150.0))
                .value(ours.us(99))
                .note(format!("p99; the native server's was {:.0} µs", floor.us(99))),
        );
        rows.push(
            Row::new("mcp-stdio-pipes", "", Unit::Micros, Bound::Told)
                .times(took(&all, 2)?)
                .note("the native server over tokio's pipes"),
        );
        rows.push(
            Row::new("mcp-stdio-sdk", "", Unit::Micros, Bound::Told)
                .times(took(&all, 3)?)
                .note("word-count.count, a plugin of the SDK, on the same host"),
        );
    }
    rows.extend(others(run)?);
    let calls = if run.smoke { 64 } else { 2000 };
    for (name, at_once) in [("stdio-rate-1", 1), ("stdio-rate-8", 8), ("stdio-rate-64", 64)] {
        let mut host = Pipes::start(&mut interlock_mcp(run, scene.path()))?;
        let mut floor = Pipes::start(&mut native("pipes")?)?;
        host.throughput(&ours(), at_once, calls / 10)?;
        let rate = host.throughput(&ours(), at_once, calls)?;
        let native = floor.throughput(&echo(), at_once, calls)?;
        rows.push(told_rate(name, "on stdio", at_once, rate, native));
    }
    Ok(rows)
}

/// Calls a second, beside the native server's.
fn told_rate(name: &'static str, over: &str, at_once: impl Display, rate: f64, native: f64) -> Row {
    Row::new(name, "", Unit::PerSecond, Bound::Told)
        .value(rate)
        .floor(FLOOR, native)
        .note(format!("calls a second {over}, {at_once} in flight, all cores"))
}

/// Servers in other languages, and a process for each call: told beside, with no bound.
fn others(run: &Run) -> Result<Vec<Row>> {
    let _core = OneCore::hold()?;
    let row = |name| Row::new(name, "", Unit::Micros, Bound::Told);
    let mut rows = Vec::new();
    for (name, program, text) in
        [("python-server", "python3", PYTHON), ("node-server", "node", NODE)]
    {
        let note = format!("an echo server of a few lines in {program}, without any SDK");
        rows.push(match Pipes::start(&mut script(program, text)) {
            Err(error) => row(name).not_measured(format!("{error:#}")),
            Ok(mut server) => {
                let mut turns: [Turn<'_>; 1] = [Box::new(|| server.call(&echo()))];
                row(name).times(took(&interleaved(&mut turns, 50, run.time(1))?, 0)?).note(note)
            }
        });
    }
    let mut turns: [Turn<'_>; 1] = [Box::new(|| {
        crate::stats::timed(|| match Command::new("/bin/true").status()?.success() {
            true => Ok(()),
            false => bail!("`/bin/true` is false"),
        })
    })];
    let times = interleaved(&mut turns, 20, run.time(1))?;
    rows.push(row("fork-exec").times(took(&times, 0)?).note("start and end of `/bin/true`"));
    Ok(rows)
}

pub(crate) fn http(run: &Run) -> Result<Vec<Row>> {
    let more = "[serve]\nrate = { count = 100000000, per = \"1m\" }\nconcurrent = 64\n";
    let scene = scene(run, more)?;
    let config = Config::load(&scene.file())?;
    let (_, token) =
        Tokens::in_state(&config.state).create(&"Agent::bot".parse()?, "bench", 3600)?;
    let serve = || {
        let mut command = Command::new(&run.binary);
        command.arg("--config").arg(scene.file());
        command.args(["serve", "--listen", "127.0.0.1:0", "--json", "--log-level", "error"]);
        command
    };
    let mut rows = Vec::new();
    {
        let _core = OneCore::hold()?;
        let mut host = Http::start(&mut serve(), Some(token.clone()))?;
        let mut floor = Http::start(&mut native("http")?, None)?;
        let mut turns: [Turn<'_>; 2] =
            [Box::new(|| host.call(&ours())), Box::new(|| floor.call(&echo()))];
        let all = interleaved(&mut turns, 50, run.time(3))?;
        let (ours, native) = (took(&all, 0)?, took(&all, 1)?);
        rows.push(
            Row::new("mcp-http", HTTP, Unit::Micros, Bound::Ratio(1.3))
                .times(ours)
                .floor("the same native server over HTTP, TCP_NODELAY", native.p50_us())
                .note("session mode; client and servers on one core"),
        );
    }
    let calls = if run.smoke { 64 } else { 2000 };
    let mut host = Http::start(&mut serve(), Some(token))?;
    let mut floor = Http::start(&mut native("http")?, None)?;
    for (name, at_once) in [("http-rate-1", 1), ("http-rate-8", 8), ("http-rate-64", 64)] {
        host.throughput(&ours(), at_once, calls / 10)?;
        let rate = host.throughput(&ours(), at_once, calls)?;
        let native = floor.throughput(&echo(), at_once, calls)?;
        rows.push(told_rate(name, "over HTTP", at_once, rate, native));
    }
    Ok(rows)
}
