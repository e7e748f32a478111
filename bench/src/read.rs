//! One `read` through the gate: a component that reads many times in one run, less a run that reads not at all, on
//! both sides. The other side is wasmtime alone, with a host function that answers the same.

use crate::{
    Run,
    pin::OneCore,
    raw::Raw,
    row::{Bound, Row, Unit},
    scene::{Plugin, Scene, in_a_task, runtime},
    stats::{Turn, interleaved},
};
use anyhow::{Result, ensure};
use interlock::{Outcome, Request};
use serde_json::json;
use std::{cell::Cell, sync::Arc};
use wasmtime::component::Val;

const WHAT: &str = "one `read` through the gate (policy, budget, journal buffered)";
/// Reads of one run.
const READS: u32 = 200;

/// `many` reads so often, of keys that begin at a number and go up by a step.
const READER: &str = r#"(component
  (import "bench:box/look@1.0.0" (instance $look
    (export "stats" (func (param "key" string) (result (result string (error string)))))))
  (core module $Libc
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "mem" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $stats (canon lower (func $look "stats") (memory $mem) (realloc (func $realloc))))
  (core module $m
    (import "libc" "mem" (memory 1))
    (import "host" "stats" (func $stats (param i32 i32 i32)))
    (func $key (param $n i32) (local $i i32)
      (loop $digits
        (i32.store8 (i32.add (i32.const 16) (local.get $i))
          (i32.add (i32.const 97)
            (i32.and (i32.shr_u (local.get $n) (i32.mul (local.get $i) (i32.const 4))) (i32.const 15))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $digits (i32.lt_u (local.get $i) (i32.const 8)))))
    (func (export "many") (param $count i32) (param $first i32) (param $step i32) (result i32)
      (local $good i32)
      (block $done
        (loop $next
          (br_if $done (i32.eqz (local.get $count)))
          (call $key (local.get $first))
          (call $stats (i32.const 16) (i32.const 8) (i32.const 64))
          (local.set $good (i32.add (local.get $good) (i32.eqz (i32.load8_u (i32.const 64)))))
          (local.set $first (i32.add (local.get $first) (local.get $step)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next)))
      (local.get $good)))
  (core instance $i (instantiate $m (with "libc" (instance $libc))
    (with "host" (instance (export "stats" (func $stats))))))
  (func (export "many") (param "count" u32) (param "first" u32) (param "step" u32) (result u32)
    (canon lift (core func $i "many"))))"#;

const GRANT: &str =
    "[[plugin.grant]]\ncapability = \"bench:box/look@1.0.0\"\nresources = [\"box\"]\n";

pub(crate) fn rows(run: &Run) -> Result<Vec<Row>> {
    // A capability call is handed to another task and back: on a machine that sleeps, waking another core for that takes
    // longer than the call, and is the machine's time.
    let _core = OneCore::hold()?;
    let bytes = wat::parse_str(READER)?;
    let runtime = runtime()?;
    let plugin = Plugin { name: "reader".into(), bytes: &bytes, grants: GRANT };
    let scene = Scene::new(&run.root, &[plugin], "")?;
    let host = scene.host()?;
    let host = Arc::new(host);
    let raw = Arc::new(Raw::new(&bytes)?);
    let export = raw.export(None, "many")?;
    let first = Cell::new(0u32);

    let whole = |count: u32, step: u32| -> Result<f64> {
        // Keys that no run had before, where they are to be fresh.
        let from = if step == 0 { 0 } else { first.replace(first.get().wrapping_add(count)) };
        let arguments = json!({"count": count, "first": from, "step": step});
        let request = Request::new("Agent::bot".parse()?, "reader", "many", arguments);
        let host = host.clone();
        in_a_task(&runtime, async move {
            let response = host.call(request).await?;
            let Outcome::Done { result } = response.outcome else {
                anyhow::bail!("the run ended otherwise: {:?}", response.outcome);
            };
            ensure!(result == json!(count), "{result} of {count} reads were answered");
            Ok(())
        })
    };
    let bare = |count: u32| -> Result<f64> {
        let values = [Val::U32(count), Val::U32(0), Val::U32(0)];
        let raw = raw.clone();
        in_a_task(&runtime, async move {
            let result = raw.dynamic(&export, &values).await?;
            ensure!(result == Val::U32(count), "{result:?} of {count} reads were answered");
            Ok(())
        })
    };
    let each = |many: f64, none: f64| (many - none) / f64::from(READS);
    let mut turns: [Turn<'_>; 3] = [
        Box::new(|| Ok(each(whole(READS, 0)?, whole(0, 0)?))),
        Box::new(|| Ok(each(whole(READS, 1)?, whole(0, 0)?))),
        Box::new(|| Ok(each(bare(READS)?, bare(0)?))),
    ];
    let all = interleaved(&mut turns, 4, run.time(2))?;
    let [repeated, fresh, floor] = all.as_slice() else { anyhow::bail!("three were measured") };
    let row = |name, most, times| {
        Row::new(name, WHAT, Unit::Micros, Bound::Above(most))
            .times(times)
            .floor("raw dynamic call", floor.p50_us())
    };
    Ok(vec![
        row("read-repeated", 5.0, repeated).note(
            "the decision repeats; each time is the mean of a run of 200 reads, less a run of none",
        ),
        row("read-fresh", 20.0, fresh)
            .note("each read of another resource; measured in the same way"),
    ])
}
