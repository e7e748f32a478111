//! The hostile corpus: whatever a component can try, tried on one host that runs the whole time, under every shape of
//! grants. `tests/hostile/README.md` says what is in it; `cargo xtask hostile` runs all of it, the tests here one shape.
//!
//! It stops an effect that nobody granted, a host that one plugin takes down for the others, and a defence that holds
//! for the example it was written for alone.

mod attack;
mod client;
mod make;
mod rows;
mod scene;
mod shape;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::{Ran, read};
use serde_json::{Value, json};

use crate::journeys::AGENT;
use attack::{Attack, Content, Stop};
use client::{Host, ending};
use scene::{MEMORY, Scene, TIME};
use shape::{SHAPES, Shape};
use world::{CANARY, World};

/// Which shapes; without it the one that grants most, because there most of it runs.
const SHAPE: &str = "INTERLOCK_HOSTILE_SHAPE";
/// Only attacks whose name has this in it.
const ONLY: &str = "INTERLOCK_HOSTILE_ONLY";
/// As the command runs it: the deadline to a quarter second, and every attack by the command line, too.
const STRICT: &str = "INTERLOCK_HOSTILE_STRICT";
/// A folder into which all components are written, to be read; then nothing is tried.
const WRITE: &str = "INTERLOCK_HOSTILE_WRITE";
/// A file for the numbers.
const RESULT: &str = "INTERLOCK_HOSTILE_RESULT";
const IN_CI: &str = "everything";

/// After its deadline a run may take so long.
const OVERRUN: Duration = Duration::from_millis(250);
/// Where other tests run on the same machine, nothing is known but that it comes to an end.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the host itself may need above the memory of a run, in KiB: the values of a call, and what the allocator keeps.
const SLACK: u64 = 64 << 10;

fn corpus() -> Result<Vec<Attack>> {
    let mut all = attack::written()?;
    all.extend(make::made()?);
    Ok(all)
}

/// What came of one shape.
#[derive(Default)]
struct Tally {
    attacks: usize,
    stopped: BTreeMap<Stop, usize>,
    exits: BTreeMap<i32, usize>,
    effects: u64,
    ungranted: usize,
    crashes: usize,
    pinned: usize,
    next_calls: usize,
    overrun: (Duration, String),
    late: usize,
    memory: (u64, String),
    memory_before: u64,
    memory_after: u64,
    wrong: Vec<String>,
}

impl Tally {
    fn wrong(&mut self, name: &str, error: &anyhow::Error) {
        let text = format!("{error:#}");
        self.ungranted += usize::from(text.contains("UNGRANTED"));
        self.crashes += usize::from(text.contains("CRASH") || text.contains("it panicked"));
        println!("== {name}: {text}");
        self.wrong.push(format!("{name}: {}", text.lines().next().unwrap_or_default()));
    }

    fn json(&self, shape: &Shape, seconds: f64) -> Value {
        let stopped = |stop: Stop| self.stopped.get(&stop).copied().unwrap_or(0);
        json!({
            "shape": shape.name, "attacks": self.attacks, "stopped_at_admission": stopped(Stop::Admission),
            "not_linked": stopped(Stop::Link), "ran": stopped(Stop::Run), "pinned_by_hand": self.pinned,
            "exits": self.exits.iter().map(|(exit, times)| (exit.to_string(), json!(times))).collect::<serde_json::Map<_, _>>(),
            "granted_effects": self.effects, "ungranted_effects": self.ungranted, "host_crashes": self.crashes,
            "next_calls_served": self.next_calls, "deadline_overruns": self.late,
            "longest_overrun_ms": self.overrun.0.as_secs_f64() * 1e3, "longest_overrun_of": self.overrun.1,
            "most_memory_of_one_kib": self.memory.0, "most_memory_of": self.memory.1,
            "host_kib_before": self.memory_before, "host_kib_after": self.memory_after,
            "wrong": self.wrong.len(), "seconds": seconds,
        })
    }
}

/// All of it under one shape.
fn under(shape: &'static Shape, corpus: &[Attack], strict: bool) -> Result<Tally> {
    let scene = Scene::open(shape)?;
    let mut tally = Tally { attacks: corpus.len(), ..Tally::default() };
    let before = World::look(scene.deployment(), 0, &scene.outside)?;
    ensure!(before.services() >= 3, "the services do not run");
    let (mut refused, mut installed) = (Vec::new(), Vec::new());
    for attack in corpus {
        let (stop, exit) = attack.expected(shape);
        match admitted(&scene, attack, strict) {
            Ok(true) => installed.push(attack),
            Ok(false) => {
                *tally.stopped.entry(stop).or_default() += 1;
                *tally.exits.entry(exit).or_default() += 1;
                refused.push(attack);
            }
            Err(error) => tally.wrong(&attack.name, &error),
        }
    }
    // Everything that was installed, described or refused had no effect.
    let after = World::look(scene.deployment(), 0, &scene.outside)?;
    if let Err(error) = unmoved(&before, &after, shape) {
        tally.wrong("(all of them, installed)", &error);
    }
    tally.pinned = scene.pin(&refused)?;
    let mut host = scene.start()?;
    let offered: BTreeSet<String> = host.tools()?.into_iter().collect();
    for attack in &refused {
        if offered.iter().any(|tool| tool.starts_with(&format!("{}__", attack.name))) {
            tally.wrong(
                &attack.name,
                &anyhow::anyhow!(
                    "UNGRANTED: it was refused, and is offered where it is pinned by hand"
                ),
            );
        }
    }
    served(&mut host)?;
    tally.memory_before = host.memory()?.now;
    for attack in &installed {
        *tally.stopped.entry(Stop::Run).or_default() += 1;
        if let Err(error) = called(&scene, &mut host, attack, strict, &mut tally) {
            tally.wrong(&attack.name, &error);
        }
        // The same process, or it did not hold.
        if !host.lives()? {
            tally.wrong(&attack.name, &anyhow::anyhow!("CRASH: the host has ended"));
            host = scene.start()?;
        }
    }
    // Those that it refused, by name: it answers that there is no such tool.
    for attack in &refused {
        let (answer, _) = host.call(&attack.name, &attack.tool, &attack.arguments)?;
        if answer.get("error").is_none() {
            tally.wrong(
                &attack.name,
                &anyhow::anyhow!("UNGRANTED: it was refused, and is called: {answer}"),
            );
        }
    }
    served(&mut host)?;
    tally.memory_after = host.memory()?.now;
    drop(host);
    scene.deployment().run(&["journal", "verify"])?.exit(0)?;
    Ok(tally)
}

/// Nothing has happened at all.
fn unmoved(before: &World, after: &World, shape: &Shape) -> Result<()> {
    // The configuration has the plugins in it now; nothing else has changed.
    let effects = after.since_installing(before, shape)?;
    ensure!(effects == 0, "UNGRANTED: {effects} effects");
    Ok(())
}

/// Installs one, and says whether it is installed.
fn admitted(scene: &Scene, attack: &Attack, strict: bool) -> Result<bool> {
    let (stop, exit) = attack.expected(scene.shape);
    let ran = scene.install(attack)?;
    match stop {
        Stop::Admission | Stop::Link => {
            let ran = sound(ran.exit(exit)?)?;
            if stop == Stop::Link {
                ran.says(&["Nothing of the plugin was run"])?;
            }
            if strict {
                let ran = sound(scene.inspect(attack)?)?;
                ensure!([0, 2, 5].contains(&ran.code), "it is inspected: {ran}");
            }
            Ok(false)
        }
        Stop::Run => {
            sound(ran.exit(0)?)?;
            Ok(true)
        }
    }
}

/// What it printed is bounded, has no secret in it and nothing that moves a cursor.
fn sound(ran: Ran) -> Result<Ran> {
    let text = format!("{}{}", ran.stdout, ran.stderr);
    ensure!(text.len() < 64 << 10, "it said {} bytes", text.len());
    ensure!(!text.contains(CANARY), "UNGRANTED: it tells a secret\n{ran}");
    let moves = |c: char| c.is_control() && c != '\n';
    ensure!(!text.chars().any(moves), "it prints control characters\n{ran}");
    ensure!(ran.time < PATIENCE * 3, "it took {:?}\n{ran}", ran.time);
    Ok(ran)
}

/// Calls one on the host that everybody is served by.
fn called(
    scene: &Scene,
    host: &mut Host,
    attack: &Attack,
    strict: bool,
    tally: &mut Tally,
) -> Result<()> {
    let shape = scene.shape;
    let (_, exit) = attack.expected(shape);
    let rounds = if attack.again { 2 } else { 1 };
    for _ in 0..rounds {
        let before = World::look(scene.deployment(), host.pid(), &scene.outside)?;
        let used = host.memory()?.now;
        let (answer, took) = host.call(&attack.name, &attack.tool, &attack.arguments)?;
        let memory = host.memory()?;
        // First of all: whatever it was, the next one is served, and by the same process.
        served(host)?;
        tally.next_calls += 1;
        let after = World::look(scene.deployment(), host.pid(), &scene.outside)?;
        let effects = judged(attack, shape, &answer, &before, &after)?;
        tally.effects += effects;
        let over = took.saturating_sub(TIME);
        if over > tally.overrun.0 {
            tally.overrun = (over, attack.name.clone());
        }
        let may = if strict { OVERRUN } else { PATIENCE };
        if over > may {
            tally.late += 1;
            bail!("it took {took:?}, of {TIME:?}: {answer}");
        }
        let more = memory.most.saturating_sub(used);
        if more > tally.memory.0 {
            tally.memory = (more, attack.name.clone());
        }
        ensure!(more < MEMORY + SLACK, "the host took {more} KiB more for it");
        let (came, status) = ending(&answer)?;
        ensure!(came == exit, "expected exit {exit}, and it is {came} `{status}`: {answer}");
        *tally.exits.entry(came).or_default() += 1;
        for words in &attack.says {
            ensure!(
                answer.to_string().contains(words.as_str()),
                "it does not say `{words}`: {answer}"
            );
        }
    }
    if strict {
        typed(scene, host.pid(), attack, exit)?;
    }
    Ok(())
}

/// The same call as a person types it: its exit code.
fn typed(scene: &Scene, host: u32, attack: &Attack, exit: i32) -> Result<()> {
    let before = World::look(scene.deployment(), host, &scene.outside)?;
    let (tool, arguments) =
        (format!("{}.{}", attack.name, attack.tool), attack.arguments.to_string());
    let ran = scene.deployment().run(&["call", &tool, &arguments, "--as", AGENT, "--json"])?;
    let ran = ran.exit(exit)?;
    let after = World::look(scene.deployment(), host, &scene.outside)?;
    judged(attack, scene.shape, &ran.json()?, &before, &after)?;
    Ok(())
}

/// What happened outside is what was granted and told, and the answer has no secret in it.
fn judged(
    attack: &Attack,
    shape: &Shape,
    answer: &Value,
    before: &World,
    after: &World,
) -> Result<u64> {
    let effects = after.since(before, shape)?;
    let most = attack.most_effects(shape);
    ensure!(effects <= most, "UNGRANTED: {effects} effects, of {most}: {answer}");
    let told = ["/result/structuredContent/happened", "/happened"]
        .iter()
        .find_map(|place| answer.pointer(place)?.as_array())
        .map_or(0, Vec::len);
    ensure!(effects <= told as u64, "UNGRANTED: {effects} effects, and {told} are told: {answer}");
    let text = answer.to_string();
    ensure!(!text.contains(CANARY), "UNGRANTED: it tells a secret: {text}");
    ensure!(text.len() < 4 << 20, "its answer has {} bytes", text.len());
    Ok(effects)
}

/// A well-behaved plugin is served by the same process.
fn served(host: &mut Host) -> Result<()> {
    let (answer, took) = host.call("well-behaved", "add", &json!({"a": 40, "b": 2}))?;
    let result = answer.pointer("/result/structuredContent/result");
    ensure!(result == Some(&json!(42)), "CRASH: the next call is not served: {answer}");
    ensure!(took < PATIENCE, "the next call waits {took:?}");
    Ok(())
}

fn tell(shape: &Shape, tally: &Tally, seconds: f64) {
    let stopped = |stop: Stop| tally.stopped.get(&stop).copied().unwrap_or(0);
    println!(
        "{:<11} {:>7} {:>9} {:>6} {:>5} {:>8} {:>9} {:>7} {:>6} {:>7} ms {:>5} MiB {:>6.0} s  {}",
        shape.name,
        tally.attacks,
        stopped(Stop::Admission),
        stopped(Stop::Link),
        stopped(Stop::Run),
        tally.effects,
        tally.ungranted,
        tally.crashes,
        tally.next_calls,
        tally.overrun.0.as_millis(),
        tally.memory.0 >> 10,
        seconds,
        shape.what
    );
}

/// Writes the components where somebody wants to read them.
fn write(corpus: &[Attack], folder: &std::path::Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for attack in corpus {
        let (extension, bytes) = match &attack.content {
            Content::Text(text) => ("wat", text.as_bytes()),
            Content::Bytes(bytes) => ("wasm", bytes.as_slice()),
        };
        std::fs::write(folder.join(&attack.name).with_extension(extension), bytes)?;
    }
    Ok(())
}

#[test]
fn absent_not_denied_and_one_door_hold_against_every_attack_of_the_corpus() -> Result<()> {
    let strict = std::env::var_os(STRICT).is_some();
    let wanted = std::env::var(SHAPE).unwrap_or_else(|_| IN_CI.to_owned());
    let shapes: Vec<&'static Shape> = match wanted.as_str() {
        "all" => SHAPES.iter().collect(),
        name => {
            vec![Shape::named(name).with_context(|| format!("`{name}` is no shape of grants"))?]
        }
    };
    let mut corpus = corpus()?;
    if let Ok(only) = std::env::var(ONLY) {
        corpus.retain(|attack| attack.name.contains(&only));
    }
    if let Ok(folder) = std::env::var(WRITE) {
        return write(&corpus, std::path::Path::new(&folder));
    }
    println!(
        "shape       attacks admission  link   ran  effects  ungranted crashes served    overrun   memory   time  granted"
    );
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for shape in shapes {
        let begun = Instant::now();
        let tally = under(shape, &corpus, strict)?;
        let seconds = begun.elapsed().as_secs_f64();
        tell(shape, &tally, seconds);
        all.push(tally.json(shape, seconds));
        wrong.extend(tally.wrong.iter().map(|text| format!("{}: {text}", shape.name)));
    }
    if let Ok(file) = std::env::var(RESULT) {
        std::fs::write(file, serde_json::to_string_pretty(&all)?)?;
    }
    ensure!(wrong.is_empty(), "{} do not hold:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn each_attack_is_another_one_and_says_what_must_become_of_it() -> Result<()> {
    let corpus = corpus()?;
    let (mut names, mut bytes, mut whats) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for attack in &corpus {
        let name = &attack.name;
        ensure!(names.insert(name), "two are called {name}");
        ensure!(name.len() <= 31, "{name} is too long for a plugin's name");
        let content = match &attack.content {
            Content::Text(text) => {
                let body: Vec<&str> = text.lines().filter(|line| !line.starts_with(";;")).collect();
                body.join("\n").into_bytes()
            }
            Content::Bytes(bytes) => bytes.clone(),
        };
        ensure!(bytes.insert(content), "{name} is another one's copy");
        ensure!(whats.insert(&attack.attack), "{name} tries what another does: {}", attack.attack);
        ensure!(!attack.must.is_empty() && !attack.threats.is_empty(), "{name} says too little");
    }
    println!("{} components", corpus.len());
    ensure!(corpus.len() >= 150, "{} components", corpus.len());
    Ok(())
}

/// Those that are to be refused for what they ask must not be refused for a mistake in their text.
#[test]
fn each_component_that_is_to_run_is_a_valid_one() -> Result<()> {
    let everything = Shape::named(IN_CI).context("no shape")?;
    for attack in corpus()? {
        let (stop, _) = attack.expected(everything);
        let Content::Text(text) = &attack.content else { continue };
        if stop == Stop::Run || !attack.needs.is_empty() {
            let bytes = wat::parse_str(text).with_context(|| attack.name.clone())?;
            wasmparser::Validator::new().validate_all(&bytes).with_context(|| {
                format!("{} is refused for another reason than its own", attack.name)
            })?;
        }
    }
    Ok(())
}

#[test]
fn every_row_of_the_threats_that_a_plugin_can_try_is_tried() -> Result<()> {
    let known: BTreeMap<&str, Option<&str>> =
        rows::ROWS.iter().map(|(row, _, why)| (*row, *why)).collect();
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for attack in corpus()? {
        for row in &attack.threats {
            // Approvals (B) have their own tests; a plugin can still touch them.
            ensure!(
                known.contains_key(row.as_str()) || row.starts_with('B'),
                "{} names {row}",
                attack.name
            );
            *tried.entry(row.clone()).or_default() += 1;
        }
    }
    let readme = read("tests/hostile/README.md")?;
    for (row, what, why) in rows::ROWS {
        let times = tried.get(row).copied().unwrap_or(0);
        match why {
            None => ensure!(times > 0, "nothing tries {row}: {what}"),
            Some(why) => ensure!(times == 0, "{row} is tried {times} times, and cannot be: {why}"),
        }
        ensure!(
            readme.contains(&format!("| {row} |")),
            "the README of the corpus does not have {row}"
        );
    }
    Ok(())
}

/// Every function of the built-in capabilities is tried, so that a new one is, too.
#[test]
fn every_function_of_every_capability_is_reached_for() -> Result<()> {
    for package in ["environment", "files", "http", "kv"] {
        let wit = read(&format!("guest-sdk/wit/{package}/{package}.wit"))?;
        let mut interface = "";
        for line in wit.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("interface ") {
                interface = name.trim_end_matches(" {");
            }
            let Some((name, _)) = line.split_once(": func(") else { continue };
            let capability = format!("{package}/{interface}");
            ensure!(
                make::DOORS.iter().any(|door| door.capability == capability && door.name == name),
                "nothing reaches for `{capability}` `{name}`"
            );
        }
    }
    Ok(())
}
