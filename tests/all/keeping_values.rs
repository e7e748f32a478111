//! Keys and values from a grant to a run a moment later, with the example plugin and the real binary: kept apart by
//! plugin, denied outside the grant, deleted only after people, once, journalled; a store that is not ours is told.

use anyhow::{Result, ensure};
use interlock_tests::{Deployment, Ran, staged_plugin};
use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::desk::{Desk, code_of};
use crate::journeys::AGENT;
use crate::replay::all_the_same;

const TOPIC: &str = r#"{"topic":"api"}"#;
const NOTE: &str = r#"{"topic":"api","text":"restarted on Monday"}"#;

fn install(deployment: &Deployment, name: &str, below: &str) -> Result<()> {
    let grants = ["read", "write", "remove"].map(|i| format!("interlock:kv/{i}@0.1.0=kv/{below}"));
    let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
    deployment.install(&staged_plugin("remember")?, name, &grants)?.exit(0)?;
    Ok(())
}

fn desk() -> Result<Desk> {
    let desk = Desk::over(Deployment::init()?, "remember.forget", TOPIC)?;
    install(&desk.deployment, "remember", "remember")?;
    Ok(desk)
}

fn run(deployment: &Deployment, tool: &str, arguments: &str) -> Result<Ran> {
    deployment.run(&["call", tool, arguments, "--as", AGENT, "--json"])
}

fn recalled(deployment: &Deployment, plugin: &str) -> Result<serde_json::Value> {
    let told = run(deployment, &format!("{plugin}.recall"), TOPIC)?.exit(0)?.json()?;
    Ok(told.pointer("/result/text").cloned().unwrap_or_else(|| "no answer".into()))
}

#[test]
fn a_note_is_kept_apart_denied_outside_the_grant_and_deleted_once_people_said_so() -> Result<()> {
    let desk = desk()?;
    let deployment = &desk.deployment;
    install(deployment, "other", "other")?;
    install(deployment, "narrow", "narrow/elsewhere")?;
    install(deployment, "thief", "remember")?;
    run(deployment, "remember.remember", NOTE)?.exit(0)?;
    ensure!(recalled(deployment, "remember")? == "restarted on Monday");
    // The same key of another plugin is another key.
    ensure!(recalled(deployment, "other")?.is_null());
    run(deployment, "other.remember", r#"{"topic":"api","text":"of the other"}"#)?.exit(0)?;
    ensure!(recalled(deployment, "remember")? == "restarted on Monday");
    // A grant on part of a plugin's keys is none on the rest; one on another plugin's keys is one on nothing.
    for tool in ["narrow.remember", "thief.remember"] {
        run(deployment, tool, NOTE)?.exit(3)?.says(&["outside-grant"])?;
    }
    for topic in ["../../other/notes/api", "..", "a//b", "/api"] {
        let arguments = serde_json::json!({"topic": topic}).to_string();
        let ran = run(deployment, "remember.recall", &arguments)?.exit(3)?;
        ensure!(code_of(&ran)? == "bad-resource", "{topic}: {ran}");
    }

    // What deletes waits for two people, and happens once.
    let asked = desk.ask()?;
    let document = deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?;
    document.says(&["kv/remember/notes/api", "its value of 19 bytes is gone then"])?;
    desk.approve(&asked, "amira")?.exit(0)?;
    desk.call(&["--request", &asked.0])?.exit(4)?;
    ensure!(recalled(deployment, "remember")? == "restarted on Monday");
    desk.approve(&asked, "li")?.exit(0)?;
    desk.call(&["--request", &asked.0])?.exit(0)?;
    ensure!(recalled(deployment, "remember")?.is_null());
    let again = desk.call(&["--request", &asked.0])?.exit(3)?;
    ensure!(code_of(&again)? == "request-consumed", "{again}");
    ensure!(recalled(deployment, "other")? == "of the other");
    let listed = deployment.run(&["journal", "list"])?.exit(0)?;
    listed.says(&["intent", "outcome", "delete", "kv/remember/notes/api"])?;
    deployment.run(&["journal", "verify"])?.exit(0)?;
    // Done again, all of it, and what is kept stays as it is.
    ensure!(all_the_same(deployment, 1000)?.contains(&"remember".to_owned()));
    ensure!(recalled(deployment, "other")? == "of the other");
    Ok(())
}

#[test]
fn a_note_that_changed_after_people_approved_is_not_deleted() -> Result<()> {
    let desk = desk()?;
    let deployment = &desk.deployment;
    run(deployment, "remember.remember", NOTE)?.exit(0)?;
    let id = desk.approved()?;
    // Changed, and changed back: the words are the same, the note is not.
    run(deployment, "remember.remember", r#"{"topic":"api","text":"x"}"#)?.exit(0)?;
    run(deployment, "remember.remember", NOTE)?.exit(0)?;
    desk.call(&["--request", &id])?.exit(3)?;
    ensure!(recalled(deployment, "remember")? == "restarted on Monday");
    Ok(())
}

#[test]
fn a_store_that_is_not_ours_is_told_and_not_touched() -> Result<()> {
    let desk = desk()?;
    let deployment = &desk.deployment;
    let file = deployment.path().join(".interlock/kv.db");
    let words = b"these are notes of somebody, not a database";
    fs::write(&file, words)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    let looked = run(deployment, "remember.recall", TOPIC)?;
    ensure!(looked.code != 0, "{looked}");
    looked.says(&["kv.db", "move it"])?;
    ensure!(run(deployment, "remember.remember", NOTE)?.code != 0);
    ensure!(fs::read(&file)? == words);
    Ok(())
}
