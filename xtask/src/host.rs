//! Builds the `interlock` binary: in the one profile that demo and test share, and as it is released.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::{Show, cargo, demand};
use crate::ui::Ui;

/// Builds `interlock` and returns where cargo put it.
///
/// # Errors
/// When the build fails, or cargo reports no such executable.
pub(crate) fn build(ui: &Ui, root: &Path) -> Result<PathBuf> {
    built(ui, root, "build host", &[])
}

/// Builds `interlock` as it is released, and returns where cargo put it.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_release(ui: &Ui, root: &Path) -> Result<PathBuf> {
    built(ui, root, "build release", &["--release"])
}

fn built(ui: &Ui, root: &Path, what: &str, more: &[&str]) -> Result<PathBuf> {
    let mut command = cargo(root);
    // The whole workspace is selected, though one binary is built: cargo chooses features by selection, and
    // with another one the tests would compile the dependencies again.
    command.args(["build", "--workspace", "--bin", "interlock"]);
    command.args(more);
    command.args(["--message-format", "json-render-diagnostics"]);
    let ran = demand(ui, root, what, &mut command, Show::Messages)?;
    ran.stdout
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message.get("executable").and_then(Value::as_str).map(PathBuf::from))
        .find(|path| path.file_name().is_some_and(|name| name == "interlock"))
        .context("cargo built no executable for the package `interlock`")
}
