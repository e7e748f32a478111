//! Each invariant is named where it is enforced, and has tests that carry its name.
//!
//! The mistake it stops: a promise in a table that no line of code remembers.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use interlock_tests::{read, root};

/// Those that must have a test of their name now.
const DUE: [&str; 5] =
    ["ABSENT-NOT-DENIED", "ONE-DOOR", "TYPES-ARE-OURS", "CLASS-BY-HOST", "FAIL-CLOSED"];

/// `(invariant, file)` of the tables below `<!-- invariants -->`.
fn promised(document: &str) -> Result<BTreeSet<(String, String)>> {
    let mut promised = BTreeSet::new();
    for part in document.split("<!-- invariants -->").skip(1) {
        let rows = part
            .lines()
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .skip(2);
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
            let (Some(name), Some(files)) = (cells.first(), cells.last()) else { continue };
            let files: Vec<&str> = files.split('`').skip(1).step_by(2).collect();
            ensure!(!files.is_empty(), "no file enforces {}", name.trim());
            promised.extend(files.iter().map(|file| (name.trim().to_owned(), (*file).to_owned())));
        }
    }
    ensure!(!promised.is_empty(), "ARCHITECTURE.md promises nothing");
    Ok(promised)
}

/// The invariants that a source names: `INVARIANT NAME`.
fn named(text: &str) -> BTreeSet<String> {
    text.split("INVARIANT ")
        .skip(1)
        .map(|rest| {
            let end =
                rest.find(|c: char| !c.is_ascii_uppercase() && c != '-').unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default().trim_end_matches('-').to_owned()
        })
        .filter(|name| name.contains('-'))
        .collect()
}

fn sources() -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for folder in ["runtime", "guest-sdk"] {
        for (path, text) in crate::house::sources(&root().join(folder))? {
            let path = path.strip_prefix(root())?.display().to_string();
            all.push((path, text));
        }
    }
    Ok(all)
}

#[test]
fn each_promise_is_named_where_it_is_enforced_and_no_other_place_names_one() -> Result<()> {
    let promised = promised(&read("ARCHITECTURE.md")?)?;
    let mut found = BTreeSet::new();
    for (path, text) in sources()? {
        // Tests may name what they test wherever they are.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if !path.contains("/tests") {
            found.extend(named(code).into_iter().map(|name| (name, path.clone())));
        }
    }
    let gone: Vec<_> = promised.difference(&found).collect();
    let unsaid: Vec<_> = found.difference(&promised).collect();
    assert!(gone.is_empty(), "promised in ARCHITECTURE.md, not named there: {gone:#?}");
    assert!(unsaid.is_empty(), "named in the sources, not in ARCHITECTURE.md: {unsaid:#?}");
    Ok(())
}

#[test]
fn each_invariant_that_is_due_has_a_test_of_its_name() -> Result<()> {
    let sources = sources()?;
    for name in DUE {
        let prefix = format!("fn {}", name.to_lowercase().replace('-', "_"));
        let tests: usize = sources.iter().map(|(_, text)| text.matches(&prefix).count()).sum();
        ensure!(tests > 0, "no test of a crate is called `{prefix}…`");
    }
    Ok(())
}

#[test]
fn names_are_read_to_their_end() -> Result<()> {
    let text = "// INVARIANT ONE-DOOR: x\n//! INVARIANT FAIL-CLOSED.\n/// INVARIANT (slot) y";
    assert_eq!(named(text), BTreeSet::from(["ONE-DOOR".to_owned(), "FAIL-CLOSED".to_owned()]));
    let table =
        "<!-- invariants -->\n\n| a | b | c |\n|---|---|---|\n| A-B | x | `f.rs`, `g.rs` |\n";
    let promised = promised(table)?;
    let first = promised.first().context("nothing")?;
    assert_eq!((promised.len(), first.1.as_str()), (2, "f.rs"));
    Ok(())
}
