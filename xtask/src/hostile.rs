//! `cargo xtask hostile`: the hostile corpus of the integration tests, under every shape of grants or one, with the
//! deadline held to a quarter second. The same test runs one shape in every `cargo xtask test`; what it does is in
//! `tests/all/hostile/`.
//!
//! The mistake it stops: a claim about hostile plugins that rests on the grants that were easiest to try.

use anyhow::{Context, Result};

use crate::Usage;
use crate::ui::Ui;
use crate::{campaign, host, paths};

/// The test that is the corpus.
const TEST: &str =
    "hostile::absent_not_denied_and_one_door_hold_against_every_attack_of_the_corpus";

/// What was typed: the shape, and whether numbers are wanted for a program.
fn read(arguments: &[&str]) -> Result<(String, bool)> {
    let (mut shape, mut json) = ("all".to_owned(), false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "--json" => json = true,
            "--shape" => {
                let name = words.next().filter(|name| !name.starts_with('-'));
                shape = (*name.with_context(|| Usage("`--shape` wants a name".into()))?).to_owned();
            }
            other => return Err(Usage(format!("`{other}` is not an option of hostile")).into()),
        }
    }
    Ok((shape, json))
}

/// `cargo xtask hostile [--shape SHAPE] [--json]`.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    let (shape, json) = read(arguments)?;
    let root = paths::root()?;
    host::build(ui, &root)?;
    ui.heading(&format!("hostile · shapes of grants: {shape}"));
    let result = paths::logs(&root).join("hostile.json");
    // Numbers of an earlier run are none of this one.
    let _none = std::fs::remove_file(&result);
    let environment = [
        ("INTERLOCK_HOSTILE_SHAPE", shape),
        ("INTERLOCK_HOSTILE_STRICT", "1".to_owned()),
        ("INTERLOCK_HOSTILE_RESULT", result.display().to_string()),
    ];
    let ran = campaign::run(ui, &root, "hostile", TEST, &environment);
    if json && let Ok(text) = std::fs::read_to_string(&result) {
        ui.say(&text);
    }
    ran
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_a_name_and_a_typo_is_usage() {
        assert_eq!(read(&[]).unwrap(), ("all".to_owned(), false));
        assert_eq!(read(&["--json", "--shape", "none"]).unwrap(), ("none".to_owned(), true));
        for typo in [&["--shape"][..], &["--shapes", "none"], &["--shape", "--json"]] {
            assert!(read(typo).unwrap_err().is::<Usage>(), "{typo:?}");
        }
    }
}
