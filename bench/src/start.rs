//! The real binary from its start to its first `tools/list`, with 1, 100 and 1,000 plugins whose artifacts are
//! compiled; the list itself; and what it keeps in memory, for plugins that are installed and for plugins that
//! were used.

use crate::{
    Run,
    client::{Pipes, resident_mib},
    mcp::{ECHO, interlock_mcp},
    row::{Bound, Row, Unit},
    scene::{Plugin, Scene, runtime, variant},
    stats::{Times, Turn, interleaved},
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::Instant;

const LIST: &str = "`tools/list` of 100 tools";
const START: &str = "start to first `tools/list` from compiled artifacts";
const MEMORY: &str = "idle memory, and growth with plugins used, not installed";

fn scene(run: &Run, count: u32) -> Result<Scene> {
    let echo = wat::parse_str(ECHO)?;
    let all: Vec<Vec<u8>> = (0..count).map(|number| variant(&echo, number)).collect();
    let plugins: Vec<_> = all
        .iter()
        .enumerate()
        .map(|(number, bytes)| Plugin { name: format!("p{number}"), bytes, grants: "" })
        .collect();
    let scene = Scene::new(&run.root, &plugins, "")?;
    scene.compile(&runtime()?)?;
    Ok(scene)
}

fn tools(list: &Value) -> usize {
    list.get("tools").and_then(Value::as_array).map_or(0, Vec::len)
}

/// Starts, in nanoseconds, and the last process that was started.
fn starts(run: &Run, scene: &Scene, times: usize) -> Result<(Times, Pipes)> {
    let mut all = Vec::new();
    let mut last = None;
    for _ in 0..times {
        drop(last.take());
        let start = Instant::now();
        let mut server = Pipes::start(&mut interlock_mcp(run, scene.path()))?;
        let list = server.ask("tools/list", &json!({}))?;
        all.push(start.elapsed().as_nanos() as f64);
        ensure!(tools(&list) > 0, "no tool is listed: {list}");
        last = Some(server);
    }
    Ok((Times::of(all), last.context("nothing was started")?))
}

pub(crate) fn rows(run: &Run) -> Result<Vec<Row>> {
    let sizes: [(&str, u32, f64); 3] =
        [("start-1", 1, 15.0), ("start-100", 100, 50.0), ("start-1000", 1000, 250.0)];
    let mut rows = Vec::new();
    let mut idle = Vec::new();
    let mut list = None;
    let mut used = None;
    for (name, count, most) in sizes {
        let row = Row::new(name, START, Unit::Millis, Bound::AtMost(most));
        // The test of this program only looks whether every row is there.
        if run.smoke && count > 1 {
            rows.push(row.not_measured("a smoke test"));
            continue;
        }
        let scene = scene(run, count)?;
        let (times, mut server) = starts(run, &scene, if run.smoke { 2 } else { 11 })?;
        rows.push(
            row.times(&times).note(format!("{count} small components, each with its digest")),
        );
        let pid = server.running.0.id();
        let before = resident_mib(pid)?;
        idle.push((count, before));
        if count == 100 {
            let mut turns: [Turn<'_>; 1] = [Box::new(|| {
                let (took, result) = server.timed("tools/list", &json!({}))?;
                ensure!(tools(&result) == 100, "not 100 tools");
                Ok(took)
            })];
            list = interleaved(&mut turns, 20, run.time(2))?.pop();
            drop(turns);
            for number in 0..count {
                let call = json!({"name": format!("p{number}__echo"), "arguments": {"s": "hello"}});
                server.call(&call)?;
            }
            used = Some((resident_mib(pid)? - before) / f64::from(count));
        }
    }
    let row = Row::new("tools-list-100", LIST, Unit::Micros, Bound::AtMost(300.0));
    rows.push(match list {
        Some(times) => row.times(&times).note("on stdio, all cores"),
        None => row.not_measured("a smoke test"),
    });
    let row = Row::new("idle-memory", MEMORY, Unit::MiB, Bound::AtMost(25.0));
    let one = idle.first().context("nothing was started")?.1;
    rows.push(row.value(one).note("resident, one plugin, after the first list"));
    let row = Row::new("memory-per-installed", MEMORY, Unit::MiB, Bound::Told);
    rows.push(match idle.last() {
        Some((count, memory)) if *count > 1 => row
            .value((memory - one) / f64::from(count - 1))
            .note(format!("{memory:.1} MiB with {count} plugins, none of them used")),
        _ => row.not_measured("a smoke test"),
    });
    let row = Row::new("memory-per-used", MEMORY, Unit::MiB, Bound::Told);
    rows.push(match used {
        Some(each) => row.value(each).note("more, for each of 100 plugins, once each was called"),
        None => row.not_measured("a smoke test"),
    });
    Ok(rows)
}
