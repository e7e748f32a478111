//! The Python SDK plays `tests/clients/python_sdk.py`, in both generations of the protocol.

use std::process::Command;

use anyhow::Result;
use interlock_tests::root;

use super::super::clients;
use super::{Stage, Way};

/// The version that is tried, pinned so that a new one fails on the day it is chosen.
pub(super) const SDK: &str = "mcp==2.3.0";

/// The script; `None` where PyPI cannot be reached.
fn script() -> Result<Option<Command>> {
    let what = format!("the Python SDK ({SDK})");
    let sdk = clients::pip(&what, &SDK.replace("==", "-"), &[SDK])?;
    Ok(sdk.map(|sdk| {
        let mut python = Command::new("python3");
        python.arg(root().join("tests/clients/python_sdk.py")).env("PYTHONPATH", sdk);
        python
    }))
}

fn both_generations(way: Way) -> Result<()> {
    let mut stage = Stage::set(way)?;
    for (mode, protocol) in [("legacy", "2025-11-25"), ("auto", "2026-07-28")] {
        let Some(script) = script()? else { return Ok(()) };
        stage.play(script, mode, protocol)?;
    }
    Ok(())
}

#[test]
fn unmodified_python_sdk_over_stdio_of_both_generations() -> Result<()> {
    both_generations(Way::Stdio)
}

#[test]
fn unmodified_python_sdk_over_http_and_through_the_bridge() -> Result<()> {
    both_generations(Way::Http)?;
    both_generations(Way::Bridge)
}
