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
    one(built(ui, root, "build host", &["interlock"], &[])?)
}

/// Builds `interlock` as it is released, and returns where cargo put it.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_release(ui: &Ui, root: &Path) -> Result<PathBuf> {
    one(built(ui, root, "build release", &["interlock"], &["--release"])?)
}

/// Builds `interlock` and the program that measures it, both as released, and returns where cargo put them.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_measured(ui: &Ui, root: &Path) -> Result<[PathBuf; 2]> {
    let both = built(ui, root, "build release", &["interlock", "interlock-bench"], &["--release"])?;
    both.try_into().map_err(|_| anyhow::anyhow!("cargo built another number of executables"))
}

fn one(built: Vec<PathBuf>) -> Result<PathBuf> {
    built.into_iter().next().context("cargo built no executable")
}

/// Builds these binaries; where cargo put them, in their order.
fn built(ui: &Ui, root: &Path, what: &str, names: &[&str], more: &[&str]) -> Result<Vec<PathBuf>> {
    let mut command = cargo(root);
    // The whole workspace is selected, though one binary is built: cargo chooses features by selection, and
    // with another one the tests would compile the dependencies again.
    command.args(["build", "--workspace"]);
    command.args(names.iter().flat_map(|name| ["--bin", name]));
    command.args(more);
    command.args(["--message-format", "json-render-diagnostics"]);
    let ran = demand(ui, root, what, &mut command, Show::Messages)?;
    let executables: Vec<PathBuf> = ran
        .stdout
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message.get("executable").and_then(Value::as_str).map(PathBuf::from))
        .collect();
    let find = |name: &&str| {
        let found =
            executables.iter().find(|path| path.file_name().is_some_and(|file| file == *name));
        found.cloned().with_context(|| format!("cargo built no executable `{name}`"))
    };
    names.iter().map(find).collect()
}
