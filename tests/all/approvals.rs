//! People and what they sign, with the real binary, real keys and `ssh-keygen`: what is approved happens once
//! and exactly; what ends a request ends it.

use std::fs;

use anyhow::{Result, ensure};

use crate::desk::{Desk, keygen};
use crate::journeys::changed;

#[test]
fn destroy_needs_people_two_of_them_and_once() -> Result<()> {
    let desk = Desk::rebuild()?;
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

#[test]
fn a_request_that_was_denied_or_revoked_is_over() -> Result<()> {
    let desk = Desk::rebuild()?;
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
