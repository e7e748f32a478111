//! Elevations with the real binary: exactly what was asked for, for whoever asked, for so many effects and so
//! long, and never anything that destroys.

use anyhow::{Context, Result, ensure};
use interlock_tests::{Ran, staged_plugin};
use serde_json::Value;

use crate::{
    desk::{Desk, at},
    journeys::{AGENT, OBSERVE},
};

const ON_DB: &str = "interlock:environment/remediate@0.1.0=environment/prod/service/db";
const ON_API: &str = "interlock:environment/remediate@0.1.0#restart-service,rollback-config=environment/prod/service/api";
const API: &str = r#"{"environment":"prod","service":"api"}"#;

/// A desk whose `fix-service` may mend `db` and nothing else, and whose `api` is broken.
fn desk() -> Result<Desk> {
    let desk = Desk::rebuild()?;
    desk.deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, ON_DB])?
        .exit(0)?;
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    Ok(desk)
}

fn request(desk: &Desk, grant: &str, effects: &str, time: &str, who: &str) -> Result<Ran> {
    let words = ["grant", "request", "fix-service", grant, "--effects", effects];
    desk.deployment.run(&[&words[..], &["--for", time, "--as", who, "--json"]].concat())
}

fn heal(desk: &Desk, who: &str) -> Result<Ran> {
    desk.deployment.run(&["call", "fix-service.heal", API, "--as", who, "--json"])
}

fn code(ran: &Ran) -> Result<String> {
    let told = ran.json()?;
    Ok(told.get("code").and_then(Value::as_str).with_context(|| format!("{ran}"))?.to_owned())
}

/// How many effects of a call were done, and the code of what was denied.
fn did(ran: &Ran) -> Result<(usize, String)> {
    let told = ran.json()?;
    let done = at(&told, "/happened").as_array().context("no effects")?;
    let done = done.iter().filter(|effect| at(effect, "/status") == "done").count();
    Ok((done, at(&told, "/denied/0/code").as_str().unwrap_or_default().to_owned()))
}

/// Asks, lets amira sign, and brings it into force; gives the request.
fn elevated(desk: &Desk, effects: &str, time: &str) -> Result<String> {
    let asked = request(desk, ON_API, effects, time, AGENT)?.exit(4)?.json()?;
    let text = |name: &str| {
        at(&asked, &format!("/{name}")).as_str().map(str::to_owned).context("no request")
    };
    let asked = (text("request")?, text("document")?);
    // Who operates the asker does not count here either.
    ensure!(code(&desk.approve(&asked, "jonas")?.exit(3)?)? == "operator-cannot-approve");
    desk.approve(&asked, "amira")?.exit(0)?;
    // Signed is not yet in force: whoever asked says when the time begins.
    ensure!(did(&heal(desk, AGENT)?)?.0 == 0);
    let came = request(desk, ON_API, effects, time, AGENT)?.exit(0)?.json()?;
    ensure!(
        at(&came, "/status") == "in-force" && at(&came, "/request") == asked.0.as_str(),
        "{came}"
    );
    Ok(asked.0)
}

#[test]
fn an_elevation_adds_exactly_what_was_signed_until_it_runs_out() -> Result<()> {
    let desk = desk()?;
    ensure!(did(&heal(&desk, AGENT)?)? == (0, "outside-grant".to_owned()));
    let id = elevated(&desk, "3", "1h")?;
    let again = request(&desk, ON_API, "3", "1h", AGENT)?.exit(0)?.json()?;
    ensure!(again["request"] == id.as_str(), "asking again doubled it: {again}");
    // It is the asker's alone.
    let other = desk.deployment.run(&["call", "fix-service.heal", API, "--json"])?;
    ensure!(did(&other)? == (0, "outside-grant".to_owned()), "{other}");
    ensure!(did(&heal(&desk, AGENT)?.exit(0)?)?.0 == 2);
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    ensure!(did(&heal(&desk, AGENT)?)? == (1, "over-budget".to_owned()));
    let list = desk.deployment.run(&["grant", "list", "--json"])?.exit(0)?.json()?;
    ensure!(list[0]["used"] == 3 && list[0]["state"] == "granted", "{list}");
    let shown = desk.deployment.run(&["approval", "show", &id])?.exit(0)?;
    ensure!(shown.stdout.contains("THIS ADDS ONLY"), "{shown}");
    let words =
        shown.stdout.split_whitespace().filter(|word| *word != "+").collect::<Vec<_>>().join(" ");
    ensure!(
        words.contains("restart-service (change) on environment/prod/service/api and all below it")
    );
    desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}

#[test]
fn an_elevation_ends_by_time_by_hand_and_with_the_rules() -> Result<()> {
    let desk = desk()?;
    elevated(&desk, "9", "1s")?;
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    ensure!(did(&heal(&desk, AGENT)?)? == (0, "outside-grant".to_owned()));

    let id = elevated(&desk, "9", "1h")?;
    let file = desk.deployment.path().join("policies/default.cedar");
    let policy = std::fs::read_to_string(&file)?;
    desk.deployment.write("policies/default.cedar", format!("{policy}\n// Other rules.\n"))?;
    ensure!(did(&heal(&desk, AGENT)?)? == (0, "outside-grant".to_owned()));
    let list = desk.deployment.run(&["grant", "list", "--json"])?.exit(0)?.json()?;
    ensure!(list[0]["void"].as_str().is_some_and(|why| why.contains("policies")), "{list}");
    desk.deployment.write("policies/default.cedar", policy)?;

    desk.deployment.run(&["grant", "revoke", &id])?.exit(0)?;
    ensure!(did(&heal(&desk, AGENT)?)? == (0, "outside-grant".to_owned()));
    ensure!(code(&desk.approve(&(id, String::new()), "li")?.exit(3)?)? == "other-digest");
    Ok(())
}

#[test]
fn fail_closed_an_elevation_whose_words_were_erased_grants_nothing_and_stops_nothing_else()
-> Result<()> {
    use interlock::record::{Journal, space};
    let desk = desk()?;
    let id = elevated(&desk, "2", "1h")?;
    let config = interlock::Config::load(&desk.deployment.path().join("interlock.toml"))?;
    let journal = Journal::open(&config)?;
    let about = journal.find(space::ABOUT, &id)?;
    ensure!(journal.store().erase(&about)? > 1);
    drop(journal);
    let tried = heal(&desk, AGENT)?;
    ensure!(did(&tried)?.0 == 0 && !tried.stdout.contains("erased"), "{tried}");
    let look = ["call", "fix-service.diagnose", API, "--as", AGENT];
    desk.deployment.run(&look)?.exit(0)?;
    desk.deployment.run(&["grant", "list"])?.exit(0)?;
    Ok(())
}

#[test]
fn destroy_needs_people_no_elevation_ever_destroys() -> Result<()> {
    let desk = desk()?;
    let teardown = "interlock:environment/teardown@0.1.0=environment/prod/service/api";
    let words = ["grant", "request", "rebuild-environment", teardown, "--effects", "1"];
    let words = [&words[..], &["--for", "1h", "--as", AGENT, "--json"]].concat();
    ensure!(code(&desk.deployment.run(&words)?.exit(3)?)? == "elevation-destroys");
    for (grant, effects, time, who, expected) in [
        (ON_DB, "1", "1h", AGENT, "elevation-adds-nothing"),
        (teardown, "1", "1h", AGENT, "elevation-not-imported"),
        (ON_API, "0", "1h", AGENT, "elevation-out-of-bounds"),
        (ON_API, "1001", "1h", AGENT, "elevation-out-of-bounds"),
        (ON_API, "1", "169h", AGENT, "elevation-out-of-bounds"),
        (ON_API, "1", "1h", "Agent::mallory", "unknown-principal"),
    ] {
        let ran = request(&desk, grant, effects, time, who)?.exit(3)?;
        ensure!(code(&ran)? == expected, "{ran}");
    }
    ensure!(
        desk.deployment.run(&["approval", "list", "--json"])?.exit(0)?.json()?
            == Value::Array(vec![])
    );
    Ok(())
}
