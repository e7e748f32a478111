//! A test of the integration tests that somebody wants to run for longer than `cargo xtask test` does: its numbers
//! from the command line, and the test by its name.
//!
//! The mistake it stops: a typo that is taken for «run it as always».

use std::path::Path;

use anyhow::{Context, Result};

use crate::Usage;
use crate::command::{Show, cargo, demand};
use crate::ui::Ui;

/// Reads options that are numbers; those that are not given stay as they are.
///
/// # Errors
/// An option that there is not, or a value that is no number: usage.
pub(crate) fn numbers<const N: usize>(
    command: &str,
    options: [(&str, u64); N],
    arguments: &[&str],
) -> Result<[u64; N]> {
    let mut wanted = options;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let Some((_, number)) = wanted.iter_mut().find(|(name, _)| name == word) else {
            return Err(Usage(format!("`{word}` is not an option of {command}")).into());
        };
        let value = words.next().and_then(|value| value.parse().ok());
        *number = value.with_context(|| Usage(format!("`{word}` wants a number")))?;
    }
    Ok(wanted.map(|(_, number)| number))
}

/// Runs one test, with what it is told by its environment, and shows each line as it comes.
///
/// # Errors
/// When it fails.
pub(crate) fn run(
    ui: &Ui,
    root: &Path,
    what: &str,
    test: &str,
    environment: &[(&str, String)],
) -> Result<()> {
    let mut command = cargo(root);
    // Selected as the tests are, so that nothing is compiled again.
    command.args(["test", "--workspace", "--test", "all", "--", "--exact", test, "--nocapture"]);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    demand(ui, root, what, &mut command, Show::Stream)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_numbers_and_a_typo_is_usage() {
        let read = |words: &[&str]| numbers("crash", [("--points", 10_800), ("--seed", 1)], words);
        assert_eq!(read(&[]).unwrap(), [10_800, 1]);
        assert_eq!(read(&["--seed", "7", "--points", "20"]).unwrap(), [20, 7]);
        for typo in [&["--point", "3"][..], &["--points"], &["--points", "many"]] {
            assert!(read(typo).unwrap_err().is::<Usage>(), "{typo:?}");
        }
        let read = |words: &[&str]| numbers("load", [("--clients", 200), ("--seconds", 60)], words);
        assert_eq!(read(&[]).unwrap(), [200, 60]);
        assert_eq!(read(&["--seconds", "7", "--clients", "20"]).unwrap(), [20, 7]);
        for typo in [&["--client", "3"][..], &["--clients"], &["--seconds", "long"]] {
            assert!(read(typo).unwrap_err().is::<Usage>(), "{typo:?}");
        }
    }
}
