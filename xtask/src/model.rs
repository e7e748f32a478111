//! `cargo xtask model`: random sequences of whatever may happen to a deployment, on a real host and on a small
//! reference beside it, as many as somebody wants. The same test runs 100 in every `cargo xtask test`; what it does is
//! in `runtime/tests/all/model/`.
//!
//! The mistake it stops: a rule that holds in each order of events that somebody thought of, and in no other.

use anyhow::Result;

use crate::ui::Ui;
use crate::{campaign, host, paths};

/// The test that is the campaign.
const TEST: &str =
    "model::at_most_once_and_every_other_rule_hold_in_random_sequences_as_in_the_reference";

/// `cargo xtask model [--sequences N] [--seed S]`.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    let options = [("--sequences", 10_000), ("--seed", 1)];
    let [sequences, seed] = campaign::numbers("model", options, arguments)?;
    let root = paths::root()?;
    host::build(ui, &root)?;
    ui.heading(&format!("model · {sequences} sequences, seed {seed}"));
    let environment = [
        ("INTERLOCK_MODEL_SEQUENCES", sequences.to_string()),
        ("INTERLOCK_MODEL_SEED", seed.to_string()),
    ];
    campaign::run(ui, &root, "model", TEST, &environment)
}
