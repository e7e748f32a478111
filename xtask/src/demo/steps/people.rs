//! The end of the story: what destroys waits for people; exactly what they signed happens, once; and all of
//! it can be proven afterwards.
// INVARIANT DESTROY-NEEDS-PEOPLE and INVARIANT ASKER-CANNOT-APPROVE, shown from outside.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::agent::refused_method;
use super::heal::TOOLS;
use super::teardown::{OFFERED, wish};
use super::{ENVIRONMENT, SERVICE};
use crate::demo::scene::{Ran, Sample, Scene, pids};
use crate::demo::told::names;
use crate::ui::time;

/// What the agent says to the people who will read its request.
const WORDS: &str = "api and worker disagree about the schema since the deploy";
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

pub(super) fn asked(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell(
        "The agent calls the tool that rebuilds the environment. It gets a handle, and people",
    );
    scene.tell("get a document: what is shown is what they sign, and what can then happen.");
    let before = scene.sample()?;
    let mut wish = wish();
    if let Some(wish) = wish.as_object_mut() {
        wish.insert("interlock_reason".to_owned(), WORDS.into());
    }
    let call = scene.calls(OFFERED, &wish)?;
    scene.check_status("the call waits for people", &call, "approval-required");
    let at_once = !call.failed && call.time < Duration::from_secs(5);
    scene.check("it was answered at once, and not as a failure", at_once, &time(call.time));
    scene.check("it says that nothing has happened", call.nothing_happened(), "happened: []");
    unchanged(scene, &before, "nothing has happened")?;
    let (id, digest) = request(scene)?;
    let same = call.text("request") == id && call.text("document") == format!("sha256:{digest}");
    scene.check("people have the same request and document", same, "interlock approval list");
    let shown = scene.interlock(&["approval", "show", &id])?;
    let named = shown.stdout.contains("DESTROY") && shown.stdout.contains("Refused if the world");
    scene.check("the document says what would be destroyed", named, "interlock approval show");
    let at = |words: &str| shown.stdout.find(words);
    let order = [at("NOTHING ELSE CAN"), at("THE AGENT SAYS (not checked)"), at(WORDS)];
    let marked = order.iter().all(Option::is_some) && order.is_sorted();
    scene.check("the agent's words come after it, and are marked as such", marked, WORDS);
    let raw = scene.quietly(&["approval", "show", &id, "--raw"])?;
    let read = scene.reads(&format!("interlock://request/{id}/document"))?;
    let evidence = format!("{} bytes, interlock approval show --raw", raw.stdout.len());
    let same = !read.is_empty() && read == raw.stdout;
    scene.check("the agent reads the same document, byte for byte", same, &evidence);
    Ok(())
}

pub(super) fn one_is_not_enough(scene: &mut Scene<'_>) -> Result<()> {
    let before = scene.sample()?;
    let (id, digest) = request(scene)?;
    scene.tell("The agent would rather approve by itself. There is nothing to do it with.");
    let tools = scene.tools()?;
    let only = names(&tools) == [TOOLS, &[OFFERED]].concat();
    scene.check("no tool of its list approves", only, &names(&tools).join(", "));
    let call = scene.calls("approval__approve", &json!({"request": id}))?;
    scene.check("nor one that it guesses", call.status == "error -32602", &call.status);
    let code = refused_method(scene, "approval/approve", &json!({"request": id}))?;
    scene.check("nor a method", code == -32601, &format!("error {code}"));
    scene.tell(
        "The agent's operator signs first. A valid key on the roster, and it does not count.",
    );
    let operator = approve(scene, &id, &digest, "jonas")?;
    scene.check_exit("refused", &operator, 3);
    scene.tell("One person who may: one of two.");
    let one = approve(scene, &id, &digest, "amira")?;
    scene.check_exit("amira's signature counts", &one, 0);
    let again = approve(scene, &id, &digest, "amira")?;
    scene.check_exit("a second one of hers does not", &again, 3);
    let call = scene.calls(OFFERED, &goes_on(&id))?;
    scene.check_status("the call still waits", &call, "approval-required");
    scene.check("and says so", call.nothing_happened(), "happened: []");
    unchanged(scene, &before, "nothing has happened")
}

pub(super) fn two_are(scene: &mut Scene<'_>) -> Result<()> {
    let before = scene.sample()?;
    let (id, digest) = request(scene)?;
    scene.tell("The second person signs elsewhere, with nothing but `ssh-keygen`.");
    sign_elsewhere(scene, &id, &digest, "li")?;
    let call = scene.calls(OFFERED, &goes_on(&id))?;
    scene.check_status("the approved call is applied", &call, "done");
    let after = scene.sample()?;
    scene.show_sample(&after);
    let renewed = !after.is_empty()
        && after.iter().all(|(name, service)| {
            let old = before.get(name).map(|s| s.processes.clone()).unwrap_or_default();
            !service.processes.is_empty() && service.processes.iter().all(|p| !old.contains(p))
        });
    let evidence: Vec<String> =
        after.iter().map(|(name, service)| format!("{name} {}", pids(service))).collect();
    scene.check("every service runs as a new process", renewed, &evidence.join(", "));
    scene.tell("The same call again, as an agent does whose connection broke:");
    let same = scene.calls(OFFERED, &goes_on(&id))?;
    let one_run =
        call.text("invocation") == same.text("invocation") && call.envelope == same.envelope;
    scene.check("it is given the same answer, of the same run", one_run, same.text("invocation"));
    unchanged(scene, &after, "nothing more has happened")?;
    scene.tell("And once more, to a host that was started again and remembers only its journal:");
    let address = scene.stop_serving("the host ended in order")?;
    scene.serve(&address)?;
    let used = scene.calls(OFFERED, &goes_on(&id))?;
    scene.check_status("an approval is used once", &used, "request-consumed");
    let evidence = format!("ended {}, run {}", used.text("ended"), used.text("invocation"));
    let told = used.text("ended") == "done" && used.text("invocation") == call.text("invocation");
    scene.check("the journal knows by which run, and how that ended", told, &evidence);
    unchanged(scene, &after, "nothing more has happened")
}

pub(super) fn stale(scene: &mut Scene<'_>) -> Result<()> {
    scene
        .tell("Once more, and approved by both. But before the agent applies it, the world moves:");
    scene.tell(&format!("somebody gives {SERVICE} another configuration."));
    let call = scene.calls(OFFERED, &wish())?;
    scene.check_status("the call waits for people", &call, "approval-required");
    let (id, digest) = request(scene)?;
    let amira = approve(scene, &id, &digest, "amira")?;
    scene.check_exit("amira signs", &amira, 0);
    sign_elsewhere(scene, &id, &digest, "li")?;
    let moved = scene.interlock(&["sample", "break"])?;
    scene.check_exit("the world moves", &moved, 0);
    let before = scene.sample()?;
    let call = scene.calls(OFFERED, &goes_on(&id))?;
    scene.check_status("what people signed is no longer what would happen", &call, "stale");
    scene.check("the client sees it as a failure", call.failed, "isError");
    unchanged(scene, &before, "nothing has happened")
}

pub(super) fn proof(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("All of it is in the journal: a Merkle log with a signed head.");
    let list = scene.interlock(&["journal", "list", "--last", "12"])?;
    scene.check_exit("read by a person", &list, 0);
    let verify = scene.interlock(&["journal", "verify"])?;
    scene.check_exit("verified against its signed head", &verify, 0);
    let export = scene.beside("export.tar");
    let exported = scene.interlock(&["journal", "export", &export])?;
    scene.check_exit("exported", &exported, 0);
    let verified = scene.interlock(&["journal", "verify", &export])?;
    scene.check_exit("the export is verified with the log's public key alone", &verified, 0);
    scene.tell("Somebody changes one bit of it: the word `intent` of the first effect.");
    let mut bytes = std::fs::read(&export)?;
    let word = b"\"intent\"";
    let at = bytes.windows(word.len()).position(|window| window == word);
    let byte = at.and_then(|at| bytes.get_mut(at + 1)).context("the export names no intent")?;
    *byte ^= 1;
    std::fs::write(&export, bytes)?;
    let broken = scene.interlock(&["journal", "verify", &export])?;
    scene.check_exit("found", &broken, 6);
    let named = broken.stderr.contains("leaf");
    scene.check("and named: the byte, and the leaf it is in", named, "interlock journal verify");
    Ok(())
}

/// The agent's call, once more with its request.
fn goes_on(id: &str) -> Value {
    let mut wish = wish();
    if let Some(wish) = wish.as_object_mut() {
        wish.insert("interlock_request".to_owned(), id.into());
    }
    wish
}

/// The newest request: its id and its digest.
fn request(scene: &Scene<'_>) -> Result<(String, String)> {
    let list = scene.quietly(&["approval", "list", "--json"])?;
    let all: Value = serde_json::from_str(&list.stdout)
        .with_context(|| format!("`approval list --json` printed no JSON: {}", list.stderr))?;
    let text = |name: &str| all.get(0).and_then(|one| one.get(name)).and_then(Value::as_str);
    match (text("request"), text("document")) {
        (Some(id), Some(digest)) => Ok((id.to_owned(), digest.to_owned())),
        _ => bail!("there is no request"),
    }
}

fn approve(scene: &Scene<'_>, id: &str, digest: &str, person: &str) -> Result<Ran> {
    let key = scene.beside(person);
    scene.interlock(&["approval", "approve", id, "--key", &key, "--digest", digest])
}

/// `show --raw`, `ssh-keygen -Y sign`, `approve --signature`.
fn sign_elsewhere(scene: &mut Scene<'_>, id: &str, digest: &str, person: &str) -> Result<()> {
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

fn unchanged(scene: &mut Scene<'_>, before: &Sample, claim: &str) -> Result<()> {
    let same = scene.sample()? == *before;
    let evidence = format!("{ENVIRONMENT}: same processes, same answers");
    scene.check(claim, same, &evidence);
    Ok(())
}
