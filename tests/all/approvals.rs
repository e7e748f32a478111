//! People and what they sign, with the real binary, real keys and `ssh-keygen`: what is approved happens once
//! and exactly, and whatever changed in between is refused by name.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, Ran, staged_plugin};
use serde_json::Value;

use crate::journeys::{AGENT, OBSERVE, changed};

const TEARDOWN: &str = "interlock:environment/teardown@0.1.0#recreate-environment=environment/prod";
const REBUILD: &str = "rebuild-environment.rebuild";
const ARGUMENTS: &str = r#"{"environment":"prod","reason":"a test"}"#;

/// A deployment with three people, of whom jonas operates the agent, and a plugin that rebuilds.
pub(crate) struct Desk {
    pub(crate) deployment: Deployment,
    pub(crate) keys: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Result<Self> {
        let deployment = Deployment::with_sample()?;
        let keys = tempfile::tempdir()?;
        let mut signers = String::new();
        for person in ["amira", "jonas", "li"] {
            let key = keys.path().join(person);
            keygen(&["-q", "-t", "ed25519", "-N", "", "-f", &key.display().to_string()])?;
            let public = fs::read_to_string(key.with_extension("pub"))?;
            signers.push_str(&format!("{person}@example.com {}\n", public.trim()));
        }
        deployment.write("approvers/allowed_signers", signers)?;
        deployment.configure("operators = []", "operators = [\"jonas@example.com\"]")?;
        deployment
            .install(
                &staged_plugin("rebuild_environment")?,
                "rebuild-environment",
                &[OBSERVE, TEARDOWN],
            )?
            .exit(0)?;
        Ok(Self { deployment, keys })
    }

    pub(crate) fn key(&self, person: &str) -> PathBuf {
        self.keys.path().join(person)
    }

    pub(crate) fn call(&self, more: &[&str]) -> Result<Ran> {
        let words = ["call", REBUILD, ARGUMENTS, "--as", AGENT, "--json"];
        self.deployment.run(&[&words[..], more].concat())
    }

    /// Asks; gives the request's id and digest.
    fn ask(&self) -> Result<(String, String)> {
        let asked = self.call(&[])?.exit(4)?.json()?;
        let text = |name: &str| {
            let text = asked.get(name).and_then(Value::as_str);
            text.map(str::to_owned).context("no request")
        };
        Ok((text("request")?, text("document")?))
    }

    pub(crate) fn approve(&self, (id, digest): &(String, String), person: &str) -> Result<Ran> {
        let key = self.key(person).display().to_string();
        let words = ["approval", "approve", id, "--key", &key, "--digest", digest, "--json"];
        self.deployment.run(&words)
    }

    /// Asks, and both people who may approve do.
    pub(crate) fn approved(&self) -> Result<String> {
        let asked = self.ask()?;
        self.approve(&asked, "amira")?.exit(0)?;
        self.approve(&asked, "li")?.exit(0)?;
        Ok(asked.0)
    }

    fn refused(&self, id: &str, code: &str) -> Result<()> {
        let before = self.deployment.sample()?;
        let ran = self.call(&["--request", id])?;
        let told = ran.json()?;
        ensure!(told.get("code").and_then(Value::as_str) == Some(code), "expected `{code}`: {ran}");
        ensure!(changed(&before, &self.deployment.sample()?).is_empty(), "{code}: it happened");
        Ok(())
    }
}

pub(crate) fn keygen(arguments: &[&str]) -> Result<()> {
    let out = Command::new("ssh-keygen").args(arguments).stdin(Stdio::null()).output()?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Ok(())
}

#[test]
fn destroy_needs_people_two_of_them_and_once() -> Result<()> {
    let desk = Desk::new()?;
    let before = desk.deployment.sample()?;
    let asked = desk.ask()?;
    // The same wish again is the same request.
    ensure!(desk.ask()? == asked);
    ensure!(desk.approve(&asked, "jonas")?.exit(3)?.json()?["code"] == "operator-cannot-approve");
    desk.approve(&asked, "amira")?.exit(0)?;
    ensure!(desk.approve(&asked, "amira")?.exit(3)?.json()?["code"] == "already-approved");
    desk.call(&["--request", &asked.0])?.exit(4)?;
    ensure!(changed(&before, &desk.deployment.sample()?).is_empty());

    let raw = desk.deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?;
    let document = desk.keys.path().join("doc.txt");
    fs::write(&document, &raw.stdout)?;
    let sign = |namespace: &str| -> Result<String> {
        let signature = desk.keys.path().join("doc.txt.sig");
        let _ = fs::remove_file(&signature);
        let (key, document) =
            (desk.key("li").display().to_string(), document.display().to_string());
        keygen(&["-q", "-Y", "sign", "-n", namespace, "-f", &key, &document])?;
        Ok(signature.display().to_string())
    };
    let bring = |signature: &str| {
        let words = [
            "approval",
            "approve",
            &asked.0,
            "--signature",
            signature,
            "--digest",
            &asked.1,
            "--json",
        ];
        desk.deployment.run(&words)
    };
    ensure!(bring(&sign("git")?)?.exit(3)?.json()?["code"] == "other-namespace");
    bring(&sign("interlock-approval@v1")?)?.exit(0)?;
    desk.call(&["--request", &asked.0])?.exit(0)?;
    let after = desk.deployment.sample()?;
    ensure!(changed(&before, &after).len() == before.len(), "{before:?} {after:?}");
    desk.refused(&asked.0, "request-consumed")?;
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}

/// One thing at a time changes after the approval.
#[test]
fn plan_is_the_grant_what_changed_after_the_approval_is_refused_by_name() -> Result<()> {
    let desk = Desk::new()?;
    let id = desk.approved()?;
    let toml = fs::read_to_string(desk.deployment.path().join("interlock.toml"))?;
    let signers = fs::read_to_string(desk.deployment.path().join("approvers/allowed_signers"))?;
    let policy = fs::read_to_string(desk.deployment.path().join("policies/default.cedar"))?;
    let configured = |from: &str, to: &str, code: &str| -> Result<()> {
        ensure!(toml.contains(from), "no `{from}`");
        desk.deployment.write("interlock.toml", toml.replacen(from, to, 1))?;
        desk.refused(&id, code)?;
        desk.deployment.write("interlock.toml", &toml)?;
        Ok(())
    };
    configured("\"jonas@example.com\"", "\"li@example.com\"", "epoch-approvers")?;
    configured("solo = false", "solo = true", "epoch-approvers")?;
    configured("teams = [\"sre-agents\"]", "teams = [\"sre-agents\", \"x\"]", "epoch-policies")?;
    let (one, two) = ("\"recreate-environment\"", "\"recreate-environment\", \"stop-service\"");
    configured(one, two, "epoch-grants")?;
    desk.deployment.write("approvers/allowed_signers", signers.replacen("li@", "mo@", 1))?;
    desk.refused(&id, "epoch-approvers")?;
    desk.deployment.write("approvers/allowed_signers", &signers)?;
    desk.deployment.write(
        "policies/default.cedar",
        policy.replace("@approvals(\"2\")", "@approvals(\"1\")"),
    )?;
    desk.refused(&id, "epoch-policies")?;
    desk.deployment.write("policies/default.cedar", &policy)?;

    let other = r#"{"environment":"prod","reason":"another"}"#;
    let words = ["call", REBUILD, other, "--as", AGENT, "--request", &id, "--json"];
    ensure!(desk.deployment.run(&words)?.exit(3)?.json()?["code"] == "different-call");
    let person = desk.deployment.run(&["call", REBUILD, ARGUMENTS, "--request", &id, "--json"])?;
    ensure!(person.exit(3)?.json()?["code"] == "foreign-principal");
    desk.refused("01JD8Z5T3K9QW2M4X6Y8A0B1C2", "request-unknown")?;

    // The world: somebody changes one service.
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    desk.refused(&id, "stale")?;
    // The run that was refused had claimed the approval: it is gone.
    desk.refused(&id, "request-consumed")
}

#[test]
fn a_request_that_was_denied_or_revoked_is_over() -> Result<()> {
    let desk = Desk::new()?;
    let id = desk.approved()?;
    desk.deployment.run(&["approval", "revoke", &id])?.exit(0)?;
    desk.refused(&id, "request-revoked")?;
    let asked = desk.ask()?;
    ensure!(asked.0 != id);
    desk.deployment.run(&["approval", "deny", &asked.0, "--reason", "not now"])?.exit(0)?;
    desk.refused(&asked.0, "request-denied")?;
    ensure!(desk.approve(&asked, "amira")?.exit(3)?.json()?["code"] == "request-denied");
    // After a no, the next wish has to wait.
    ensure!(desk.call(&[])?.exit(3)?.json()?["code"] == "cooling-down");
    Ok(())
}

/// `UPDATE`s that mark a request approved or a ticket unspent: found out, and nothing happens.
#[test]
fn journal_tells_rows_that_were_edited_change_nothing() -> Result<()> {
    let desk = Desk::new()?;
    let asked = desk.ask()?;
    let database = desk.deployment.path().join(".interlock/journal.db");
    let edit = |text: &str| -> Result<()> {
        let out = Command::new("sqlite3").arg(&database).arg(text).output();
        let Ok(out) = out else { return rusqlite_edit(&database, text) };
        ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        Ok(())
    };
    let whole = fs::read(&database)?;
    for text in [
        "insert into mark values ('approval', 'x', 1, 1)",
        "update payload set bytes = replace(bytes, 'amira', 'jonas')",
        "update leaf set bytes = cast(replace(bytes, 'request', 'approval') as blob)",
        "delete from mark where space = 'request'",
        "update mark set key = 'x' where space = 'about'",
    ] {
        edit(text)?;
        let before = desk.deployment.sample()?;
        let ran = desk.call(&["--request", &asked.0])?;
        ensure!([3, 4, 6].contains(&ran.code), "{text}: {ran}");
        ensure!(changed(&before, &desk.deployment.sample()?).is_empty(), "{text}");
        for file in ["journal.db-wal", "journal.db-shm"] {
            let _ = fs::remove_file(database.with_file_name(file));
        }
        fs::write(&database, &whole)?;
    }
    desk.call(&["--request", &asked.0])?.exit(4)?;
    Ok(())
}

fn rusqlite_edit(_: &std::path::Path, _: &str) -> Result<()> {
    anyhow::bail!("`sqlite3` is needed to edit the journal behind the host's back")
}

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
