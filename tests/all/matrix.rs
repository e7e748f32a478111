//! One thing at a time is other than when people approved: each is refused under a code of its own, and
//! nothing happens. Also what somebody edits behind the host's back, with the file and without the key.

use std::fs;

use anyhow::{Result, ensure};
use interlock_tests::{root, staged_plugin};

use crate::desk::{CHANGES_NEED_TWO, Desk, SET_CONFIG, STOP_SERVICE, code_of, edit, look};
use crate::journeys::AGENT;

const REBUILD: &str = "rebuild-environment.rebuild";
const ARGUMENTS: &str = r#"{"environment":"prod","reason":"a test"}"#;

/// A catalogue of something else.
const MORE: &str = "# more\nwit = \"more.wit\"\n[interface.\"a:b/c@1.0.0\"]\n\
    provider = \"environment\"\n[interface.\"a:b/c@1.0.0\".function.d]\nclass = \"read\"\n\
    resource = \"x/{e}\"\n";

#[test]
fn plan_is_the_grant_what_changed_after_the_approval_is_refused_by_name() -> Result<()> {
    let desk = Desk::rebuild()?;
    desk.deployment
        .write("more.wit", "package a:b@1.0.0;\ninterface c { d: func(e: string); }\n")?;
    desk.deployment.write("more.toml", MORE)?;
    desk.deployment.configure("[cli]", "catalogues = [\"more.toml\"]\n\n[cli]")?;
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
    // The roster, who operates whom, and how people are counted.
    configured("\"jonas@example.com\"", "\"li@example.com\"", "epoch-approvers")?;
    configured("solo = false", "solo = true", "epoch-approvers")?;
    desk.deployment.write("approvers/allowed_signers", signers.replacen("li@", "mo@", 1))?;
    desk.refused(&id, "epoch-approvers")?;
    desk.deployment.write("approvers/allowed_signers", &signers)?;
    // The policies, and who is in which team.
    configured("teams = [\"sre-agents\"]", "teams = [\"sre-agents\", \"x\"]", "epoch-policies")?;
    let one = policy.replace("@approvals(\"2\")", "@approvals(\"1\")");
    desk.deployment.write("policies/default.cedar", one)?;
    desk.refused(&id, "epoch-policies")?;
    desk.deployment.write("policies/default.cedar", &policy)?;
    // The catalogues.
    desk.deployment.write("more.toml", MORE.replace("# more", "# other"))?;
    desk.refused(&id, "epoch-catalogues")?;
    desk.deployment.write("more.toml", MORE)?;
    // The plugin's own grants.
    let (one, two) = ("\"recreate-environment\"", "\"recreate-environment\", \"stop-service\"");
    configured(one, two, "epoch-grants")?;
    // The plugin: other bytes under the same name, with the same grants.
    let other = desk
        .deployment
        .write("other.wasm", with_a_note(&staged_plugin("rebuild_environment")?)?)?;
    desk.deployment.install(&other, "rebuild-environment", &[])?.exit(0)?;
    desk.refused(&id, "plugin-changed")?;
    desk.deployment
        .install(&staged_plugin("rebuild_environment")?, "rebuild-environment", &[])?
        .exit(0)?;
    desk.deployment.write("interlock.toml", &toml)?;
    // The arguments, and who calls.
    let other = r#"{"environment":"prod","reason":"another"}"#;
    let words = ["call", REBUILD, other, "--as", AGENT, "--request", &id, "--json"];
    ensure!(code_of(&desk.deployment.run(&words)?.exit(3)?)? == "different-call");
    let person = desk.deployment.run(&["call", REBUILD, ARGUMENTS, "--request", &id, "--json"])?;
    ensure!(code_of(&person.exit(3)?)? == "foreign-principal");
    desk.refused("01JD8Z5T3K9QW2M4X6Y8A0B1C2", "request-unknown")?;
    // The deployment: its key is its name.
    let key = desk.deployment.path().join(".interlock/log.key");
    let own = fs::read(&key)?;
    fs::write(&key, own.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>())?;
    let told = desk.call(&["--request", &id])?;
    ensure!(told.code == 6 && code_of(&told)? == "other-deployment", "{told}");
    fs::write(&key, own)?;

    // The world: somebody changes one service.
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    desk.refused(&id, "stale")?;
    // The run that was refused had claimed the approval: it is gone.
    desk.refused(&id, "request-consumed")
}

/// A component that does the same and has another digest: a custom section at its end.
fn with_a_note(file: &std::path::Path) -> Result<Vec<u8>> {
    let mut bytes = fs::read(file)?;
    bytes.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    Ok(bytes)
}

/// What was approved in one deployment is nothing in another, whatever is carried over.
#[test]
fn plan_is_the_grant_an_approval_is_for_one_deployment() -> Result<()> {
    let desk = || -> Result<Desk> {
        let desk = Desk::counted("configure", SET_CONFIG)?;
        desk.policy(CHANGES_NEED_TWO)?;
        Ok(desk)
    };
    let (here, there) = (desk()?, desk()?);
    let id = here.approved()?;
    let call = |code: i32, word: &str| -> Result<()> {
        let ran = there.call(&["--request", &id])?;
        ensure!(ran.code == code && code_of(&ran)? == word, "{code} {word}: {ran}");
        ensure!(look(&there.deployment)? == 0, "it happened");
        Ok(())
    };
    call(3, "request-unknown")?;
    let journal = there.deployment.path().join(".interlock/journal.db");
    fs::copy(here.deployment.path().join(".interlock/journal.db"), &journal)?;
    call(6, "other-deployment")?;
    // With the key too it is that deployment, and everything else of it is still missing: its rules are
    // others, so nothing happens.
    let key = ".interlock/log.key";
    fs::copy(here.deployment.path().join(key), there.deployment.path().join(key))?;
    call(3, "epoch-approvers")?;
    here.call(&["--request", &id])?.exit(0)?;
    ensure!(look(&here.deployment)? == 3);
    Ok(())
}

/// `UPDATE`s that mark a request approved, a claim unmade or a ticket unspent: found out, and nothing
/// happens.
#[test]
fn journal_tells_rows_that_were_edited_change_nothing() -> Result<()> {
    let desk = Desk::counted("configure", SET_CONFIG)?;
    desk.policy(CHANGES_NEED_TWO)?;
    let asked = desk.ask()?;
    let database = desk.deployment.path().join(".interlock/journal.db");
    let tried = |edits: &[(&str, i32, &str)], effects: u64| -> Result<()> {
        let whole = fs::read(&database)?;
        for (text, exit, code) in edits {
            ensure!(edit(&desk.deployment, text)? > 0, "`{text}` edits nothing");
            let ran = desk.call(&["--request", &asked.0])?;
            ensure!(ran.code == *exit && code_of(&ran)? == *code, "{text}: {exit} {code}\n{ran}");
            ensure!(look(&desk.deployment)? == effects, "{text}: it happened");
            for file in ["journal.db-wal", "journal.db-shm"] {
                let _ = fs::remove_file(database.with_file_name(file));
            }
            fs::write(&database, &whole)?;
        }
        Ok(())
    };
    // Nobody has approved yet.
    let id = &asked.0;
    tried(
        &[
            (
                &format!("insert into mark values ('approval', '{id}/amira', 1, 1)"),
                6,
                "journal-edited",
            ),
            (&format!("insert into mark values ('about', '{id}', 1, 0)"), 6, "journal-edited"),
            ("update payload set bytes = replace(bytes, 'amira', 'jonas')", 6, "journal-edited"),
            (
                "update payload set bytes = cast(replace(bytes, ':2', ':1') as blob)",
                6,
                "journal-edited",
            ),
            (
                "update leaf set bytes = cast(replace(bytes, '\"request\"', '\"approval\"') as blob)",
                6,
                "journal-edited",
            ),
            ("delete from mark where space = 'request'", 6, "journal-edited"),
            ("update mark set key = 'x' where space = 'about'", 6, "journal-edited"),
            ("delete from payload", 3, "request-erased"),
        ],
        0,
    )?;
    desk.call(&["--request", id])?.exit(4)?;
    desk.approve(&asked, "amira")?.exit(0)?;
    // One person has. A second row of the same is not a second person, nor is a copied leaf.
    tried(
        &[
            (
                &format!("update mark set key = '{id}/li' where space = 'approval'"),
                6,
                "journal-edited",
            ),
            (
                &format!(
                    "update mark set key = '{id}/li' where space = 'approval'; update leaf set bytes = \
                     cast(replace(bytes, '{id}/amira', '{id}/li') as blob)"
                ),
                6,
                "journal-edited",
            ),
        ],
        0,
    )?;
    desk.approve(&asked, "li")?.exit(0)?;
    desk.call(&["--request", id])?.exit(0)?;
    ensure!(look(&desk.deployment)? == 3);
    // It was used. Nothing makes it unused.
    tried(
        &[
            ("delete from mark where space = 'claim'", 6, "journal-edited"),
            ("delete from mark where space in ('claim', 'ticket', 'intent')", 6, "journal-edited"),
            ("delete from mark where space = 'ticket'", 6, "journal-edited"),
            ("update mark set once = 0", 6, "journal-edited"),
            ("update mark set space = 'x' where space = 'claim'", 6, "journal-edited"),
            (
                "update mark set space = 'clami' where space = 'claim'; update leaf set bytes = \
                 cast(replace(bytes, '\"space\":\"claim\"', '\"space\":\"clami\"') as blob)",
                6,
                "journal-edited",
            ),
            (
                "delete from leaf where idx = (select idx from mark where space = 'claim')",
                6,
                "journal-edited",
            ),
            ("update log set note = null, size = 0", 6, "journal-edited"),
        ],
        3,
    )?;
    desk.call(&["--request", id])?.exit(3)?.says(&["request-consumed"])?;
    ensure!(look(&desk.deployment)? == 3);
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}

/// A journal that is cut back to before the claim, by somebody who has the file: the checkpoint outside
/// knows better.
#[test]
fn journal_tells_a_journal_of_yesterday_does_nothing_elevated_until_it_is_acknowledged()
-> Result<()> {
    let desk = Desk::counted("stop", STOP_SERVICE)?;
    fs::create_dir(desk.deployment.path().join("outside"))?;
    desk.deployment.configure("[cli]", "[journal]\npublish = [\"outside\"]\n\n[cli]")?;
    let id = desk.approved()?;
    let database = desk.deployment.path().join(".interlock/journal.db");
    let yesterday = fs::read(&database)?;
    desk.call(&["--request", &id])?.exit(0)?;
    let state = desk.deployment.path().join("environments/.interlock/state.json");
    let done = fs::read(&state)?;

    fs::write(&database, yesterday)?;
    let told = desk.call(&["--request", &id])?;
    ensure!(told.code == 3 && code_of(&told)? == "journal-behind", "{told}");
    told.says(&["interlock journal acknowledge"])?;
    desk.deployment.run(&["journal", "verify"])?.exit(6)?.says(&["acknowledge"])?;
    ensure!(fs::read(&state)? == done, "something happened");
    desk.deployment.run(&["journal", "acknowledge"])?.exit(0)?;
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    // The approval is unused as far as this journal knows; the world has moved, so it is not used again.
    let told = desk.call(&["--request", &id])?;
    ensure!(told.code == 3 && code_of(&told)? == "stale", "{told}");
    ensure!(fs::read(&state)? == done, "something happened");
    let list = desk.deployment.run(&["journal", "list", "--last", "50"])?.exit(0)?;
    ensure!(list.stdout.contains("acknowledgement"), "{list}");
    Ok(())
}

/// The same bytes under another name, and another tool of the same plugin, are other calls.
#[test]
fn plan_is_the_grant_a_request_is_for_one_tool_of_one_plugin() -> Result<()> {
    let desk = Desk::counted("configure", SET_CONFIG)?;
    desk.policy(CHANGES_NEED_TWO)?;
    let id = desk.approved()?;
    let file = root().join("tests/cases/counted/configure.wat");
    desk.deployment.install(&file, "another", &[SET_CONFIG])?.exit(0)?;
    for (tool, arguments) in [("another.three", "{}"), ("configure.write", r#"{"content":"one"}"#)]
    {
        let words = ["call", tool, arguments, "--as", AGENT, "--request", &id, "--json"];
        let ran = desk.deployment.run(&words)?.exit(3)?;
        ensure!(code_of(&ran)? == "different-call", "{tool}: {ran}");
    }
    ensure!(look(&desk.deployment)? == 0);
    desk.call(&["--request", &id])?.exit(0)?;
    ensure!(look(&desk.deployment)? == 3);
    Ok(())
}
