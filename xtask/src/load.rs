//! `cargo xtask load`: the load test of the integration tests against a release build, for a minute or as long as
//! somebody wants. The same test runs for some seconds in every `cargo xtask test`; what it does is in
//! `tests/all/agents/load/`.
//!
//! The mistake it stops: numbers of a build that nobody runs.

use anyhow::{Context, Result};

use crate::command::{Show, cargo, demand};
use crate::ui::Ui;
use crate::{Usage, guests, host, paths};
use guests::toolchain;

/// The test that is the load.
const TEST: &str =
    "agents::load::many_agents_at_once_are_served_without_errors_and_memory_stays_flat";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    clients: u64,
    seconds: u64,
}

/// `cargo xtask load [--clients N] [--seconds S]`.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    let Wanted { clients, seconds } = wanted(arguments)?;
    let root = paths::root()?;
    let toolchain = toolchain::find_or_install(ui, &root)?;
    guests::build(ui, &root, &toolchain)?;
    let binary = host::build_release(ui, &root)?;
    ui.heading(&format!("load · {clients} clients, {seconds} s"));
    let mut command = cargo(&root);
    // Selected as the tests are, so that nothing is compiled again.
    command.args(["test", "--workspace", "--test", "all", "--", "--exact", TEST, "--nocapture"]);
    command.env("INTERLOCK_BINARY", binary);
    command.env("INTERLOCK_LOAD_CLIENTS", clients.to_string());
    command.env("INTERLOCK_LOAD_SECONDS", seconds.to_string());
    demand(ui, &root, "load", &mut command, Show::Stream)?;
    Ok(())
}

fn wanted(arguments: &[&str]) -> Result<Wanted> {
    let mut wanted = Wanted { clients: 200, seconds: 60 };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let place = match *word {
            "--clients" => &mut wanted.clients,
            "--seconds" => &mut wanted.seconds,
            other => return Err(Usage(format!("`{other}` is not an option of load")).into()),
        };
        let value = words.next().and_then(|value| value.parse().ok());
        *place = value.with_context(|| Usage(format!("`{word}` wants a number")))?;
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_numbers_and_a_typo_is_usage() {
        assert_eq!(wanted(&[]).unwrap(), Wanted { clients: 200, seconds: 60 });
        let both = wanted(&["--seconds", "7", "--clients", "20"]).unwrap();
        assert_eq!(both, Wanted { clients: 20, seconds: 7 });
        for typo in [&["--client", "3"][..], &["--clients"], &["--seconds", "long"]] {
            assert!(wanted(typo).unwrap_err().is::<Usage>(), "{typo:?}");
        }
    }
}
