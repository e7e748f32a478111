//! One plugin, `fix-service`, in each language that has an SDK: what an agent is told of it, what it answers and
//! what it does must be the same, word for word, or the SDKs have come apart.
//!
//! The mistake it stops: a second language in which a denial, a wrong argument or a hint says something else.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, interlock, root, staged_plugin};
use serde_json::{Value, json};

use crate::agents::clients;
use crate::agents::{Running, ask};
use crate::journeys::{AGENT, OBSERVE, REMEDIATE};
use crate::replay;

/// What makes components of Python, pinned so that a new one fails on the day it is chosen.
pub(crate) const COMPONENTIZE: &str = "componentize-py==0.25.1";
const API: &str = r#"{"environment":"prod","service":"api"}"#;
/// What is of one run and not of the plugin. `bytes` is what the compiled code takes.
const OF_THE_RUN: [&str; 3] = ["invocation", "pid", "started"];

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
    let ran = command.env("NO_COLOR", "1").stdin(Stdio::null()).output()?;
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

/// The tools as an agent sees them.
fn listed(deployment: &Deployment) -> Result<Value> {
    let mut mcp = Running::start(deployment.path(), &["mcp", "--as", AGENT], &[])?;
    let mut stdin = mcp.0.stdin.take().context("no stdin")?;
    let mut stdout = BufReader::new(mcp.0.stdout.take().context("no stdout")?);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    ask(&mut stdin, &mut stdout, &hello)?;
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let told = ask(&mut stdin, &mut stdout, &list)?;
    drop(stdin);
    ensure!(mcp.ended()?.0 == Some(0));
    Ok(told["result"]["tools"].clone())
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
    println!("{:>7.1}s  installed {}", installed.time.as_secs_f64(), file.display());
    let mut told = vec![("tools".to_owned(), listed(&deployment)?)];
    let mut call = |when: &str, (tool, arguments, exit): (&str, &str, i32)| -> Result<()> {
        let words = ["call", &format!("fix-service.{tool}"), arguments, "--as", AGENT, "--json"];
        let ran = deployment.run(&words)?.exit(exit)?;
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
    // INVARIANT of `uses(observe)`: the component imports `remediate`, and in `diagnose` it is not linked.
    told.push(("links".to_owned(), links(&deployment)?));
    deployment.run(&["journal", "verify"])?.exit(0)?;
    replay::all_the_same(&deployment, 5)?;
    Ok(told)
}

/// What was linked for each run, as its recording has it.
fn links(deployment: &Deployment) -> Result<Value> {
    let told = deployment.run(&["journal", "list", "--last", "1000", "--json"])?.exit(0)?.json()?;
    let all = told.as_array().context("no list")?.iter();
    Ok(all
        .filter(|leaf| leaf["kind"] == "recording")
        .map(|leaf| leaf["event"]["run"].clone())
        .collect())
}

/// To whoever calls it, the plugin in another language is the one in Rust.
fn is_the_one_in_rust(built: Built) -> Result<()> {
    let Some(file) = built()? else { return Ok(()) };
    let (rust, other) = (story(&staged_plugin("fix_service")?)?, story(&file)?);
    ensure!(rust.len() == other.len());
    for ((asked, rust), (_, other)) in rust.iter().zip(&other) {
        println!("{asked}\n  rust  {rust}\n  other {other}");
    }
    for ((asked, rust), (_, other)) in rust.iter().zip(&other) {
        ensure!(rust == other, "{asked}\n  rust  {rust:#}\n  other {other:#}");
    }
    Ok(())
}

#[test]
fn fix_service_in_python_is_the_one_in_rust_to_whoever_calls_it() -> Result<()> {
    is_the_one_in_rust(python)
}
