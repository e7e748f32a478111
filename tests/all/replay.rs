//! Recorded runs, done again with the real binary: what every example did, a thousand times, and what another
//! build of a plugin does otherwise.
//!
//! The mistake it stops: a plugin whose tests pass, and that does something else to production than the build
//! before it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, root, staged_plugin};
use serde_json::Value;

use crate::desk::{Desk, code_of};
use crate::journeys::AGENT;

const API: &str = r#"{"environment":"prod","service":"api"}"#;
const GRANTS: [&str; 3] = [
    "interlock:environment/observe@0.1.0=environment/prod",
    "interlock:environment/remediate@0.1.0=environment/prod",
    "interlock:environment/teardown@0.1.0=environment/prod",
];

/// An invocation that has a recording.
struct Recorded {
    invocation: String,
    /// `(not kept)`, where nothing of it can be done again.
    plugin: String,
    tool: String,
    /// How many capability calls it made.
    calls: usize,
}

/// The invocations of a deployment that have a recording.
fn recorded(deployment: &Deployment) -> Result<Vec<Recorded>> {
    let told = deployment.run(&["journal", "list", "--last", "1000", "--json"])?.exit(0)?.json()?;
    let all = told.as_array().context("no list")?.iter();
    let mut found: Vec<Recorded> = Vec::new();
    for leaf in all.filter(|leaf| leaf.get("kind").is_some_and(|kind| kind == "recording")) {
        let text = |pointer: &str| leaf.pointer(pointer).and_then(Value::as_str);
        let invocation = text("/event/invocation").context("no invocation")?.to_owned();
        if found.last().is_some_and(|last| last.invocation == invocation) {
            continue;
        }
        let plugin = text("/event/run/plugin").unwrap_or("(not kept)").to_owned();
        let tool = text("/event/run/tool").unwrap_or_default().to_owned();
        let calls = leaf.pointer("/event/run/calls").and_then(Value::as_array).map_or(0, Vec::len);
        found.push(Recorded { invocation, plugin, tool, calls });
    }
    Ok(found)
}

/// One invocation is the same when it is done again, so many times.
fn the_same(deployment: &Deployment, invocation: &str, times: u32) -> Result<()> {
    let words = ["replay", invocation, "--times", &times.to_string(), "--json"];
    let told = deployment.run(&words)?.exit(0)?.json()?;
    let is = |value: &Value, name: &str, word: &str| value.get(name).is_some_and(|v| v == word);
    let as_often = told.get("times").is_some_and(|value| *value == times);
    ensure!(is(&told, "status", "same") && as_often, "{told}");
    for run in told.get("runs").and_then(Value::as_array).context("no runs")? {
        let all = run.get("answered") == run.get("calls");
        ensure!(is(run, "verdict", "same") && all, "{run}");
    }
    Ok(())
}

/// Everything that was recorded in a deployment is the same when it is done again, so many times. Gives the
/// plugins.
pub(crate) fn all_the_same(deployment: &Deployment, times: u32) -> Result<Vec<String>> {
    let mut plugins = Vec::new();
    for run in recorded(deployment)?.into_iter().filter(|run| run.plugin != "(not kept)") {
        the_same(deployment, &run.invocation, times)?;
        plugins.push(run.plugin);
    }
    plugins.sort();
    plugins.dedup();
    Ok(plugins)
}

/// Of each tool the recorded run that made the most capability calls is the same so many times. Gives the tools, with the
/// number of those calls.
pub(crate) fn each_tool_the_same(
    deployment: &Deployment,
    times: u32,
) -> Result<Vec<(String, usize)>> {
    let mut longest: BTreeMap<String, Recorded> = BTreeMap::new();
    for run in recorded(deployment)?.into_iter().filter(|run| run.plugin != "(not kept)") {
        let tool = format!("{}.{}", run.plugin, run.tool);
        if longest.get(&tool).is_none_or(|known| known.calls < run.calls) {
            longest.insert(tool, run);
        }
    }
    for run in longest.values() {
        the_same(deployment, &run.invocation, times)?;
    }
    Ok(longest.into_iter().map(|(tool, run)| (tool, run.calls)).collect())
}

#[test]
fn what_every_example_did_it_does_again_a_thousand_times() -> Result<()> {
    let desk = Desk::rebuild()?;
    let deployment = &desk.deployment;
    let [observe, remediate, _] = GRANTS;
    deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[observe, remediate])?
        .exit(0)?;
    deployment.install(&staged_plugin("overreach")?, "overreach", &GRANTS)?.exit(0)?;
    deployment.install(&staged_plugin("word_count")?, "word-count", &[])?.exit(0)?;
    fs::create_dir(deployment.path().join("notes"))?;
    deployment.write("notes/one.md", "a note\n")?;
    let notes = staged_plugin("read_notes")?.display().to_string();
    let words = ["plugin", "install", &notes, "--name", "read-notes", "--preopen", "notes=/notes"];
    deployment.run(&words)?.exit(0)?;
    let call = |tool: &str, arguments: &str, exit| {
        deployment.run(&["call", tool, arguments, "--as", AGENT, "--json"])?.exit(exit)?.json()
    };

    call("word-count.count", r#"{"text":"one two two"}"#, 0)?;
    call("fix-service.diagnose", API, 0)?;
    call("fix-service.diagnose", r#"{"environment":"prod","service":"nobody"}"#, 1)?;
    call("fix-service.diagnose", r#"{"environment":"other","service":"api"}"#, 3)?;
    deployment.run(&["sample", "break"])?.exit(0)?;
    let healed = call("fix-service.heal", API, 0)?;
    ensure!(healed["happened"].as_array().is_some_and(|all| !all.is_empty()), "{healed}");
    // Planned, approved by two, applied: two runs in all.
    let request = desk.approved()?;
    let applied = desk.call(&["--request", &request])?.exit(0)?.json()?;
    call("overreach.heal", API, 4)?;
    let read = call("read-notes.list", "{}", 0)?;

    let before = deployment.sample()?;
    let plugins = all_the_same(deployment, 1000)?;
    let all = ["fix-service", "overreach", "rebuild-environment", "word-count"];
    ensure!(plugins == all, "{plugins:?}");
    ensure!(deployment.sample()? == before, "a replay touched the world");

    // Asked for by a person.
    let id = applied["invocation"].as_str().context("no invocation")?;
    let said = deployment.run(&["replay", id])?.exit(0)?;
    said.says(&["rebuild-environment.rebuild", "applied, ", "the same"])?;
    // What it read is not in the journal.
    let id = read["invocation"].as_str().context("no invocation")?;
    let told = deployment.run(&["replay", id, "--json"])?.exit(3)?;
    ensure!(code_of(&told)? == "not-recorded", "{told}");
    told.says(&["could read folders"])?;
    Ok(())
}

#[test]
fn another_build_is_told_apart_at_its_step() -> Result<()> {
    let desk = Desk::counted("configure", GRANTS[1])?;
    let deployment = &desk.deployment;
    let done = desk.call(&[])?.exit(0)?.json()?;
    let id = done["invocation"].as_str().context("no invocation")?;
    let files = deployment.files()?;
    let text = fs::read_to_string(root().join("tests/cases/counted/configure.wat"))?;
    let build = |name: &str, old: &str, new: &str| -> Result<String> {
        ensure!(text.matches(old).count() == 1, "`{old}` is not there once");
        // Away from the deployment: what is in it must not change.
        let path = desk.keys.path().join(name);
        fs::write(&path, text.replace(old, new))?;
        Ok(path.display().to_string())
    };

    // Its second effect writes something else.
    let other = build("other.wat", "\"two\"", "\"owt\"")?;
    let said = deployment.run(&["replay", id, "--plugin", &other])?.exit(3)?;
    said.says(&[
        "configure.three",
        "differs",
        "at capability call 2 of 3",
        r#"recorded  interlock:environment/remediate@0.1.0#set-config ["prod","api","two"]"#,
        r#"replayed  interlock:environment/remediate@0.1.0#set-config ["prod","api","owt"]"#,
        "another build of `configure`",
    ])?;
    let told = deployment.run(&["replay", id, "--plugin", &other, "--json"])?.exit(3)?.json()?;
    ensure!(told["status"] == "differs" && told["runs"][0]["at"] == 2, "{told}");
    // Other bytes, the same deeds.
    let same = build("same.wat", "(memory (export \"mem\") 2)", "(memory (export \"mem\") 3)")?;
    deployment
        .run(&["replay", id, "--plugin", &same, "--times", "10"])?
        .exit(0)?
        .says(&["the same, 10 times"])?;
    // What the recorded run could not reach is not run at all.
    let overreach = staged_plugin("overreach")?.display().to_string();
    let told = deployment.run(&["replay", id, "--plugin", &overreach, "--json"])?.exit(3)?;
    ensure!(code_of(&told)? == "other-imports", "{told}");
    told.says(&["interlock:environment/teardown@0.1.0", "nothing was run"])?;
    // Nothing that was asked here changed anything but compiled artifacts.
    let kept = |path: &std::path::Path| !path.starts_with(".interlock");
    let after = deployment.files()?;
    ensure!(files.iter().filter(|(p, _)| kept(p)).eq(after.iter().filter(|(p, _)| kept(p))));
    deployment.run(&["journal", "verify"])?.exit(0)?;

    // Mistakes of whoever types.
    for (words, exit, said) in [
        (vec!["replay", "01JD8Z5T3K9QW2M4X6Y8A0B1C2"], 3, "no invocation"),
        (vec!["replay", id, "--times", "0"], 2, "--times"),
        (vec!["replay", id, "--plugin", "missing.wasm"], 2, "missing.wasm"),
        (vec!["replay"], 2, "<ID>"),
    ] {
        deployment.run(&words)?.exit(exit)?.says(&[said])?;
    }
    Ok(())
}
