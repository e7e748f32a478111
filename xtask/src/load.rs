//! `cargo xtask load`: the load test of the integration tests against a release build, for a minute or as long as
//! somebody wants. The same test runs for some seconds in every `cargo xtask test`; what it does is in
//! `tests/all/agents/load/`.
//!
//! The mistake it stops: numbers of a build that nobody runs.

use anyhow::Result;

use crate::guests::{self, toolchain};
use crate::ui::Ui;
use crate::{campaign, host, paths};

/// The test that is the load.
const TEST: &str =
    "agents::load::many_agents_at_once_are_served_without_errors_and_memory_stays_flat";

/// `cargo xtask load [--clients N] [--seconds S]`.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    let options = [("--clients", 200), ("--seconds", 60)];
    let [clients, seconds] = campaign::numbers("load", options, arguments)?;
    let root = paths::root()?;
    let toolchain = toolchain::find_or_install(ui, &root)?;
    guests::build(ui, &root, &toolchain)?;
    let binary = host::build_release(ui, &root)?;
    ui.heading(&format!("load · {clients} clients, {seconds} s"));
    let environment = [
        ("INTERLOCK_BINARY", binary.display().to_string()),
        ("INTERLOCK_LOAD_CLIENTS", clients.to_string()),
        ("INTERLOCK_LOAD_SECONDS", seconds.to_string()),
    ];
    campaign::run(ui, &root, "load", TEST, &environment)
}
