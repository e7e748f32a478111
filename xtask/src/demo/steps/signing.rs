//! The people of the story: their keys, what they are asked, and the two ways in which they sign.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::demo::scene::{Ran, Scene};

/// Whose keys are on the roster.
const PEOPLE: [&str; 3] = ["amira", "jonas", "li"];

pub(super) fn roster(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("Three people get a key each, and stand on the roster of approvers. One of them,");
    scene.tell("jonas, operates the agent: his signature never counts for what the agent asks.");
    let mut lines = String::new();
    for person in PEOPLE {
        let key = scene.beside(person);
        ssh_keygen(&["-q", "-t", "ed25519", "-N", "", "-C", person, "-f", &key])?;
        let public = std::fs::read_to_string(format!("{key}.pub"))?;
        writeln!(lines, "{person}@example.com {}", public.trim())?;
    }
    scene.serving()?.mark();
    OpenOptions::new()
        .append(true)
        .open(scene.deployment().join("approvers/allowed_signers"))
        // In one piece: the running host may look at any moment.
        .and_then(|mut signers| signers.write_all(lines.as_bytes()))
        .context("could not write to the roster that `init` made")?;
    scene.followed()?;
    let check = scene.interlock(&["policy", "check"])?;
    scene.check_exit("the policies are in order", &check, 0);
    let named = check.stdout.contains("destroys-need-two");
    scene.check("one of them asks for two people", named, "destroys-need-two");
    Ok(())
}

/// The newest request: its id and its digest.
pub(super) fn request(scene: &Scene<'_>) -> Result<(String, String)> {
    let list = scene.quietly(&["approval", "list", "--json"])?;
    let all: Value = serde_json::from_str(&list.stdout)
        .with_context(|| format!("`approval list --json` printed no JSON: {}", list.stderr))?;
    let text = |name: &str| all.get(0).and_then(|one| one.get(name)).and_then(Value::as_str);
    match (text("request"), text("document")) {
        (Some(id), Some(digest)) => Ok((id.to_owned(), digest.to_owned())),
        _ => bail!("there is no request"),
    }
}

pub(super) fn approve(scene: &Scene<'_>, id: &str, digest: &str, person: &str) -> Result<Ran> {
    let key = scene.beside(person);
    scene.interlock(&["approval", "approve", id, "--key", &key, "--digest", digest])
}

/// `show --raw`, `ssh-keygen -Y sign`, `approve --signature`.
pub(super) fn sign_elsewhere(
    scene: &mut Scene<'_>,
    id: &str,
    digest: &str,
    person: &str,
) -> Result<()> {
    let raw = scene.quietly(&["approval", "show", id, "--raw"])?;
    let document = scene.write("document.txt", &raw.stdout)?;
    let signature = format!("{document}.sig");
    // Absent the first time.
    let _ = std::fs::remove_file(&signature);
    scene.tell("    $ interlock approval show ID --raw > document.txt");
    scene.tell("    $ ssh-keygen -Y sign -n interlock-approval@v1 -f KEY document.txt");
    let key = scene.beside(person);
    ssh_keygen(&["-q", "-Y", "sign", "-n", "interlock-approval@v1", "-f", &key, &document])?;
    let taken = scene.interlock(&[
        "approval",
        "approve",
        id,
        "--signature",
        &signature,
        "--digest",
        digest,
    ])?;
    scene.check_exit(&format!("{person}'s signature counts"), &taken, 0);
    Ok(())
}

fn ssh_keygen(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ssh-keygen")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("could not start `ssh-keygen` (package openssh-client)")?;
    if !output.status.success() {
        bail!("ssh-keygen failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
