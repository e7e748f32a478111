//! What an operator can watch: numbers on a listener of their own and lines in a log. They say what happened,
//! and nothing that an agent said.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::read;
use serde_json::{Value, json};

use super::{Serve, bearer, desk, raw_at, token};
use crate::{desk::Desk, journeys::AGENT};

const REBUILD: &str = "rebuild-environment__rebuild";
/// What an agent says, and what must be found nowhere.
const CANARY: &str = "canary-7d1f\u{1b}[2J\n2026-01-01T00:00:00.000Z  INFO forged";

fn watched(desk: &Desk) -> Result<Serve> {
    let words = ["--metrics", "127.0.0.1:0", "--log-format", "json", "--log-level", "debug"];
    Serve::start_at(desk.deployment.path(), "127.0.0.1:0", &words)
}

/// Where the numbers are, and their text.
pub(super) fn scrape(serve: &Serve) -> Result<(String, String)> {
    let url = serve.metrics.as_deref().context("no numbers")?;
    let address = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let address = address.context("another url")?.to_owned();
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {address}");
    let (status, answer) = raw_at(&address, &head, "")?;
    ensure!(status == 200, "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
    Ok((address, body.to_owned()))
}

/// The number of a series that is named in full.
pub(super) fn number(text: &str, series: &str) -> Result<f64> {
    let line =
        text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(name, _)| name == series));
    let (_, value) = line
        .and_then(|line| line.rsplit_once(' '))
        .with_context(|| format!("no {series} in\n{text}"))?;
    Ok(value.parse()?)
}

fn call(serve: &Serve, bearer: &str, tool: &str, arguments: &Value) -> Result<String> {
    let params = json!({"name": tool, "arguments": arguments});
    let (status, answer) = serve.post(bearer, "tools/call", tool, params)?;
    ensure!(status == 200, "{answer}");
    Ok(answer)
}

#[test]
fn numbers_say_what_happened_and_nothing_that_an_agent_said() -> Result<()> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let serve = watched(&desk)?;
    let bearer = bearer(&token);
    for _ in 0..3 {
        call(&serve, &bearer, "word-count__count", &json!({"text": CANARY}))?;
    }
    call(&serve, &bearer, "word-count__count", &json!({"txt": CANARY}))?;
    let asked = json!({"environment": "prod", "reason": CANARY});
    let waits = call(&serve, &bearer, REBUILD, &asked)?;
    ensure!(waits.contains("approval-required"), "{waits}");
    ensure!(serve.list("")?.0 == 401);
    let (address, text) = scrape(&serve)?;
    let count = |outcome: &str, plugin: &str, tool: &str| {
        number(
            &text,
            &format!(
                r#"interlock_calls_total{{principal="{AGENT}",plugin="{plugin}",tool="{tool}",outcome="{outcome}"}}"#
            ),
        )
    };
    ensure!(count("done", "word-count", "count")? == 3.0, "{text}");
    ensure!(count("invalid-arguments", "word-count", "count")? == 1.0, "{text}");
    ensure!(count("approval-required", "rebuild-environment", "rebuild")? == 1.0, "{text}");
    for (series, value) in [
        ("interlock_requests_waiting", 1.0),
        ("interlock_effects_open", 0.0),
        ("interlock_frozen", 0.0),
        ("interlock_seal_broken", 0.0),
        ("interlock_journal_readable", 1.0),
        ("interlock_plugins", 3.0),
        ("interlock_calls_running", 0.0),
        (r#"interlock_http_responses_total{route="/mcp",status="401"}"#, 1.0),
        (r#"interlock_http_responses_total{route="/mcp",status="200"}"#, 5.0),
        ("interlock_configuration_unused", 0.0),
    ] {
        ensure!(number(&text, series)? == value, "{series} is not {value}:\n{text}");
    }
    ensure!(number(&text, "interlock_journal_leaves")? > 5.0, "{text}");
    ensure!(number(&text, "process_resident_memory_bytes")? > 1e6, "{text}");
    let secret = token.rsplit('_').next().context("no secret")?;
    for word in ["canary-7d1f", "forged", secret] {
        ensure!(!text.contains(word), "{word}:\n{text}");
    }
    // What changes outside is seen at the next look.
    desk.deployment.run(&["freeze", "--reason", "a test"])?.exit(0)?;
    // What was seen is good for a second, whoever asks.
    std::thread::sleep(Duration::from_millis(1100));
    ensure!(number(&scrape(&serve)?.1, "interlock_frozen")? == 1.0);
    desk.deployment.run(&["thaw"])?.exit(0)?;
    // Each listener has its own, and nothing of the other's.
    for (line, status) in
        [("GET /mcp", 404), ("GET /", 404), ("POST /metrics", 405), ("POST /mcp", 404)]
    {
        let head = format!("{line} HTTP/1.1\r\nHost: {address}{bearer}");
        ensure!(raw_at(&address, &head, "{}")?.0 == status, "{line}");
    }
    // A page in a browser comes with a name that its author made lead here.
    let head = "GET /metrics HTTP/1.1\r\nHost: evil.example";
    ensure!(raw_at(&address, head, "")?.0 == 403);
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {}{bearer}", serve.address);
    ensure!(serve.raw(&head, "")?.0 == 404);
    Ok(())
}

#[test]
fn effects_are_counted_by_how_they_ended() -> Result<()> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let serve = watched(&desk)?;
    let bearer = bearer(&token);
    let asked = json!({"environment": "prod", "reason": "a test"});
    let waits = call(&serve, &bearer, REBUILD, &asked)?;
    let list = desk.deployment.run(&["approval", "list", "--json"])?.exit(0)?.json()?;
    let text = |name: &str| super::at(&list, &format!("/0/{name}")).as_str().map(str::to_owned);
    let request = text("request").with_context(|| waits.clone())?;
    let request = (request, text("document").context("no document")?);
    desk.approve(&request, "amira")?.exit(0)?;
    desk.approve(&request, "li")?.exit(0)?;
    let mut asked = asked;
    if let Some(asked) = asked.as_object_mut() {
        asked.insert("interlock_request".to_owned(), request.0.clone().into());
    }
    let done = call(&serve, &bearer, REBUILD, &asked)?;
    ensure!(done.contains("\"done\""), "{done}");
    let (_, text) = scrape(&serve)?;
    let series = r#"interlock_effects_total{interface="interlock:environment/teardown@0.1.0",function="recreate-environment",status="done"}"#;
    ensure!(number(&text, series)? == 1.0, "{text}");
    ensure!(number(&text, "interlock_requests_waiting")? == 0.0, "{text}");
    ensure!(number(&text, "interlock_journal_write_duration_seconds_count")? >= 3.0, "{text}");
    let mut serve = serve;
    serve.running.signal("-TERM")?;
    let (code, said) = serve.running.ended()?;
    ensure!(code == Some(0), "{code:?} {said}");
    let lines: Vec<Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let effect =
        lines.iter().find(|line| line["message"] == "effect ended").context(said.clone())?;
    ensure!(effect["resource"] == "environment/prod" && effect["status"] == "done", "{effect}");
    let ended: Vec<&Value> = lines.iter().filter(|line| line["message"] == "call ended").collect();
    // The effect's line names the call that it belongs to.
    let call = &effect["invocation"];
    ensure!(ended.iter().any(|line| line["span"]["invocation"] == *call), "{said}");
    ensure!(ended.len() == 2, "{said}");
    Ok(())
}

#[test]
fn a_line_of_the_log_is_one_line_whatever_an_agent_says() -> Result<()> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    for format in ["json", "text"] {
        let words = ["--log-format", format, "--log-level", "debug"];
        let mut serve = Serve::start_at(desk.deployment.path(), "127.0.0.1:0", &words)?;
        let bearer = bearer(&token);
        call(&serve, &bearer, "word-count__count", &json!({"text": CANARY}))?;
        let strange = json!({"environment": CANARY, "reason": CANARY});
        call(&serve, &bearer, REBUILD, &strange)?;
        let params = json!({"name": CANARY, "arguments": {}});
        serve.post(&bearer, "tools/call", "x", params)?;
        serve.list("\r\nAuthorization: Bearer ilk_canary-7d1f")?;
        // What is said to be wrong with a request must not be said to the log in the agent's words.
        serve.post(&bearer, "resources/read", "x", json!({"uri": CANARY}))?;
        serve.post(&bearer, "canary-7d1f/x", "", json!({}))?;
        serve.post(&bearer, "tools/list", "", json!({"cursor": CANARY}))?;
        serve.post(&bearer, "tasks/get", "x", json!({"taskId": CANARY}))?;
        serve.running.signal("-TERM")?;
        let (code, said) = serve.running.ended()?;
        ensure!(code == Some(0), "{code:?} {said}");
        ensure!(said.contains("call ended"), "{said}");
        ensure!(!said.contains('\u{1b}') && !said.contains("canary-7d1f"), "{said}");
        for line in said.lines() {
            match format {
                "json" => drop(serde_json::from_str::<Value>(line).context(line.to_owned())?),
                _ => ensure!(line.starts_with("20") && line.contains('Z'), "{line}"),
            }
        }
    }
    Ok(())
}

/// A log that nobody reads stops nothing.
#[test]
fn a_reader_of_the_log_that_stops_does_not_stop_the_host() -> Result<()> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let serve = watched(&desk)?;
    let started = Instant::now();
    // Nobody reads standard error here; a pipe takes 64 KiB, and then no more.
    loop {
        for _ in 0..50 {
            ensure!(serve.list("\r\nAuthorization: Bearer nobody")?.0 == 401);
            call(&serve, &bearer(&token), "word-count__count", &json!({"text": "one"}))?;
        }
        let (_, text) = scrape(&serve)?;
        let calls = format!(
            r#"interlock_calls_total{{principal="{AGENT}",plugin="word-count",tool="count",outcome="done"}}"#
        );
        if number(&text, &calls)? >= 600.0 {
            return Ok(());
        }
        if started.elapsed() > Duration::from_secs(60) {
            bail!("the host has become slow:\n{text}");
        }
    }
}

/// An alarm on a number that is not there never rings.
#[test]
fn each_number_of_the_alarms_is_one_that_the_guide_names() -> Result<()> {
    let guide = read("docs/guides/deploy.md")?;
    let alerts = read("examples/deploy/alerts.yaml")?;
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let names: BTreeSet<&str> =
        alerts.split(word).filter(|word| word.starts_with("interlock_")).collect();
    ensure!(names.len() > 8, "{names:?}");
    for name in names {
        let name = name.strip_suffix("_total").unwrap_or(name);
        ensure!(guide.contains(&format!("| `{name}` |")), "{name} is not in the guide");
    }
    Ok(())
}
