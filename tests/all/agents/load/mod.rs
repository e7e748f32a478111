//! Many agents at once: 200 connections that call without a pause, over several principals, and a host that is
//! told to stop in the middle of it. `cargo xtask load` runs the first for a minute against a release build; what
//! it prints is in docs/benchmarks.md.
//!
//! It stops a host that serves one agent well and two hundred badly, and a call that is answered and not in the
//! journal.

mod client;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::watching::{number, scrape};
use super::{Serve, desk, token};
use crate::desk::Desk;
use crate::journeys::{OBSERVE, REMEDIATE};
use client::{Heard, Story, Target};
use interlock_tests::staged_plugin;

/// What one client does, over and over: arguments of a tool that computes, and of one that looks at processes.
const COUNT: &str = "word-count__count";
const LOOK: &str = "fix-service__diagnose";
/// The principals that the clients share: with 32 calls at once each, no limit is met.
const AGENTS: usize = 8;

/// How much load: a little in every test run, more where somebody asks.
fn wanted(name: &str, otherwise: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} wants a number")),
        Err(_) => Ok(otherwise),
    }
}

/// A deployment with several agents, each with a token, and a host that serves them.
struct Scene {
    desk: Desk,
    serve: Serve,
    tokens: Vec<String>,
}

fn scene() -> Result<Scene> {
    let desk = desk()?;
    let grants = [OBSERVE, REMEDIATE];
    desk.deployment.install(&staged_plugin("fix_service")?, "fix-service", &grants)?.exit(0)?;
    let mut more =
        "[serve]\nrate = { count = 100000000, per = \"1m\" }\nconcurrent = 64\n\n".to_owned();
    for agent in 0..AGENTS {
        more.push_str(&format!(
            "[agents.load-{agent}]\nteams = [\"sre-agents\"]\noperators = []\n\n"
        ));
    }
    desk.deployment.configure("[agents.oncall-bot]", &format!("{more}[agents.oncall-bot]"))?;
    let tokens = (0..AGENTS).map(|agent| Ok(token(&desk, &format!("load-{agent}"), &[])?.1));
    let tokens = tokens.collect::<Result<_>>()?;
    // A line for each call, to somebody who does not read them, is not what is measured.
    let words = ["--metrics", "127.0.0.1:0", "--log-level", "warn"];
    let serve = Serve::start_at(desk.deployment.path(), "127.0.0.1:0", &words)?;
    Ok(Scene { desk, serve, tokens })
}

/// Starts clients, which call until they are told to stop or the host is gone.
fn clients(
    scene: &Scene,
    count: u64,
    may_stop: bool,
    stop: &Arc<AtomicBool>,
) -> Vec<std::thread::JoinHandle<Heard>> {
    let tokens = scene.tokens.iter().cycle();
    (0..count)
        .zip(tokens)
        .map(|(number, token)| {
            let (address, token) = (scene.serve.address.clone(), token.clone());
            let target = Target { address, token, may_stop };
            // Nine of ten compute; the tenth looks at real processes.
            let story = if number % 10 == 9 {
                Story { tool: LOOK, arguments: json!({"environment": "prod", "service": "api"}) }
            } else {
                Story { tool: COUNT, arguments: json!({"text": "to be or not to be"}) }
            };
            let stop = stop.clone();
            std::thread::spawn(move || client::call_until(&target, &story, &stop))
        })
        .collect()
}

fn heard(clients: Vec<std::thread::JoinHandle<Heard>>) -> Result<Vec<Heard>> {
    let joined = clients.into_iter().map(|client| client.join());
    joined.map(|heard| heard.map_err(|_| anyhow::anyhow!("a client panicked"))).collect()
}

/// The value below which so many of a hundred are; the values are in order.
fn percentile(sorted: &[Duration], of_hundred: usize) -> Duration {
    let at = sorted.len().saturating_sub(1) * of_hundred / 100;
    sorted.get(at).copied().unwrap_or_default()
}

#[test]
fn many_agents_at_once_are_served_without_errors_and_memory_stays_flat() -> Result<()> {
    let seconds = wanted("INTERLOCK_LOAD_SECONDS", 6)?;
    let count = wanted("INTERLOCK_LOAD_CLIENTS", 200)?;
    let scene = scene()?;
    let stop = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let clients = clients(&scene, count, false, &stop);
    let memory = || number(&scrape(&scene.serve)?.1, "process_resident_memory_bytes");
    let mut seen = Vec::new();
    while started.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(Duration::from_millis(500));
        seen.push(memory()?);
    }
    stop.store(true, Ordering::Release);
    let took = started.elapsed();
    let heard = heard(clients)?;
    let (_, numbers) = scrape(&scene.serve)?;
    ensure!(number(&numbers, "interlock_calls_running")? == 0.0, "calls still run:\n{numbers}");

    let mut all: Vec<Duration> = heard.iter().flat_map(|one| one.took.iter().copied()).collect();
    all.sort_unstable();
    let wrong: Vec<&String> = heard.iter().flat_map(|one| &one.wrong).take(5).collect();
    ensure!(wrong.is_empty(), "errors: {wrong:#?}");
    // Nobody was left out: with a fair host each has its turn.
    let least = heard.iter().map(|one| one.took.len()).min().unwrap_or_default();
    ensure!(least > 0, "a client was never answered, of {} calls", all.len());
    // Flat: what it needs for so many it has after a quarter of the time.
    let quarter = seen.len() / 4;
    let after = |range: &[f64]| range.iter().copied().fold(0.0_f64, f64::max);
    let (early, late) = seen.split_at((quarter + 1).min(seen.len()));
    let (early, late) = (after(early), after(late));
    let calls = all.len();
    let a_second = calls as f64 / took.as_secs_f64();
    let [p50, p90, p99] = [50, 90, 99].map(|p| percentile(&all, p).as_secs_f64() * 1e3);
    let told = json!({"clients": count, "seconds": took.as_secs_f64(), "calls": calls, "calls_per_second": a_second,
        "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "rss_mib_early": early / 1048576.0, "rss_mib_late": late / 1048576.0,
        "fewest_calls_of_a_client": least});
    println!("{told}");
    if let Ok(file) = std::env::var("INTERLOCK_LOAD_RESULT") {
        std::fs::write(file, format!("{told}\n"))?;
    }
    ensure!(early > 1e6, "no memory was seen: {seen:?}");
    ensure!(late < early * 1.25 + 16.0 * 1048576.0, "memory grows: {early} → {late}: {seen:?}");
    // The journal has them all: each call is a decision and an end.
    let verified = scene.desk.deployment.run(&["journal", "verify", "--json"])?.exit(0)?.json()?;
    let leaves = super::at(&verified, "/leaves").as_u64().unwrap_or_default();
    ensure!(leaves as usize >= 2 * calls, "{leaves} leaves of {calls} calls");
    Ok(())
}

#[test]
fn journal_tells_each_call_that_was_taken_when_the_host_is_stopped_under_load() -> Result<()> {
    let count = wanted("INTERLOCK_LOAD_CLIENTS", 200)?;
    let mut scene = scene()?;
    let stop = Arc::new(AtomicBool::new(false));
    let clients = clients(&scene, count, true, &stop);
    std::thread::sleep(Duration::from_secs(2));
    scene.serve.running.signal("-TERM")?;
    let (code, said) = scene.serve.running.ended()?;
    stop.store(true, Ordering::Release);
    let heard = heard(clients)?;
    ensure!(code == Some(0), "{code:?} {said}");
    let wrong: Vec<&String> = heard.iter().flat_map(|one| &one.wrong).take(5).collect();
    ensure!(wrong.is_empty(), "errors: {wrong:#?}");

    let list = scene.desk.deployment.run(&["journal", "list", "--last", "1000000", "--json"])?;
    let list = list.exit(0)?.json()?;
    let mut decided = BTreeMap::new();
    for leaf in list.as_array().context("no list")? {
        let text = |pointer: &str| super::at(leaf, pointer).as_str().map(str::to_owned);
        let Some(invocation) = text("/event/invocation") else { continue };
        match text("/kind").as_deref() {
            Some("decision") => drop(decided.entry(invocation).or_insert(None)),
            Some("ended") => drop(decided.insert(invocation, text("/event/code"))),
            _ => {}
        }
    }
    let open: Vec<&String> =
        decided.iter().filter(|(_, end)| end.is_none()).map(|(id, _)| id).collect();
    ensure!(open.is_empty(), "{} calls without an end, such as {:?}", open.len(), open.first());
    let mut answered = 0;
    for (invocation, status) in heard.iter().flat_map(|one| &one.answered) {
        answered += 1;
        let end = decided.get(invocation).and_then(Option::as_ref);
        ensure!(
            end == Some(status),
            "{invocation} was answered `{status}`, the journal says {end:?}"
        );
    }
    ensure!(answered > 100, "only {answered} calls were answered before it stopped");
    scene.desk.deployment.run(&["journal", "verify"])?.exit(0)?;
    Ok(())
}

#[test]
fn a_percentile_is_a_value_that_was_seen() {
    let all: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
    assert_eq!(percentile(&all, 50), Duration::from_millis(50));
    assert_eq!(percentile(&all, 99), Duration::from_millis(99));
    assert_eq!(percentile(&[], 99), Duration::ZERO);
}
