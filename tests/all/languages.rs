//! One plugin, `fix-service`, in each language that has an SDK: what an agent is told of it, what it answers and
//! what it does must be the same, word for word, or the SDKs have come apart.
//!
//! The mistake it stops: a second language in which a denial, a wrong argument or a hint says something else.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufReader;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::{Deployment, interlock, root, staged_plugin};
use serde_json::{Value, json};

use crate::agents::clients::{self, Npm};
use crate::agents::{Running, ask, at};
use crate::journeys::{AGENT, OBSERVE, REMEDIATE};
use crate::replay;

/// What makes components of Python, pinned so that a new one fails on the day it is chosen.
pub(crate) const COMPONENTIZE: &str = "componentize-py==0.25.1";
/// The same of JavaScript.
pub(crate) const COMPONENTIZE_QJS: &str = "componentize-qjs@0.4.5";
const API: &str = r#"{"environment":"prod","service":"api"}"#;
/// What is of one run and not of the plugin. What a service wrote lately depends on who asked it how often.
const OF_THE_RUN: [&str; 4] = ["invocation", "receipt", "pid", "logs"];

/// Calls of one process, for the time that they take.
const CALLS: usize = 10;

/// How often one run of each tool is done again.
const REPLAYS: u32 = 1000;

/// What is called, in order, and how it ends. Before those of the second list the sample is broken.
const WELL: [(&str, &str, i32); 8] = [
    ("diagnose", API, 0),
    ("heal", API, 0),
    ("diagnose", r#"{"environment":"prod","service":"nobody"}"#, 1),
    ("diagnose", r#"{"environment":"other","service":"api"}"#, 3),
    ("diagnose", r#"{"environment":"prod"}"#, 2),
    ("diagnose", r#"{"environment":"prod","service":3}"#, 2),
    ("diagnose", r#"{"environment":"prod","service":"api","more":1}"#, 2),
    ("heal", "[]", 2),
];
const BROKEN: [(&str, &str, i32); 3] =
    [("diagnose", API, 0), ("heal", API, 0), ("diagnose", API, 0)];

/// A component and where its toolchain is; `None`, said loudly, where that cannot be had.
type Built = fn() -> Result<Option<PathBuf>>;

/// `componentize-py` for commands that build: the folders for `PATH` and `PYTHONPATH`.
pub(crate) fn componentize() -> Result<Option<(PathBuf, PathBuf)>> {
    let what = format!("componentize-py ({COMPONENTIZE})");
    let folder = clients::pip(&what, &COMPONENTIZE.replace("==", "-"), &[COMPONENTIZE])?;
    Ok(folder.map(|folder| (folder.join("bin"), folder)))
}

/// `fix-service-python`, by `interlock build`.
fn python() -> Result<Option<PathBuf>> {
    let sources = ["examples/fix-service-python", "guest-sdk/python/interlock_guest"];
    cached("python", COMPONENTIZE, &sources, |folder| {
        let Some((bin, packages)) = componentize()? else { return Ok(None) };
        let path = std::env::var("PATH").unwrap_or_default();
        let mut build = Command::new(interlock()?);
        build.arg("build").arg(folder);
        build.env("PATH", format!("{}:{path}", bin.display())).env("PYTHONPATH", packages);
        Ok(Some((build, "build/fix-service.wasm")))
    })
}

/// `componentize-qjs`, with the Node that runs it.
fn componentize_qjs() -> Result<Option<Npm>> {
    Npm::installed("componentize-qjs", &[COMPONENTIZE_QJS])
}

/// For whoever types `npm install`: a `PATH` with Node, and npm's cache with `componentize-qjs` in it.
pub(crate) fn npm() -> Result<Option<(OsString, PathBuf)>> {
    let Some(npm) = componentize_qjs()? else { return Ok(None) };
    let Some(cache) = clients::npm_cache(&[COMPONENTIZE_QJS])? else { return Ok(None) };
    Ok(Some((npm.path()?, cache)))
}

/// `fix-service-js`, by `interlock build`, with the SDK as `npm install` has it in a checkout: a link.
fn javascript() -> Result<Option<PathBuf>> {
    let sources = ["examples/fix-service-js", "guest-sdk/js"];
    cached("js", COMPONENTIZE_QJS, &sources, |folder| {
        let Some(npm) = componentize_qjs()? else { return Ok(None) };
        let modules = folder.join("node_modules");
        if modules.exists() {
            fs::remove_dir_all(&modules)?;
        }
        fs::create_dir(&modules)?;
        symlink(root().join("guest-sdk/js"), modules.join("interlock-guest"))?;
        let mut build = Command::new(interlock()?);
        build.arg("build").arg(folder).env("PATH", npm.path()?);
        Ok(Some((build, "build/fix-service.wasm")))
    })
}

/// A component that was built of these sources with this tool before, or is built now, in a copy of the first folder.
fn cached(
    language: &str,
    tool: &str,
    sources: &[&str],
    build: impl FnOnce(&Path) -> Result<Option<(Command, &'static str)>>,
) -> Result<Option<PathBuf>> {
    let mut hasher = DefaultHasher::new();
    tool.hash(&mut hasher);
    for source in sources.iter().chain(&["guest-sdk/wit"]) {
        digest(&root().join(source), &mut hasher)?;
    }
    let folder = root().join("target/languages");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{language}-{:016x}.wasm", hasher.finish()));
    if file.is_file() {
        return Ok(Some(file));
    }
    let copy = tempfile::tempdir_in(&folder)?;
    let plugin = copy.path().join("plugin");
    let from = root().join(sources.first().context("no sources")?);
    // Links lead out of the folder; in the copy there are none.
    ensure!(Command::new("cp").arg("-RL").args([&from, &plugin]).status()?.success(), "cp");
    let Some((mut command, built)) = build(&plugin)? else { return Ok(None) };
    let started = Instant::now();
    let ran = command.env("NO_COLOR", "1").stdin(Stdio::null()).output()?;
    println!("{:>8} ms  to build it", started.elapsed().as_millis());
    let said = String::from_utf8_lossy(&ran.stderr) + String::from_utf8_lossy(&ran.stdout);
    ensure!(ran.status.success(), "{command:?} {}\n{said}", ran.status);
    for word in ["diagnose(environment, service)     only reads", "heal(environment, service)"] {
        ensure!(said.contains(word), "the sheet does not say `{word}`:\n{said}");
    }
    fs::rename(plugin.join(built), &file)?;
    Ok(Some(file))
}

/// All files of a folder, names and bytes, but for what was made of them.
fn digest(folder: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        if ["build", "node_modules", "__pycache__"].iter().any(|made| name == *made) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            digest(&entry.path(), hasher)?;
        } else if kind.is_file() {
            name.hash(hasher);
            fs::read(entry.path())?.hash(hasher);
        }
    }
    Ok(())
}

/// What an agent sees: the tools, and an answer. How long the first call of a process takes, and the next ones, is said.
fn over_mcp(deployment: &Deployment) -> Result<[Value; 2]> {
    let mut mcp = Running::start(deployment.path(), &["mcp", "--as", AGENT], &[])?;
    let mut stdin = mcp.0.stdin.take().context("no stdin")?;
    let mut stdout = BufReader::new(mcp.0.stdout.take().context("no stdout")?);
    let mut id = 0;
    let mut asked = |method: &str, params: Value| -> Result<Value> {
        id += 1;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        ask(&mut stdin, &mut stdout, &request)
    };
    let client = json!({"name": "test", "version": "1"});
    asked(
        "initialize",
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}),
    )?;
    let tools = asked("tools/list", json!({}))?;
    let arguments: Value = serde_json::from_str(API)?;
    let (mut answer, mut took) = (Value::Null, Vec::new());
    for _ in 0..CALLS {
        let started = Instant::now();
        let call = json!({"name": "fix-service__diagnose", "arguments": arguments});
        answer = at(&asked("tools/call", call)?, "/result/structuredContent");
        took.push(started.elapsed());
    }
    drop(stdin);
    ensure!(mcp.ended()?.0 == Some(0));
    let first = took.remove(0);
    took.sort();
    let median = took.get(took.len() / 2).context("no calls")?;
    println!(
        "{:>8} ms  the first call of a process, {} ms the median of the next",
        first.as_millis(),
        median.as_millis()
    );
    steady(&mut answer);
    Ok([at(&tools, "/result/tools"), answer])
}

/// A value without what is of one run: identifiers, processes, ports.
fn steady(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if OF_THE_RUN.contains(&name.as_str()) {
                    *value = json!("(of the run)");
                }
                steady(value);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(steady),
        // Ports of services, which the machine chooses, are the only numbers of five digits.
        Value::String(text) => {
            let is_port = |word: &str| word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit());
            let mut said = String::new();
            for word in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
                let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
                said.push_str(&if is_port(digits) {
                    word.replace(digits, "PORT")
                } else {
                    word.into()
                });
            }
            *text = said;
        }
        _ => {}
    }
}

/// Everything that a plugin is asked, in a deployment of its own, and under one name.
fn story(file: &Path) -> Result<Vec<(String, Value)>> {
    let deployment = Deployment::with_sample()?;
    let installed = deployment.install(file, "fix-service", &[OBSERVE, REMEDIATE])?.exit(0)?;
    println!("{:>8} ms  to install {}", installed.time.as_millis(), file.display());
    let [tools, answer] = over_mcp(&deployment)?;
    let mut told = vec![("tools".to_owned(), tools), ("over MCP".to_owned(), answer)];
    let mut call = |when: &str, (tool, arguments, exit): (&str, &str, i32)| -> Result<()> {
        let words = ["call", &format!("fix-service.{tool}"), arguments, "--as", AGENT, "--json"];
        let ran = deployment.run(&words)?.exit(exit)?;
        println!("{:>8} ms  a process for {tool}", ran.time.as_millis());
        let mut answer = ran.json()?;
        steady(&mut answer);
        told.push((format!("{when}: {tool} {arguments}"), answer));
        Ok(())
    };
    for one in WELL {
        call("well", one)?;
    }
    deployment.run(&["sample", "break"])?.exit(0)?;
    for one in BROKEN {
        call("broken", one)?;
    }
    // `uses(observe)`: each component imports `remediate`, and in `diagnose` it is not linked.
    told.push(("links".to_owned(), links(&deployment)?));
    deployment.run(&["journal", "verify"])?.exit(0)?;
    // Every recorded run is done again a few times; of each tool the one with the most capability calls (`heal` then mends
    // the service) a thousand times, because each time a new instance of a whole interpreter starts.
    replay::all_the_same(&deployment, 2)?;
    let started = Instant::now();
    let tools = replay::each_tool_the_same(&deployment, REPLAYS)?;
    println!("{:>8} ms  to replay {tools:?}, {REPLAYS} times each", started.elapsed().as_millis());
    let [(diagnose, looks), (heal, acts)] = tools.as_slice() else { bail!("{tools:?}") };
    ensure!(diagnose == "fix-service.diagnose" && heal == "fix-service.heal", "{tools:?}");
    ensure!(*looks >= 2 && *acts >= 4, "{tools:?}");
    Ok(told)
}

/// For each recorded run: the tool, and of which interfaces anything was linked to something.
fn links(deployment: &Deployment) -> Result<Value> {
    let told = deployment.run(&["journal", "list", "--last", "1000", "--json"])?.exit(0)?.json()?;
    let mut all = Vec::new();
    for leaf in
        told.as_array().context("no list")?.iter().filter(|leaf| leaf["kind"] == "recording")
    {
        let (tool, links) = (at(leaf, "/event/run/tool"), at(leaf, "/event/run/links"));
        let links = links.as_object().context("no links")?;
        let is_live =
            |of: &Value| of.as_object().is_some_and(|of| of.values().any(|one| one == "live"));
        let live: Vec<&String> =
            links.iter().filter(|(_, of)| is_live(of)).map(|(name, _)| name).collect();
        let narrowed = tool == "diagnose" && links.len() == 2 && live.len() == 1;
        ensure!(narrowed || (tool == "heal" && live.len() == 2), "{links:?}");
        all.push(json!([tool, live]));
    }
    Ok(all.into())
}

/// To whoever calls it, the plugin in another language is the one in Rust.
fn is_the_one_in_rust(built: Built) -> Result<()> {
    let Some(file) = built()? else { return Ok(()) };
    let (rust, other) = (story(&staged_plugin("fix_service")?)?, story(&file)?);
    ensure!(rust.len() == other.len());
    for ((asked, rust), (_, other)) in rust.iter().zip(&other) {
        ensure!(rust == other, "{asked}\n  rust  {rust:#}\n  other {other:#}");
    }
    Ok(())
}

#[test]
fn fix_service_in_python_is_the_one_in_rust_to_whoever_calls_it() -> Result<()> {
    is_the_one_in_rust(python)
}

#[test]
fn fix_service_in_javascript_is_the_one_in_rust_to_whoever_calls_it() -> Result<()> {
    is_the_one_in_rust(javascript)
}
