//! Mistakes that others ship: something is missing, empty, broken or full, and things happen all the same.
//! Here nothing does, and the message says what to mend.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use interlock_tests::{Ran, finish, interlock, settle};

use crate::desk::{CHANGES_NEED_TWO, Desk, SET_CONFIG, STOP_SERVICE, code_of, look};

fn counted() -> Result<Desk> {
    Desk::counted("configure", SET_CONFIG)
}

fn nothing(desk: &Desk, ran: Ran, exit: i32, words: &[&str]) -> Result<()> {
    ensure!(look(&desk.deployment)? == 0, "it happened\n{ran}");
    ran.exit(exit)?.says(words)?;
    Ok(())
}

/// An empty list allows nothing.
#[test]
fn fail_closed_an_empty_list_of_resources_allows_nothing() -> Result<()> {
    let desk = counted()?;
    desk.deployment.configure("\"environment/prod\"", "")?;
    nothing(&desk, desk.call(&[])?, 0, &["outside-grant"])
}

#[test]
fn fail_closed_without_policies_nothing_happens() -> Result<()> {
    let desk = counted()?;
    let policies = desk.deployment.path().join("policies");
    fs::write(policies.join("default.cedar"), "")?;
    nothing(&desk, desk.call(&[])?, 3, &["no-permit"])?;
    fs::remove_file(policies.join("default.cedar"))?;
    nothing(&desk, desk.call(&[])?, 3, &["no-permit"])?;
    fs::remove_dir(&policies)?;
    nothing(&desk, desk.call(&[])?, 2, &["polic"])?;
    // A policy that is broken takes those with it that are not.
    fs::create_dir(&policies)?;
    let sound = "permit (principal, action, resource);";
    fs::write(policies.join("sound.cedar"), sound)?;
    fs::write(policies.join("broken.cedar"), "permit (principal, action, resource) when {")?;
    nothing(&desk, desk.call(&[])?, 2, &["broken.cedar"])
}

#[test]
fn fail_closed_whom_nobody_configured_may_do_nothing() -> Result<()> {
    let desk = counted()?;
    for who in ["Agent::mallory", "Person::mallory", "Agent::oncall-bot2", "mallory"] {
        let ran = desk.deployment.run(&["call", "configure.three", "{}", "--as", who, "--json"])?;
        nothing(&desk, ran, 3, &["unknown-principal"])?;
    }
    desk.deployment.configure("[agents.oncall-bot]", "[agents.another]")?;
    nothing(&desk, desk.call(&[])?, 3, &["unknown-principal"])
}

/// The command under a shell that first does something to its surroundings.
fn under(desk: &Desk, prepare: &str, more: &[&str]) -> Result<Ran> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{prepare} exec \"$@\"")).arg("sh").arg(interlock()?);
    shell.args(desk.words(more));
    settle(&mut shell, desk.deployment.path());
    finish(shell, "")
}

/// No file may grow: what a full disk is to the journal.
const FULL: &str = "trap '' XFSZ; ulimit -f 8;";

#[test]
fn intent_before_effect_a_journal_that_is_full_takes_no_effect() -> Result<()> {
    // Without people, and with an approval that is ready to be used.
    let desk = counted()?;
    nothing(&desk, under(&desk, FULL, &[])?, 5, &["the journal cannot be read or written"])?;
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    desk.call(&[])?.exit(0)?;
    ensure!(look(&desk.deployment)? == 3);

    let desk = counted()?;
    desk.policy(CHANGES_NEED_TWO)?;
    let id = desk.approved()?;
    let full = under(&desk, FULL, &["--request", &id])?;
    nothing(&desk, full, 5, &["the journal cannot be read or written"])?;
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    // The claim was not written: there is room again, and what people approved happens.
    desk.call(&["--request", &id])?.exit(0)?;
    ensure!(look(&desk.deployment)? == 3);
    Ok(())
}

#[test]
fn intent_before_effect_a_journal_that_cannot_be_written_takes_no_effect() -> Result<()> {
    let desk = counted()?;
    desk.policy(CHANGES_NEED_TWO)?;
    let id = desk.approved()?;
    let state = desk.deployment.path().join(".interlock");
    // Whoever is root writes in spite of modes: for them the folder is mounted read-only, in a place of
    // mounts that ends with the command.
    let mount = "mount --bind .interlock .interlock && mount -o remount,ro,bind .interlock &&";
    let may_mount = Command::new("unshare")
        .args(["--mount", "sh", "-c", &format!("{mount} true")])
        .current_dir(desk.deployment.path())
        .output()
        .is_ok_and(|out| out.status.success());
    let ran = if may_mount {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &format!("{mount} exec \"$@\""), "sh"]);
        command.arg(interlock()?).args(desk.words(&["--request", &id]));
        settle(&mut command, desk.deployment.path());
        finish(command, "")?
    } else {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&state, fs::Permissions::from_mode(0o500))?;
        let ran = desk.call(&["--request", &id])?;
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700))?;
        ran
    };
    nothing(&desk, ran, 5, &["the journal cannot be read or written"])?;
    desk.call(&["--request", &id])?.exit(0)?;
    ensure!(look(&desk.deployment)? == 3);
    Ok(())
}

/// A place for checkpoints that takes none: nothing is destroyed, and what people signed is not used up by it.
#[test]
fn fail_closed_a_place_that_takes_no_checkpoint_destroys_nothing_and_costs_no_approval()
-> Result<()> {
    let desk = Desk::counted("stop", STOP_SERVICE)?;
    // Nobody can make a file there, whatever their user.
    desk.deployment.configure("[cli]", "[journal]\npublish = [\"/proc\"]\n\n[cli]")?;
    let id = desk.approved()?;
    for _ in 0..2 {
        let ran = desk.call(&["--request", &id])?;
        ensure!(ran.code == 3 && code_of(&ran)? == "publish-failed", "{ran}");
        ensure!(look(&desk.deployment)? == 0, "{ran}");
    }
    fs::create_dir(desk.deployment.path().join("outside"))?;
    desk.deployment.configure("\"/proc\"", "\"outside\"")?;
    desk.call(&["--request", &id])?.exit(0)?;
    ensure!(look(&desk.deployment)? == 3);
    Ok(())
}
