//! A client that is not ours, over every way in: what only our own client can read is no answer.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use interlock_tests::{interlock, root};
use serde_json::{Value, json};

use super::{Running, Serve, at, clients, desk, token};
use crate::{desk::Desk, journeys::AGENT};

/// The version of the Python SDK that is tried, pinned so that a new one fails on the day it is chosen.
const PYTHON_SDK: &str = "mcp==2.3.0";

/// The Python SDK; `None` where PyPI cannot be reached.
fn python_sdk() -> Result<Option<PathBuf>> {
    let what = format!("the Python SDK ({PYTHON_SDK})");
    clients::installed(&what, &PYTHON_SDK.replace("==", "-"), |into| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
            .args(["--retries", "1", "--timeout", "15", PYTHON_SDK, "--target"])
            .arg(into);
        pip
    })
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
