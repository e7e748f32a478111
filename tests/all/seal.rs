//! The seal with the real binary: whoever can edit the rules cannot make the edit count, and the people of the
//! sealed rules can.

use std::{fs, sync::Arc};

use anyhow::{Context, Result, ensure};
use interlock::{
    Config,
    record::signer,
    store::{Batch, Durability, Entry, Store},
};
use interlock_tests::{Ran, staged_plugin};

use crate::{
    desk::{Desk, at, edit, keygen},
    journeys::{AGENT, OBSERVE},
};

const REMEDIATE: &str = "interlock:environment/remediate@0.1.0=environment/prod";
const API: &str = r#"{"environment":"prod","service":"api"}"#;

fn sealed() -> Result<Desk> {
    let desk = Desk::rebuild()?;
    desk.deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, REMEDIATE])?
        .exit(0)?;
    desk.deployment.configure("[cli]", "[seal]\nrequired = true\n\n[cli]")?;
    let told = desk.deployment.run(&["config", "accept", "--json"])?.exit(0)?.json()?;
    ensure!(at(&told, "/status") == "in-force" && at(&told, "/sealed") == true, "{told}");
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    Ok(desk)
}

fn heal(desk: &Desk) -> Result<Ran> {
    desk.deployment.run(&["call", "fix-service.heal", API, "--as", AGENT, "--json"])
}

/// No effect happens, and reading goes on.
fn is_stopped(desk: &Desk) -> Result<()> {
    let ran = heal(desk)?;
    let told = ran.json()?;
    ensure!(at(&told, "/denied/0/code") == "seal-broken", "{ran}");
    ensure!(at(&told, "/happened") == &serde_json::json!([]), "{ran}");
    desk.deployment.run(&["call", "fix-service.diagnose", API, "--as", AGENT])?.exit(0)?;
    Ok(())
}

fn accept(desk: &Desk) -> Result<Ran> {
    desk.deployment.run(&["config", "accept", "--json"])
}

#[test]
fn fail_closed_rules_changed_under_a_seal_stop_effects_until_the_old_people_agree() -> Result<()> {
    let desk = sealed()?;
    // A request that people approved under the sealed rules.
    let words = ["call", "rebuild-environment.rebuild", r#"{"environment":"prod","reason":"x"}"#];
    let words = [&words[..], &["--as", AGENT, "--json"]].concat();
    let asked = desk.deployment.run(&words)?.exit(4)?.json()?;
    let id = asked["request"].as_str().context("no request")?.to_owned();

    // Somebody who can write the files lowers a count, and puts a key of their own in the place of li's.
    let path = desk.deployment.path();
    let policy = fs::read_to_string(path.join("policies/default.cedar"))?;
    let signers = fs::read_to_string(path.join("approvers/allowed_signers"))?;
    desk.deployment.write(
        "policies/default.cedar",
        policy.replace("@approvals(\"2\")", "@approvals(\"1\")"),
    )?;
    let mallory = desk.keys.path().join("mallory");
    keygen(&["-q", "-t", "ed25519", "-N", "", "-f", &mallory.display().to_string()])?;
    let key = fs::read_to_string(mallory.with_extension("pub"))?;
    let theirs: Vec<String> = signers
        .lines()
        .map(|line| {
            if line.starts_with("li@") {
                format!("li@example.com {}", key.trim())
            } else {
                line.to_owned()
            }
        })
        .collect();
    desk.deployment.write("approvers/allowed_signers", theirs.join("\n") + "\n")?;
    is_stopped(&desk)?;
    // Neither is anything asked of people, nor applied.
    let code = |ran: Ran| Ok::<_, anyhow::Error>(ran.exit(3)?.json()?["code"].clone());
    ensure!(code(desk.deployment.run(&words)?)? == "seal-broken");
    ensure!(
        code(desk.deployment.run(&[&words[..], &["--request", &id]].concat())?)? == "seal-broken"
    );

    let asked = accept(&desk)?.exit(4)?.json()?;
    let text = |name: &str| asked[name].as_str().map(str::to_owned).context("no request");
    let asked = (text("request")?, text("document")?);
    let document = desk.deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?.stdout;
    ensure!(document.contains("- default.cedar: @approvals(\"2\")"), "{document}");
    ensure!(document.contains("+ default.cedar: @approvals(\"1\")"), "{document}");
    ensure!(document.contains("+ allowed_signers: li@example.com ssh-ed25519"), "{document}");
    // The key in the changed file is no key; the old one is.
    ensure!(code(desk.approve(&asked, "mallory")?)? == "unknown-key");
    desk.approve(&asked, "amira")?.exit(0)?;
    accept(&desk)?.exit(4)?;
    is_stopped(&desk)?;
    desk.approve(&asked, "li")?.exit(0)?;
    is_stopped(&desk)?;
    ensure!(accept(&desk)?.exit(0)?.json()?["status"] == "accepted");
    ensure!(accept(&desk)?.exit(0)?.json()?["status"] == "in-force");
    heal(&desk)?.exit(0)?;
    // The rules before are now the ones that nobody accepted.
    desk.deployment.write("policies/default.cedar", &policy)?;
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    is_stopped(&desk)?;
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}

#[test]
fn fail_closed_a_seal_cannot_be_taken_off_and_changes_can_be_taken_back() -> Result<()> {
    let desk = sealed()?;
    let toml = fs::read_to_string(desk.deployment.path().join("interlock.toml"))?;
    for (from, to) in [
        ("required = true", "required = false"),
        ("solo = false", "solo = true"),
        ("operators = [\"jonas@example.com\"]", "operators = []"),
        ("teams = [\"sre-agents\"]", "teams = [\"sre-agents\", \"owners\"]"),
    ] {
        ensure!(toml.contains(from), "no `{from}`");
        desk.deployment.write("interlock.toml", toml.replacen(from, to, 1))?;
        is_stopped(&desk)?;
        // Started with once more, they are not in force either.
        is_stopped(&desk)?;
    }
    desk.deployment.write("interlock.toml", &toml)?;
    heal(&desk)?.exit(0)?;
    Ok(())
}

/// A start compares the newest leaves with the table. Older rows that are missing take no seal off either, whether the host
/// has a note of what earlier ones read, or not, or one that somebody changed.
#[test]
fn journal_tells_a_seal_whose_rows_were_taken_out_of_the_table() -> Result<()> {
    let desk = sealed()?;
    let config = Config::load(&desk.deployment.path().join("interlock.toml"))?;
    {
        let clock = Arc::new(|| 1);
        let store = Store::open(&config.store, signer(&config.state)?, Durability::Off, clock)?;
        for _ in 0..21 {
            let entry = Entry {
                kind: "thaw".to_owned(),
                marks: Vec::new(),
                charges: Vec::new(),
                payload: br#"{"event":"thaw"}"#.to_vec(),
            };
            let entries = vec![entry; 1000];
            store.commit_blocking(Batch { entries, ..Batch::default() })?;
        }
    }
    heal(&desk)?.exit(0)?;
    let note = config.state.join("rules.followed");
    ensure!(note.is_file(), "what was read is kept");
    let kept = fs::read(&note)?;
    let mut changed = kept.clone();
    let last = changed.last_mut().context("it is empty")?;
    *last ^= 1;

    // No row of rules is left, and the rules are others.
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    ensure!(edit(&desk.deployment, "delete from mark where space = 'epoch'")? > 0);
    desk.deployment.configure("required = true", "required = false")?;
    for note_is in [Some(&kept), None, Some(&changed), Some(&kept)] {
        match note_is {
            Some(bytes) => fs::write(&note, bytes)?,
            None => fs::remove_file(&note)?,
        }
        is_stopped(&desk)?;
    }
    Ok(())
}

#[test]
fn rules_that_nobody_could_change_again_are_not_sealed() -> Result<()> {
    let desk = Desk::rebuild()?;
    desk.deployment.write("approvers/allowed_signers", "")?;
    desk.deployment.configure("[cli]", "[seal]\nrequired = true\n\n[cli]")?;
    let told = desk.deployment.run(&["config", "accept", "--json"])?.exit(3)?.json()?;
    ensure!(told["code"] == "seal-without-people", "{told}");
    Ok(())
}
