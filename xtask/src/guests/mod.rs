//! The example plugins: set-up of their toolchain, build, staging.
//!
//! The mistake it stops: tests that build wasm by themselves, in the middle of a test run, each in its
//! own way. Guests are built here, once, and found in one place.

pub(crate) mod debian;
mod names;
mod stage;
pub(crate) mod toolchain;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::command::{Show, demand};
use crate::paths;
use crate::ui::{Paint, Ui, time};
use toolchain::Toolchain;

/// What plugins are compiled for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// `cargo xtask guests`.
pub(crate) fn command(ui: &Ui) -> Result<()> {
    let root = paths::root()?;
    let toolchain = toolchain::find_or_install(ui, &root)?;
    build(ui, &root, &toolchain)?;
    Ok(())
}

/// Builds the example workspace and stages its plugins; says one line for each.
///
/// # Errors
/// When a plugin does not compile, or the staging folder cannot be written.
pub(crate) fn build(ui: &Ui, root: &Path, toolchain: &Toolchain) -> Result<Vec<PathBuf>> {
    build_these(ui, root, toolchain, None)
}

/// Builds and stages one plugin of the example workspace; what else is staged stays.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_one(
    ui: &Ui,
    root: &Path,
    toolchain: &Toolchain,
    package: &str,
) -> Result<Vec<PathBuf>> {
    build_these(ui, root, toolchain, Some(package))
}

fn build_these(
    ui: &Ui,
    root: &Path,
    toolchain: &Toolchain,
    only: Option<&str>,
) -> Result<Vec<PathBuf>> {
    let mut command = toolchain.cargo(root);
    command.arg("build").arg("--release");
    command.args(toolchain.build_flags());
    match only {
        Some(package) => command.args(["--package", package]),
        None => command.arg("--workspace"),
    };
    command.args(["--message-format", "json-render-diagnostics"]);
    command.arg("--manifest-path").arg(paths::examples_manifest(root));
    command.arg("--target-dir").arg(paths::examples_target(root));
    names::set(&mut command, root);
    let ran = demand(ui, root, "build guests", &mut command, Show::Messages)?;
    let staged = stage::stage(root, &ran.stdout, only.is_none())?;
    for plugin in &staged {
        let size = plugin.metadata().map_or(0, |metadata| metadata.len() / 1024);
        let shown = plugin.strip_prefix(root).unwrap_or(plugin);
        ui.say(&ui.paint(Paint::Quiet, &format!("  {}  {size} KiB", shown.display())));
    }
    ui.say(&format!("  {} plugins staged, built in {}", staged.len(), time(ran.time)));
    Ok(staged)
}
