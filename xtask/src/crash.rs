//! `cargo xtask crash`: the crash campaign of the integration tests, as long as somebody wants it. The same
//! test runs with 200 points in every `cargo xtask test`; what it does is in `tests/all/crashes/`.
//!
//! The mistake it stops: a claim about crashes that rests on the few that happened to be tried.

use anyhow::{Context, Result};

use crate::command::{Show, cargo, demand};
use crate::ui::Ui;
use crate::{Usage, host, paths};

/// The test that is the campaign.
const TEST: &str =
    "crashes::intent_before_effect_and_at_most_once_hold_wherever_the_host_is_killed";
// A run may end before it comes to its point: of 10,000 points 9,480 were reached, so a few more are tried.
const POINTS: u64 = 10_800;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    points: u64,
    seed: u64,
}

/// `cargo xtask crash [--points N] [--seed S]`.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    let Wanted { points, seed } = wanted(arguments)?;
    let root = paths::root()?;
    host::build(ui, &root)?;
    ui.heading(&format!("crash · {points} points, seed {seed}"));
    let mut command = cargo(&root);
    // Selected as the tests are, so that nothing is compiled again.
    command.args(["test", "--workspace", "--test", "all", "--", "--exact", TEST, "--nocapture"]);
    command.env("INTERLOCK_CRASH_POINTS", points.to_string());
    command.env("INTERLOCK_CRASH_SEED", seed.to_string());
    demand(ui, &root, "crash", &mut command, Show::Stream)?;
    Ok(())
}

fn wanted(arguments: &[&str]) -> Result<Wanted> {
    let mut wanted = Wanted { points: POINTS, seed: 1 };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let place = match *word {
            "--points" => &mut wanted.points,
            "--seed" => &mut wanted.seed,
            other => return Err(Usage(format!("`{other}` is not an option of crash")).into()),
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
        assert_eq!(wanted(&[]).unwrap(), Wanted { points: POINTS, seed: 1 });
        let both = wanted(&["--seed", "7", "--points", "20"]).unwrap();
        assert_eq!(both, Wanted { points: 20, seed: 7 });
        for typo in [&["--point", "3"][..], &["--points"], &["--points", "many"]] {
            assert!(wanted(typo).unwrap_err().is::<Usage>(), "{typo:?}");
        }
    }
}
