//! `cargo xtask bench`: builds the host and the program that measures it as they are released, and runs that. What
//! is measured, and how, is in `bench/`.
//!
//! The mistake it stops: numbers of a build that nobody runs.

use std::{process::Command, thread};

use anyhow::{Context, Result, anyhow, bail};

use crate::guests::{self, toolchain};
use crate::ui::Ui;
use crate::{Usage, host, paths};

/// The plugin that is measured.
const MEASURED: &str = "word-count";

/// What may be asked of it.
const OPTIONS: [&str; 3] = ["--quick", "--json", "--write"];

/// `cargo xtask bench [--quick] [--json] [--write]`.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    if let Some(unknown) = arguments.iter().find(|word| !OPTIONS.contains(word)) {
        return Err(Usage(format!("`{unknown}` is not an option of bench")).into());
    }
    let root = paths::root()?;
    // First: who has no compiler for plugins hears of it before ten minutes of building.
    let toolchain = toolchain::find_or_install(ui, &root)?;
    // Side by side: of a plugin's build, half is waiting for one crate after the other.
    let [binary, measures] = thread::scope(|scope| {
        let plugin = scope.spawn(|| guests::build_one(ui, &root, &toolchain, MEASURED));
        let built = host::build_measured(ui, &root);
        plugin.join().map_err(|_| anyhow!("the build of the plugin panicked"))??;
        built
    })?;
    if !arguments.contains(&"--json") {
        ui.heading("bench · an idle machine gives steady numbers");
    }
    // Its output is its own: a table, or JSON for a program.
    let ran = Command::new(measures).args(arguments).arg("--binary").arg(binary).status();
    if !ran.context("the measuring program cannot be started")?.success() {
        bail!("measuring failed");
    }
    Ok(())
}
