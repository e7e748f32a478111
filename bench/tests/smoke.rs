//! The measuring program has every row that the host holds itself to, in the shape that scripts read. How fast
//! anything was is not looked at: this is a debug build on a busy machine.
//!
//! The mistake it stops: a row that quietly went missing, or a missing number that reads as good.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::{collections::BTreeMap, process::Command};

/// The lines of the design's table of numbers, each with the rows that are its own.
const HELD: [(&str, &[&str]); 10] = [
    ("one invocation through the whole pipeline, no effects", &["invocation"]),
    (
        "one `read` through the gate (policy, budget, journal buffered)",
        &["read-repeated", "read-fresh"],
    ),
    ("policy decision", &["policy-fresh", "policy-repeated"]),
    ("durable effect (intent and outcome), one at a time", &["effect"]),
    ("durable effect, 64 in flight: fsyncs per effect", &["effect-64-fsyncs"]),
    ("MCP `tools/call` on stdio, client and server on one core", &["mcp-stdio", "mcp-stdio-p99"]),
    ("MCP `tools/call` over HTTP", &["mcp-http"]),
    ("`tools/list` of 100 tools", &["tools-list-100"]),
    (
        "start to first `tools/list` from compiled artifacts",
        &["start-1", "start-100", "start-1000"],
    ),
    ("journal of 1,000,000 leaves", &["journal-append", "journal-proof"]),
];

/// What is told beside them.
const TOLD: [&str; 13] = [
    "raw-typed",
    "cedar-alone",
    "effect-64-rate",
    "mcp-stdio-pipes",
    "python-server",
    "node-server",
    "fork-exec",
    "stdio-rate-1",
    "stdio-rate-64",
    "http-rate-8",
    "idle-memory",
    "memory-per-installed",
    "memory-per-used",
];

#[test]
fn every_number_that_is_held_is_a_row_with_a_bound() -> Result<()> {
    let ran = Command::new(env!("CARGO_BIN_EXE_interlock-bench"))
        .args(["--smoke", "--json", "--binary"])
        .arg(interlock_tests::interlock()?)
        .output()?;
    let said = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&ran.stdout)?;
    let rows = told.get("rows").and_then(Value::as_array).context("no rows")?;
    let mut by_name = BTreeMap::new();
    for row in rows {
        let name = row.get("name").and_then(Value::as_str).context("a row without a name")?;
        for key in ["value", "floor", "ratio", "bound", "met"] {
            ensure!(row.get(key).is_some(), "`{name}` has no `{key}`");
        }
        let met = row.get("met").is_some_and(|met| !met.is_null());
        let value = row.get("value").is_some_and(Value::is_number);
        ensure!(!met || value, "`{name}` is judged without a number: {row}");
        let note = row.get("note").and_then(Value::as_str).unwrap_or_default();
        ensure!(value || note.contains("not measured: "), "`{name}` does not say why: {row}");
        ensure!(by_name.insert(name, row).is_none(), "two rows are `{name}`");
    }
    for (what, names) in HELD {
        for name in names {
            let row = by_name.get(name).with_context(|| format!("no row `{name}`"))?;
            ensure!(row.get("what").and_then(Value::as_str) == Some(what), "another line: {row}");
            ensure!(row.get("bound").is_some_and(Value::is_string), "no bound: {row}");
        }
    }
    for name in TOLD {
        ensure!(by_name.contains_key(name), "no row `{name}`");
    }
    Ok(())
}

#[test]
fn a_typo_is_not_taken_for_a_run() -> Result<()> {
    let ran = Command::new(env!("CARGO_BIN_EXE_interlock-bench")).arg("--quikc").output()?;
    ensure!(!ran.status.success() && ran.stdout.is_empty(), "it ran");
    Ok(())
}
