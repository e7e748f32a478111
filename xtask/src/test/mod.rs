//! `cargo xtask test`: every check, in one order, with one summary. `.ci/run` runs exactly this.
//!
//! The mistake it stops: a green run that skipped something without saying so.

mod deny;
mod locks;
mod steps;
mod summary;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::guests::toolchain::Toolchain;
use crate::ui::{Paint, Ui, time};
use crate::{Usage, paths};

/// How a step ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ran and holds. The text is for the summary; it may be empty.
    Passed(String),
    /// It did not run. Never shown as a pass.
    Skipped(String),
    /// It ran, or could not be started, and does not hold.
    Failed(String),
}

/// What steps share.
pub(crate) struct Bench<'a> {
    pub(crate) ui: &'a Ui,
    pub(crate) root: PathBuf,
    /// Set by the step `set-up`.
    pub(crate) toolchain: Option<Toolchain>,
    /// The test programs' own closing lines, repeated at the end.
    pub(crate) closing: Vec<String>,
}

/// One check.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Steps without which this one cannot run.
    pub(crate) needs: &'static [&'static str],
    pub(crate) run: fn(&mut Bench<'_>) -> Result<Outcome>,
}

/// A step that has been dealt with.
pub(crate) struct Done {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) time: Duration,
}

/// `cargo xtask test [--list | STEP…]`.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    if arguments == ["--list"] {
        for step in steps::STEPS {
            ui.say(&format!("{:16}{}", step.name, step.about));
        }
        return Ok(());
    }
    let wanted = wanted(arguments)?;
    let mut bench = Bench { ui, root: paths::root()?, toolchain: None, closing: Vec::new() };
    let started = Instant::now();
    let mut done: Vec<Done> = Vec::new();
    for step in steps::STEPS.iter().filter(|step| wanted.contains(&step.name)) {
        ui.heading(&format!("{} · {}", step.name, step.about));
        let begun = Instant::now();
        let outcome = match unmet(step, &done) {
            Some(need) => Outcome::Skipped(format!("needs `{need}`, which did not pass")),
            None => (step.run)(&mut bench).unwrap_or_else(|error| {
                ui.complain(&format!("{error:#}"));
                let first = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
                Outcome::Failed(first)
            }),
        };
        let finished = Done { name: step.name, outcome, time: begun.elapsed() };
        ui.say(&summary::line(ui, &finished));
        done.push(finished);
    }
    summary::table(ui, &done, &bench.closing);
    let failed: Vec<&str> = done
        .iter()
        .filter(|step| matches!(step.outcome, Outcome::Failed(_)))
        .map(|step| step.name)
        .collect();
    if !failed.is_empty() {
        bail!("failed after {}: {}", time(started.elapsed()), failed.join(", "));
    }
    let partial = done.len() < steps::STEPS.len();
    let scope = if partial { "the named steps only" } else { "all steps" };
    ui.say(&ui.paint(Paint::Good, &format!("no failure in {} ({scope})", time(started.elapsed()))));
    Ok(())
}

/// The steps to run: all, or the named ones and what they need.
fn wanted(arguments: &[&str]) -> Result<Vec<&'static str>> {
    let mut wanted: Vec<&'static str> = Vec::new();
    for argument in arguments {
        let Some(step) = steps::STEPS.iter().find(|step| step.name == *argument) else {
            let message = format!("`{argument}` is not a step; `cargo xtask test --list` has them");
            return Err(Usage(message).into());
        };
        wanted.push(step.name);
        wanted.extend(step.needs);
    }
    if arguments.is_empty() {
        wanted.extend(steps::STEPS.iter().map(|step| step.name));
    }
    Ok(wanted)
}

/// The first needed step that did not pass.
fn unmet(step: &Step, done: &[Done]) -> Option<&'static str> {
    step.needs.iter().copied().find(|need| {
        !done.iter().any(|done| done.name == *need && matches!(done.outcome, Outcome::Passed(_)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(name: &'static str, outcome: Outcome) -> Done {
        Done { name, outcome, time: Duration::ZERO }
    }

    #[test]
    fn every_need_is_an_earlier_step() {
        for (index, step) in steps::STEPS.iter().enumerate() {
            for need in step.needs {
                let place = steps::STEPS.iter().position(|other| other.name == *need);
                assert!(place.is_some_and(|place| place < index), "{} needs {need}", step.name);
            }
        }
    }

    #[test]
    fn a_skipped_need_is_not_met() {
        let step = Step { name: "b", about: "", needs: &["a"], run: |_| unreachable!() };
        assert_eq!(unmet(&step, &[]), Some("a"));
        assert_eq!(unmet(&step, &[done("a", Outcome::Skipped(String::new()))]), Some("a"));
        assert_eq!(unmet(&step, &[done("a", Outcome::Failed(String::new()))]), Some("a"));
        assert_eq!(unmet(&step, &[done("a", Outcome::Passed(String::new()))]), None);
    }

    #[test]
    fn naming_a_step_brings_what_it_needs_and_a_wrong_name_is_an_error() {
        assert!(wanted(&["guests"]).unwrap().contains(&"set-up"));
        assert!(wanted(&["gusts"]).unwrap_err().to_string().contains("`gusts`"));
        assert_eq!(wanted(&[]).unwrap().len(), steps::STEPS.len());
    }
}
