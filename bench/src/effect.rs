//! Durable effects: through the gate with its intent and its outcome, one at a time beside a bare SQLite insert that
//! waits for the disk, and 64 at once with every fsync counted from outside.

use crate::{
    Run,
    row::{Bound, Row, Unit},
    scene::{self, Scene, in_a_task, runtime},
    stats::{Turn, interleaved, timed},
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use interlock::{
    Host,
    authority::{Authorized, Digest, Grant, Invocation, Mode, authorize},
    freeze::Freeze,
    gate::{EffectTasks, GateParts, RunGate},
    sandbox::{Gate, GateAnswer, GuestCall},
    seal::Seal,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

const WHAT: &str = "durable effect (intent and outcome), one at a time";
const WHAT_64: &str = "durable effect, 64 in flight: fsyncs per effect";
const TUNE: &str = "bench:box/tune@1.0.0";
/// The hidden role in which this program has effects and is looked at from outside.
pub(crate) const ROLE: &str = "__effects";

/// A gate of a direct run that may change anything of the box.
fn gate(host: &Host, state: &Path, number: u64) -> Result<RunGate> {
    let principal = "Agent::bot".parse()?;
    let known = BTreeSet::from([principal]);
    let grants = [Grant {
        interface: TUNE.parse()?,
        functions: None,
        resources: vec!["box".parse()?],
        budget: None,
        elevation: None,
    }];
    let imports = BTreeMap::from([(TUNE.parse()?, BTreeSet::from(["put".to_owned()]))]);
    let asked = Invocation {
        principal: known.first().context("nobody asks")?,
        known_principals: &known,
        plugin: "writer",
        digest: Digest::from_bytes([7; 32]),
        publisher: None,
        imports: &imports,
        grants: &grants,
        tool: "put",
        uses: None,
        mode: Mode::Call,
    };
    let authorized: Authorized =
        authorize(&asked, host.catalogue(), host.policies()).map_err(|e| anyhow!("{e}"))?;
    let parts = GateParts {
        invocation: format!("bench-{number}"),
        authorized,
        catalogue: host.catalogue().clone(),
        policies: host.policies().clone(),
        applying: None,
        recorder: host.recorder().clone(),
        freeze: Freeze::in_state(state),
        seal: Seal::none(),
        host_calls: u64::MAX,
        host_bytes: u64::MAX,
        plan_bytes: 0,
        recording: 0,
        deadline: tokio::time::Instant::now() + Duration::from_secs(3600),
        tasks: EffectTasks::default(),
    };
    Ok(RunGate::new(parts, &BTreeMap::from([("box".to_owned(), scene::provider())])))
}

async fn effect(gate: &RunGate, key: &str) -> Result<()> {
    let call = GuestCall {
        interface: TUNE.parse()?,
        function: "put".into(),
        arguments: Ok(vec![json!(key)]),
        bytes: key.len() as u64,
    };
    match gate.call(call).await {
        GateAnswer::Result(_) => Ok(()),
        other => bail!("the effect was not done: {other:?}"),
    }
}

/// Has so many effects, `at_once` at the same time.
async fn effects(host: &Arc<Host>, state: &Path, at_once: u64, each: u64) -> Result<()> {
    let mut running = tokio::task::JoinSet::new();
    let start = host.journal().store().transactions();
    for number in 0..at_once {
        let gate = gate(host, state, start * 1000 + number)?;
        running.spawn(async move {
            for _ in 0..each {
                effect(&gate, &format!("k{number}")).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

/// The hidden role: `__effects FOLDER AT_ONCE EACH`.
pub(crate) fn play(arguments: &[String]) -> Result<()> {
    let [folder, at_once, each] = arguments else { bail!("three words are wanted") };
    let folder = Path::new(folder);
    let config = interlock::Config::load(&folder.join("interlock.toml"))?;
    let host =
        Host::builder(config).catalogue(scene::catalogue()).provider("box", scene::provider());
    let host = Arc::new(host.build()?);
    let (at_once, each) = (at_once.parse()?, each.parse()?);
    runtime()?.block_on(effects(&host, folder, at_once, each))
}

/// The fsyncs of this program in its hidden role, counted by `strace`.
fn fsyncs(folder: &Path, at_once: u64, each: u64) -> Result<u64> {
    let trace = folder.join("trace");
    let ran = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe()?)
        .arg(ROLE)
        .arg(folder)
        .args([at_once.to_string(), each.to_string()])
        .output()
        .context("`strace` cannot be started")?;
    ensure!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr).trim());
    // A call that is interrupted by another thread's line is told twice, once without its parenthesis.
    let text = std::fs::read_to_string(&trace)?;
    Ok(text.lines().filter(|line| line.contains("sync(")).count() as u64)
}

fn at_64(run: &Run) -> Result<Row> {
    let scene = Scene::new(&run.root, &[], "")?;
    let each = if run.smoke { 2 } else { 20 };
    let row = Row::new("effect-64-fsyncs", WHAT_64, Unit::Count, Bound::AtMost(0.125));
    let counted = fsyncs(scene.path(), 64, 0).and_then(|idle| {
        Ok(fsyncs(scene.path(), 64, each)?.saturating_sub(idle) as f64 / (64 * each) as f64)
    });
    Ok(match counted {
        Ok(value) => row
            .value(value)
            .note("fsync and fdatasync, counted by strace, less those of a run without effects"),
        Err(error) => row.not_measured(format!("{error:#}")),
    })
}

pub(crate) fn rows(run: &Run) -> Result<Vec<Row>> {
    let runtime = runtime()?;
    let scene = Scene::new(&run.root, &[], "")?;
    let host = Arc::new(scene.host()?);
    // A run of a few effects at a time, as plugins have them.
    let mut number = 0;
    let mut gates = || {
        // A runtime's context is wanted for its clock.
        let _entered = runtime.enter();
        number += 1;
        gate(&host, scene.path(), number)
    };
    let mut one = (gates()?, 0);
    let bare = rusqlite::Connection::open(scene.path().join("bare.db"))?;
    bare.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; create table t (id integer primary key, bytes blob)",
    )?;
    let payload = vec![7u8; 600];
    let mut turns: [Turn<'_>; 2] = [
        Box::new(|| {
            if one.1 == 10 {
                one = (gates()?, 0);
            }
            one.1 += 1;
            let gate = one.0.clone();
            in_a_task(&runtime, async move { effect(&gate, "k").await })
        }),
        Box::new(|| {
            timed(|| {
                let mut insert = bare.prepare_cached("insert into t (bytes) values (?1)")?;
                Ok(insert.execute([&payload])?)
            })
        }),
    ];
    let all = interleaved(&mut turns, 10, run.time(2))?;
    drop(turns);
    let [ours, floor] = all.as_slice() else { bail!("two were measured") };
    let rate = |us: f64| 1e6 / us;

    let each = if run.smoke { 2 } else { 50 };
    let before = host.journal().store().transactions();
    let start = Instant::now();
    runtime.block_on(effects(&host, scene.path(), 64, each))?;
    let (took, count) = (start.elapsed().as_secs_f64(), (64 * each) as f64);
    let transactions = (host.journal().store().transactions() - before) as f64;
    let spread = format!(
        "rates of the medians: {:.0} µs for an effect (p90 {:.0}, p99 {:.0}), {:.0} µs for the insert of 600 bytes",
        ours.us(50),
        ours.us(90),
        ours.us(99),
        floor.us(50)
    );
    Ok(vec![
        Row::new("effect", WHAT, Unit::PerSecond, Bound::RatioAtLeast(0.4))
            .value(rate(ours.p50_us()))
            .floor("bare fsynced SQLite insert", rate(floor.p50_us()))
            .note(spread),
        at_64(run)?,
        Row::new("effect-64-rate", "", Unit::PerSecond, Bound::Told)
            .value(count / took)
            .note(format!("64 at once; {:.3} transactions per effect", transactions / count)),
    ])
}
