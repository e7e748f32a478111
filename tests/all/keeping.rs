//! A deployment that is kept for years: its journal copied while it is in use, put back, and rid of old words,
//! with the real binary. What was promised to people before must hold after.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use interlock::desk::Askers;
use interlock::helper::Helper;
use interlock::record::{Event, EventBody, Journal, Record, Recorder, erasable, erase, signer};
use interlock::store::{Clock, Durability, Store};
use interlock::{Config, Host, HostError};
use interlock_tests::{Deployment, Ran};
use serde_json::Value;

use crate::desk::{CHANGES_NEED_TWO, Desk, SET_CONFIG, STOP_SERVICE, at, code_of, look};

const CANARY: &str = "canary-in-a-coal-mine";

fn database(deployment: &Deployment) -> PathBuf {
    deployment.path().join(".interlock/journal.db")
}

fn backup(deployment: &Deployment) -> Result<PathBuf> {
    let file = deployment.path().join("copy.db");
    deployment.run(&["journal", "backup", "copy.db"])?.exit(0)?.says(&["backed up", "leaves"])?;
    Ok(file)
}

/// The steps that the help of `journal backup` tells.
fn restore(deployment: &Deployment, backup: &Path) -> Result<()> {
    for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let file = deployment.path().join(".interlock").join(file);
        if file.exists() {
            fs::remove_file(file)?;
        }
    }
    fs::copy(backup, database(deployment))?;
    Ok(())
}

/// Whether a word is in the journal's files.
fn holds(deployment: &Deployment, word: &str) -> Result<bool> {
    let mut found = false;
    for file in ["journal.db", "journal.db-wal"] {
        let bytes = fs::read(deployment.path().join(".interlock").join(file)).unwrap_or_default();
        found |= bytes.windows(word.len()).any(|window| window == word.as_bytes());
    }
    Ok(found)
}

#[test]
fn a_backup_is_told_checked_and_never_written_over_anything() -> Result<()> {
    let desk = Desk::counted("configure", SET_CONFIG)?;
    desk.call(&[])?.exit(0)?;
    let deployment = &desk.deployment;
    let told = deployment.run(&["journal", "backup", "copy.db", "--json"])?.exit(0)?.json()?;
    let file = deployment.path().join("copy.db");
    let verified = deployment.run(&["journal", "verify", "--json"])?.exit(0)?.json()?;
    ensure!(told["status"] == "backed-up" && told["leaves"] == verified["leaves"], "{told}");
    ensure!(told["bytes"] == file.metadata()?.len(), "{told}");
    let head = at(&told, "/head").as_str().context("no head")?;
    let root = at(&told, "/root").as_str().context("no root")?;
    ensure!(head.contains(root) && head.starts_with("interlock/"), "{told}");

    let bytes = fs::read(&file)?;
    let again = deployment.run(&["journal", "backup", "copy.db", "--json"])?;
    ensure!(again.code == 2 && code_of(&again)? == "backup-failed", "{again}");
    deployment
        .run(&["journal", "backup", "copy.db"])?
        .exit(2)?
        .says(&["there already", "Name a"])?;
    ensure!(fs::read(&file)? == bytes, "it was written over");
    deployment.run(&["journal", "backup", "no/such/folder/copy.db"])?.exit(2)?;
    // An edited journal has no backup, and leaves none that looks like one.
    crate::desk::edit(deployment, "update payload set bytes = zeroblob(30) where idx = 1")?;
    deployment.run(&["journal", "backup", "other.db"])?.exit(6)?.says(&["payload of leaf 1"])?;
    ensure!(!deployment.path().join("other.db").exists());
    Ok(())
}

#[test]
fn a_restored_backup_without_later_entries_goes_on() -> Result<()> {
    let desk = Desk::counted("stop", STOP_SERVICE)?;
    fs::create_dir(desk.deployment.path().join("outside"))?;
    desk.deployment.configure("[cli]", "[journal]\npublish = [\"outside\"]\n\n[cli]")?;
    let id = desk.approved()?;
    let file = backup(&desk.deployment)?;
    restore(&desk.deployment, &file)?;
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    desk.call(&["--request", &id])?.exit(0)?;
    ensure!(look(&desk.deployment)? > 0, "nothing happened");
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}

#[test]
fn journal_tells_a_restored_backup_that_is_behind_what_was_published() -> Result<()> {
    let desk = Desk::counted("stop", STOP_SERVICE)?;
    fs::create_dir(desk.deployment.path().join("outside"))?;
    desk.deployment.configure("[cli]", "[journal]\npublish = [\"outside\"]\n\n[cli]")?;
    let asked = desk.ask()?;
    desk.approve(&asked, "amira")?.exit(0)?;
    // In the middle of the story: one of two people has signed.
    let file = backup(&desk.deployment)?;
    desk.approve(&asked, "li")?.exit(0)?;
    desk.call(&["--request", &asked.0])?.exit(0)?;
    let done = look(&desk.deployment)?;

    restore(&desk.deployment, &file)?;
    desk.approve(&asked, "li")?.exit(0)?;
    let told = desk.call(&["--request", &asked.0])?;
    ensure!(told.code == 3 && code_of(&told)? == "journal-behind", "{told}");
    desk.deployment.run(&["journal", "verify"])?.exit(6)?.says(&["journal acknowledge"])?;
    desk.deployment.run(&["journal", "erase", "--older-than", "90d"])?.exit(6)?;
    desk.deployment.run(&["journal", "acknowledge"])?.exit(0)?;
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    // As far as this journal knows the approval is unused; the world has moved.
    let told = desk.call(&["--request", &asked.0])?;
    ensure!(told.code == 3 && code_of(&told)? == "stale", "{told}");
    ensure!(look(&desk.deployment)? == done, "something happened");
    Ok(())
}

/// Erases all that is over now, however young: the age is the command's own rule.
fn erase_all(deployment: &Deployment) -> Result<u64> {
    let journal = Journal::open(&Config::load(&deployment.path().join("interlock.toml"))?)?;
    let what = erasable(&journal, journal.now_ms() + 1)?;
    Ok(tokio::runtime::Runtime::new()?.block_on(erase(&journal, &what, "a-test"))?)
}

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    at(value, pointer).as_str().with_context(|| format!("no {pointer} in {value}"))
}

/// Threat E7: words that must not stay can go, and nothing that was proven is lost with them.
#[test]
fn what_is_over_is_erased_and_what_people_may_still_sign_is_not() -> Result<()> {
    let desk = Desk::counted("configure", SET_CONFIG)?;
    let deployment = &desk.deployment;
    desk.policy(CHANGES_NEED_TWO)?;
    let asked = desk.call(&["--reason", CANARY])?.exit(4)?.json()?;
    let over = (text(&asked, "/request")?.to_owned(), text(&asked, "/document")?.to_owned());
    desk.approve(&over, "amira")?.exit(0)?;
    desk.approve(&over, "li")?.exit(0)?;
    let answer = desk.call(&["--request", &over.0])?.exit(0)?.json()?;
    let run = text(&answer, "/invocation")?;
    let receipt = deployment.write("receipt.json", answer["receipt"].to_string())?;
    let pending = desk.ask()?;
    desk.approve(&pending, "amira")?.exit(0)?;
    ensure!(holds(deployment, CANARY)?, "the words are not where they are looked for");
    let done = look(deployment)?;

    ensure!(erase_all(deployment)? > 5);
    ensure!(!holds(deployment, CANARY)?, "the words are still there");
    ensure!(erase_all(deployment)? == 0, "erasing again erases nothing");
    // Each reader copes, and says what it can.
    let says = |words: &[&str], code: i32| -> Result<Ran> { deployment.run(words)?.exit(code) };
    says(&["journal", "verify"], 0)?;
    says(&["journal", "list", "--last", "100"], 0)?.says(&["(erased)", "erasure", "a-test"])?;
    says(&["journal", "show", run], 0)?.says(&["intent", "outcome", "(erased)"])?;
    says(&["journal", "show", &over.0], 0)?.says(&["approval", "(erased)"])?;
    says(&["journal", "show", run, "--receipt"], 3)?.says(&["erased"])?;
    says(&["doctor"], 0)?;
    says(&["grant", "list"], 0)?;
    let list = says(&["approval", "list"], 0)?;
    ensure!(list.stdout.contains(&pending.0) && !list.stdout.contains(&over.0), "{list}");
    says(&["approval", "show", &over.0], 3)?.says(&["erased"])?;
    desk.approve(&over, "jonas")?.exit(3)?;
    let told = desk.call(&["--request", &over.0])?;
    ensure!(told.code == 3 && code_of(&told)? == "request-erased", "{told}");
    ensure!(look(deployment)? == done, "an erased approval was used");
    // An older receipt is still borne out, by leaves whose words are gone.
    says(&["journal", "export", "export.tar"], 0)?;
    says(&["journal", "verify", "export.tar"], 0)?;
    let receipt = receipt.display().to_string();
    let words = ["journal", "verify", "export.tar", "--receipt", &receipt];
    says(&words, 0)?.says(&["verified", "erased"])?;
    let told = says(&[&words[..], &["--json"]].concat(), 0)?.json()?;
    ensure!(told["erased"].as_array().is_some_and(|e| e.len() > 5), "{told}");
    says(&["journal", "backup", "copy.db"], 0)?;
    // What waits is as it was.
    desk.approve(&pending, "li")?.exit(0)?;
    desk.call(&["--request", &pending.0])?.exit(0)?;
    ensure!(look(deployment)? > done, "what was pending did not happen");
    says(&["journal", "verify"], 0)?;
    Ok(())
}

#[test]
fn asker_cannot_approve_an_erased_request_is_none_to_any_asker() -> Result<()> {
    let desk = Desk::counted("stop", STOP_SERVICE)?;
    let id = desk.approved()?;
    desk.call(&["--request", &id])?.exit(0)?;
    erase_all(&desk.deployment)?;
    let config = Config::load(&desk.deployment.path().join("interlock.toml"))?;
    let helper = Helper::program(interlock_tests::interlock()?);
    let askers = Askers::of(Arc::new(Host::builder(config).helper(helper).build()?));
    for name in [crate::journeys::AGENT, "Agent::stranger"] {
        let asker = askers.asker(name.parse()?);
        let told = asker.request(&id);
        let unknown = matches!(&told, Err(HostError::Refused { code: "request-unknown", message })
                if message == &format!("there is no request `{id}`"));
        ensure!(unknown, "{name}: {told:?}");
        ensure!(asker.requests(10)?.is_empty());
    }
    Ok(())
}

/// The entry that tells of it comes first: a journal that does not take it keeps its words.
#[test]
fn fail_closed_nothing_is_erased_that_the_journal_was_not_told_of() -> Result<()> {
    let deployment = Deployment::init()?;
    old(&deployment)?;
    let journal = Journal::open(&Config::load(&deployment.path().join("interlock.toml"))?)?;
    let what = erasable(&journal, journal.now_ms() - 1000)?;
    ensure!(what.leaves == [2, 0], "{what:?}");
    // Another file in its place: the host's own writer takes nothing any more.
    let copy = deployment.path().join("copy.db");
    fs::copy(database(&deployment), &copy)?;
    fs::rename(&copy, database(&deployment))?;
    let told = tokio::runtime::Runtime::new()?.block_on(erase(&journal, &what, "a-test"));
    ensure!(told.is_err(), "{told:?}");
    drop(journal);
    ensure!(holds(&deployment, &format!("{CANARY} 01OVER"))?, "it was erased all the same");
    Ok(())
}

/// A journal that was written a hundred days ago.
fn old(deployment: &Deployment) -> Result<()> {
    let config = Config::load(&deployment.path().join("interlock.toml"))?;
    let then = SystemTime::now() - Duration::from_secs(100 * 24 * 3600);
    let then = u64::try_from(then.duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?;
    let clock: Clock = Arc::new(move || then);
    let store = Store::open(&config.store, signer(&config.state)?, Durability::Full, clock)?;
    let journal = Journal::new(store, Vec::new());
    let words = |id: &str| {
        let canonical = format!("{CANARY} {id}");
        Event::of(
            id,
            EventBody::Plan {
                plan: interlock::authority::Digest::from_bytes([0; 32]),
                canonical,
                effects: 0,
            },
        )
    };
    let ended = EventBody::Ended {
        code: "done".into(),
        host_calls: 0,
        dropped_log_bytes: 0,
        request: None,
    };
    let events = [
        words("01OVER"),
        words("01LOST"),
        Event::of("01OVER", ended),
        Event::alone(EventBody::Freeze { reason: "a drill".into() }),
    ];
    tokio::runtime::Runtime::new()?.block_on(async {
        for event in events {
            journal.write(Record::of(event)).await?;
        }
        Ok(())
    })
}

#[test]
fn old_words_go_by_age_and_the_journal_tells_who_erased_them() -> Result<()> {
    let deployment = Deployment::init()?;
    old(&deployment)?;
    let erase = |words: &[&str]| deployment.run(&[&["journal", "erase"], words].concat());
    let entries = |ran: &Ran| -> Result<Value> { Ok(ran.json()?["entries"].clone()) };
    // Neither a time, nor one that is long enough, nor one that anything is older than.
    erase(&[])?.exit(2)?;
    erase(&["--older-than", "soon"])?.exit(2)?.says(&["90d"])?;
    let young = erase(&["--older-than", "23h", "--json"])?.exit(2)?;
    ensure!(code_of(&young)? == "too-young", "{young}");
    let none = erase(&["--older-than", "200d", "--json"])?.exit(0)?;
    ensure!(entries(&none)? == 0, "{none}");

    let before = fs::read(database(&deployment))?;
    let dry = erase(&["--older-than", "90d", "--dry-run", "--json"])?.exit(0)?;
    let told = dry.json()?;
    ensure!(told["status"] == "would-erase" && told["entries"] == 2, "{dry}");
    ensure!(told["kinds"] == serde_json::json!({"ended": 1, "plan": 1}), "{dry}");
    let stay = serde_json::json!({"always-kept": 1, "invocation-not-over": 1});
    ensure!(told["stay"] == stay, "{dry}");
    ensure!(fs::read(database(&deployment))? == before, "a dry run wrote something");
    erase(&["--older-than", "90d", "--dry-run"])?
        .exit(0)?
        .says(&["would erase", "stay: of inv"])?;

    let over = format!("{CANARY} 01OVER");
    ensure!(holds(&deployment, &over)?);
    erase(&["--older-than", "90d"])?.exit(0)?.says(&["erased", "2 entries"])?;
    ensure!(!holds(&deployment, &over)? && holds(&deployment, &format!("{CANARY} 01LOST"))?);
    let list = deployment.run(&["journal", "list", "--json"])?.exit(0)?.json()?;
    let kinds: Vec<_> = list.as_array().context("no list")?.iter().map(|e| &e["kind"]).collect();
    ensure!(kinds == ["plan", "plan", "ended", "freeze", "erasure"], "{list}");
    ensure!(at(&list, "/4/event/entries") == 2 && at(&list, "/4/event/by").is_string(), "{list}");
    ensure!(at(&list, "/0/event").is_null() && at(&list, "/1/event").is_object(), "{list}");
    // Nothing is left to erase, and nothing is told of that.
    erase(&["--older-than", "90d"])?.exit(0)?.says(&["nothing from before"])?;
    ensure!(deployment.run(&["journal", "verify", "--json"])?.exit(0)?.json()?["leaves"] == 5);

    // What a limit looks back at is not old yet.
    deployment.configure("[cli]", "[requests]\ncooling = \"2400h\"\n\n[cli]")?;
    erase(&["--older-than", "90d"])?.exit(2)?.says(&["cooling period", "`100d`"])?;
    Ok(())
}
