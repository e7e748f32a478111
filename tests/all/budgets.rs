//! Budgets count effects across invocations, whoever's process asks: many small steps, after one another and
//! at once, never come to more.

use std::fs;

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, command, finish, root, staged_plugin};
use serde_json::Value;

use crate::desk::{SET_CONFIG, look};
use crate::journeys::{AGENT, OBSERVE};

/// Small steps, each of them allowed, run out.
#[test]
fn teardown_by_many_small_steps_runs_into_the_budget() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    let remediate = "interlock:environment/remediate@0.1.0=environment/prod";
    deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, remediate])?
        .exit(0)?;
    let toml = fs::read_to_string(deployment.path().join("interlock.toml"))?;
    let at = toml.rfind("resources = [").context("no grant")?;
    let mut changed_toml = toml.clone();
    changed_toml.insert_str(at, "budget = { effects = 3, per = \"1h\" }\n");
    deployment.write("interlock.toml", &changed_toml)?;
    let mut done = 0;
    let mut told = Value::Null;
    for _ in 0..4 {
        deployment.run(&["sample", "break"])?.exit(0)?;
        let call = ["call", "fix-service.heal", r#"{"environment":"prod","service":"api"}"#];
        let ran = deployment.run(&[&call[..], &["--as", AGENT, "--json"]].concat())?;
        let answer = ran.json()?;
        let effects = answer["happened"].as_array().context("no effects")?;
        done += effects.iter().filter(|effect| effect["status"] == "done").count();
        told = answer["denied"].clone();
    }
    ensure!(done == 3, "{done} effects happened, of 3");
    ensure!(told[0]["code"] == "over-budget", "{told}");
    Ok(())
}

/// A deployment whose plugin may make so many changes in a day.
fn with_budget(effects: u64) -> Result<Deployment> {
    let deployment = Deployment::init()?;
    let file = root().join("tests/cases/counted/configure.wat");
    deployment.install(&file, "configure", &[SET_CONFIG])?.exit(0)?;
    let budget = format!("budget = {{ effects = {effects}, per = \"20h\" }}\nresources = [");
    deployment.configure("resources = [", &budget)?;
    Ok(deployment)
}

/// How many intents the journal has.
fn intents(deployment: &Deployment) -> Result<usize> {
    let all = deployment.run(&["journal", "list", "--last", "1000", "--json"])?.exit(0)?.json()?;
    let all = all.as_array().context("not a list")?;
    Ok(all.iter().filter(|leaf| leaf["kind"] == "intent").count())
}

#[test]
fn a_budget_holds_across_calls_tools_and_the_end_of_processes() -> Result<()> {
    let deployment = with_budget(5)?;
    let call = |tool: &str, arguments: &str| -> Result<Value> {
        deployment.run(&["call", tool, arguments, "--as", AGENT])?.exit(0)?.json()
    };
    ensure!(call("configure.three", "{}")? == 3);
    ensure!(call("configure.write", r#"{"content":"four"}"#)? == 1);
    // One is left, whoever of the three gets it.
    ensure!(call("configure.three", "{}")? == 1);
    ensure!(call("configure.write", r#"{"content":"six"}"#)? == 0);
    ensure!(look(&deployment)? == 5 && intents(&deployment)? == 5);
    Ok(())
}

/// Eight processes at once, each of which wants three effects; together they may have five.
#[test]
fn a_budget_holds_against_many_processes_at_once() -> Result<()> {
    let deployment = with_budget(5)?;
    let call = ["call", "configure.three", "{}", "--as", AGENT];
    let answers = std::thread::scope(|scope| {
        let one = || -> Result<u64> {
            let ran = finish(command(deployment.path(), &call)?, "")?.exit(0)?;
            ran.json()?.as_u64().context("not a number")
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        let joined = all.into_iter().map(|one| one.join().map_err(|_| anyhow::anyhow!("panic"))?);
        joined.collect::<Result<Vec<u64>>>()
    })?;
    let done: u64 = answers.iter().sum();
    // Where two met at the same service one of them found it changed: charged, and not done.
    ensure!(look(&deployment)? == done && done <= 5, "{answers:?}");
    ensure!(intents(&deployment)? == 5, "{answers:?}, {} intents", intents(&deployment)?);
    deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}
