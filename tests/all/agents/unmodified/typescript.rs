//! The TypeScript SDK plays `tests/clients/typescript_sdk.mjs`: the package that most clients are made with, its
//! successor in both generations of the protocol, and there a wait that is a task.
//!
//! A task can be had in 2026-07-28 alone, and with `ext-tasks`: the tasks that `@modelcontextprotocol/sdk` knows
//! are others, of 2025-11-25, and its successor knows none by itself.

use std::fs;

use anyhow::{Result, ensure};
use interlock_tests::root;
use serde_json::json;

use super::super::clients::Npm;
use super::{Stage, Way, at, destroyed, find};

/// The versions that are tried, pinned so that a new one fails on the day it is chosen.
pub(super) const SDK: [&str; 3] = [
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/ext-tasks@0.2.2",
];

/// What each mode of the script must speak.
const MODES: [(&str, &str); 3] =
    [("v1", "2025-11-25"), ("legacy", "2025-11-25"), ("auto", "2026-07-28")];

fn every_mode(way: Way) -> Result<()> {
    let Some(sdk) = Npm::installed("the TypeScript SDK", &SDK)? else { return Ok(()) };
    // Node looks for packages beside the script that imports them, and above it.
    let beside = tempfile::tempdir_in(&sdk.folder)?;
    let script = beside.path().join("typescript_sdk.mjs");
    fs::copy(root().join("tests/clients/typescript_sdk.mjs"), &script)?;
    let mut stage = Stage::set(way)?;
    for (mode, protocol) in MODES {
        let steps = stage.play(sdk.script(&script), mode, protocol)?;
        if mode == "auto" {
            let task = find(&steps, "completed")?;
            let states = at(task, "/states");
            let all = states.as_array().map(Vec::as_slice).unwrap_or_default();
            ensure!(all.first() == Some(&json!("working")), "{states}");
            ensure!(all.last() == Some(&json!("completed")), "{states}");
            destroyed(&at(task, "/happened"))?;
        }
    }
    Ok(())
}

#[test]
fn unmodified_typescript_sdk_over_stdio_of_both_lines() -> Result<()> {
    every_mode(Way::Stdio)
}

#[test]
fn unmodified_typescript_sdk_over_http_of_both_lines() -> Result<()> {
    every_mode(Way::Http)
}

#[test]
fn unmodified_typescript_sdk_through_the_bridge_of_both_lines() -> Result<()> {
    every_mode(Way::Bridge)
}
