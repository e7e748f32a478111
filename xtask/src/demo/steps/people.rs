//! What destroys waits for people; exactly what they signed happens, once, in a world that has not moved.
// INVARIANT DESTROY-NEEDS-PEOPLE and INVARIANT ASKER-CANNOT-APPROVE, shown from outside.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::agent::refused_method;
use super::heal::TOOLS;
use super::signing::{approve, request, sign_elsewhere};
use super::teardown::{OFFERED, wish};
use super::{ENVIRONMENT, SERVICE};
use crate::demo::dialogue::names;
use crate::demo::scene::{Sample, Scene, pids};
use crate::ui::time;

/// What the agent says to the people who will read its request.
const WORDS: &str = "api and worker disagree about the schema since the deploy";
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

/// The agent's call, once more with its request.
fn goes_on(id: &str) -> Value {
    let mut wish = wish();
    if let Some(wish) = wish.as_object_mut() {
        wish.insert("interlock_request".to_owned(), id.into());
    }
    wish
}

fn unchanged(scene: &mut Scene<'_>, before: &Sample, claim: &str) -> Result<()> {
    let same = scene.sample()? == *before;
    let evidence = format!("{ENVIRONMENT}: same processes, same answers");
    scene.check(claim, same, &evidence);
    Ok(())
}
