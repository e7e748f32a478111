//! One invocation through the whole pipeline, no effects, beside wasmtime alone with the same plugin.

use crate::{
    Run,
    raw::Raw,
    row::{Bound, Row, Unit},
    scene::{Plugin, Scene, in_a_task, runtime},
    stats::{Turn, interleaved},
};
use anyhow::{Result, ensure};
use interlock::{Outcome, Request};
use serde_json::json;
use std::sync::Arc;
use wasmtime::component::Val;

const WHAT: &str = "one invocation through the whole pipeline, no effects";

pub(crate) fn rows(run: &Run) -> Result<Vec<Row>> {
    let bytes = run.word_count()?;
    let runtime = runtime()?;
    let plugin = Plugin { name: "word-count".into(), bytes: &bytes, grants: "" };
    let scene = Scene::new(&run.root, &[plugin], "")?;
    let host = scene.host()?;
    let arguments = json!({"text": "to be or not to be"});
    let request = Request::new("Agent::bot".parse()?, "word-count", "count", arguments.clone());

    let raw = Raw::new(&bytes)?;
    let export = raw.export(Some("interlock:tool/tools@0.1.0"), "call")?;
    let typed = ("count".to_owned(), arguments.to_string());
    let values = [Val::String(typed.0.clone()), Val::String(typed.1.clone())];

    // The same answer, or something else is measured.
    let response = runtime.block_on(host.call(request.clone()))?;
    let Outcome::Done { result } = response.outcome else {
        anyhow::bail!("the invocation ended otherwise: {:?}", response.outcome);
    };
    let floor = runtime.block_on(raw.typed(&export, &typed))?;
    ensure!(serde_json::from_str::<serde_json::Value>(&floor)? == result, "two answers");

    let (host, raw, values, typed) =
        (Arc::new(host), Arc::new(raw), Arc::new(values), Arc::new(typed));
    let mut turns: [Turn<'_>; 3] = [
        Box::new(|| {
            let (host, request) = (host.clone(), request.clone());
            in_a_task(&runtime, async move { Ok(host.call(request).await?) })
        }),
        Box::new(|| {
            let (raw, values) = (raw.clone(), values.clone());
            in_a_task(&runtime, async move { raw.dynamic(&export, &values[..]).await })
        }),
        Box::new(|| {
            let (raw, typed) = (raw.clone(), typed.clone());
            in_a_task(&runtime, async move { raw.typed(&export, &typed).await })
        }),
    ];
    let all = interleaved(&mut turns, 25, run.time(2))?;
    let [whole, dynamic, typed] = all.as_slice() else { anyhow::bail!("three were measured") };
    Ok(vec![
        Row::new("invocation", WHAT, Unit::Micros, Bound::Ratio(1.5))
            .times(whole)
            .floor("raw wasmtime, dynamic call", dynamic.p50_us())
            .note("word-count.count; new store and instance on both sides; the journal's thread has the other core"),
        Row::new("raw-typed", "", Unit::Micros, Bound::Told)
            .times(typed)
            .note("the same plugin with raw wasmtime, typed call"),
    ])
}
