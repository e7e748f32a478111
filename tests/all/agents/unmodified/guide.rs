//! What docs/guides/agents.md shows, done as it is shown: its configurations start a client that reaches the host,
//! and where a client knows tasks a call waits for people by itself. A snippet that does not work is worse than none.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::{interlock, read};
use serde_json::{Value, json};

use super::inspector::{INSPECTOR, Inspector, REBUILD, call};
use super::{Running, Serve, approved, at, desk, destroyed, python, token, typescript};
use crate::{desk::Desk, journeys::AGENT};

/// The words with which the Inspector finds a snippet, as the guide has them.
const CONFIGURED: [&str; 4] = ["--config", "inspector.json", "--server", "interlock"];

/// The configurations of `mcpServers` in the guide, with a path, an address and a token that are there.
fn snippets(desk: &Desk, serve: &Serve, token: &str) -> Result<Vec<Value>> {
    let folder = desk.deployment.path();
    fs::write(folder.join("token"), token)?;
    let guide = read("docs/guides/agents.md")?;
    let blocks = guide.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut all = Vec::new();
    for block in blocks.filter(|block| block.contains("\"mcpServers\"")) {
        let text = block
            .replace("http://127.0.0.1:7420/mcp", &serve.url())
            .replace("/srv/actions", &folder.display().to_string())
            .replace("${INTERLOCK_TOKEN}", token);
        let mut snippet: Value = serde_json::from_str(&text)?;
        let command = snippet.pointer_mut("/mcpServers/interlock/command").context("no command")?;
        *command = json!(interlock()?.display().to_string());
        all.push(snippet);
    }
    Ok(all)
}

#[test]
fn the_guide_names_the_versions_and_the_words_that_are_tried() -> Result<()> {
    let guide = read("docs/guides/agents.md")?;
    let words = format!("inspector --cli {} --method tools/list", CONFIGURED.join(" "));
    for name in [&[python::SDK, INSPECTOR, &words], &typescript::SDK[..]].concat() {
        ensure!(guide.contains(name), "the guide does not have `{name}`");
    }
    Ok(())
}

/// In 2026-07-28 the Inspector knows tasks: one call is held until people have agreed, and ends with what came of it.
#[test]
fn unmodified_inspector_with_the_snippets_of_the_guide_and_a_call_that_is_held_as_a_task()
-> Result<()> {
    let desk = desk()?;
    let Some(mut inspector) = Inspector::installed(&desk)? else { return Ok(()) };
    let (_, token) = token(&desk, AGENT, &[])?;
    let serve = Serve::start(desk.deployment.path())?;
    let snippets = snippets(&desk, &serve, &token)?;
    ensure!(snippets.len() >= 3, "only {snippets:?}");
    inspector.to(&CONFIGURED);
    for snippet in snippets {
        desk.deployment.write("inspector.json", snippet.to_string())?;
        let tools = inspector.result(&["tools/list"])?;
        ensure!(tools["tools"].as_array().is_some_and(|all| all.len() == 3), "{snippet}: {tools}");
    }
    let arguments = json!({"environment": "prod", "reason": "a test"}).to_string();
    let mut held = inspector.command(&call(REBUILD, &arguments));
    held.args(["--protocol-era", "modern"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut held = Running(held.spawn()?);
    approved(&desk, &pending(&desk, &mut held)?)?;
    let stdout = held.0.stdout.take().context("no stdout")?;
    let (code, said) = held.ended()?;
    let done: Value = serde_json::from_reader(stdout).with_context(|| said.clone())?;
    let done = at(&done, "/result/structuredContent");
    ensure!(code == Some(0) && at(&done, "/status") == "done", "{code:?} {done} {said}");
    destroyed(&at(&done, "/happened"))
}

/// The request that waits, while the call that made it is held.
fn pending(desk: &Desk, held: &mut Running) -> Result<Value> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        if held.0.try_wait()?.is_some() {
            bail!("the call was not held: {:?}", held.ended()?);
        }
        let all = desk.deployment.run(&["approval", "list", "--json"])?.exit(0)?.json()?;
        if let Some(one) =
            all.as_array().and_then(|all| all.iter().find(|one| at(one, "/state") == "pending"))
        {
            return Ok(one.clone());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    bail!("nothing waits")
}
