//! `cargo xtask release`: runs the program that makes releases. What it does is in `xtask/release/`: a crate of its own,
//! because it needs what nobody should wait for who only wants to test.
//!
//! The mistake it stops: an xtask that compiles for a minute before it says a word.

use anyhow::{Context, Result};

use crate::command::cargo;
use crate::paths;
use crate::ui::Ui;

/// `cargo xtask release …`: the arguments are the program's. Its exit code is the answer: it has said why.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<std::process::ExitCode> {
    let mut program = cargo(&paths::root()?);
    program.args(["run", "--quiet", "--package", "xtask-release", "--"]).args(arguments);
    ui.say("  building the program that makes releases");
    let status = program.status().context("cargo cannot be started")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(code.into())
}
