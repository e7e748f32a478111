//! SPECIFICATION.md: each line has what enforces it, or says that nothing does.
//!
//! The mistake it stops: a promise or a figure that only a document keeps.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use interlock_tests::{read, root};

const WITHOUT: &str = "not enforced yet";

/// A line of a table below `<!-- promises -->`, by its cells.
fn lines(document: &str) -> Vec<Vec<String>> {
    let tables = document.split("<!-- promises -->").skip(1);
    let rows = tables.flat_map(|part| {
        let table = part.lines().skip_while(|line| !line.starts_with('|'));
        table.take_while(|line| line.starts_with('|')).skip(2)
    });
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// What is wrong with one line, given which tests and rows of the benchmark there are.
fn wrong(
    line: &[String],
    test: impl Fn(&str) -> bool,
    bench: impl Fn(&str) -> bool,
) -> Vec<String> {
    let (Some(id), Some(by)) = (line.first(), line.last()) else { return vec!["empty".to_owned()] };
    let names = quoted(by);
    if names.is_empty() && !(by.starts_with(WITHOUT) && by.len() > WITHOUT.len() + 10) {
        return vec![format!("{id}: nothing enforces it, and it does not say why")];
    }
    let missing = names.iter().filter(|name| match name.split_once(':') {
        Some(("test", name)) => !test(name),
        Some(("bench", name)) => !bench(name),
        _ => true,
    });
    missing.map(|name| format!("{id}: no `{name}`")).collect()
}

/// Names of functions that are marked as tests: a helper of that name enforces nothing.
fn tests() -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for folder in ["runtime", "guest-sdk", "tests", "xtask"] {
        for (_, text) in crate::house::sources(&root().join(folder))? {
            let mut marked = false;
            for line in text.lines().map(str::trim) {
                let function = line.trim_start_matches("async ").strip_prefix("fn ");
                match function.and_then(|rest| rest.split('(').next()) {
                    Some(name) if marked => {
                        all.insert(name.to_owned());
                        marked = false;
                    }
                    Some(_) => marked = false,
                    None => {
                        marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test")
                    }
                }
            }
        }
    }
    Ok(all)
}

#[test]
fn each_promise_has_what_enforces_it() -> Result<()> {
    let lines = lines(&read("SPECIFICATION.md")?);
    ensure!(lines.len() > 45, "{} promises", lines.len());
    let tests = tests()?;
    let rows = rows_of_the_benchmark()?;
    let wrong: Vec<String> = lines
        .iter()
        .flat_map(|line| wrong(line, |name| tests.contains(name), |name| rows.contains(name)))
        .collect();
    ensure!(wrong.is_empty(), "SPECIFICATION.md:\n  {}", wrong.join("\n  "));
    let ids: BTreeSet<_> = lines.iter().filter_map(|line| line.first()).collect();
    ensure!(ids.len() == lines.len(), "an id stands twice");
    Ok(())
}

/// The names of rows, as the program that measures has them: what stands in quotes in its sources.
fn rows_of_the_benchmark() -> Result<BTreeSet<String>> {
    let sources = crate::house::sources(&root().join("bench/src"))?;
    let quoted = sources.iter().flat_map(|(_, text)| text.split('"').skip(1));
    Ok(quoted.map(str::to_owned).collect())
}

/// Each invariant of ARCHITECTURE.md is promised here.
#[test]
fn each_invariant_is_promised() -> Result<()> {
    let specification = read("SPECIFICATION.md")?;
    let architecture = read("ARCHITECTURE.md")?;
    let table = architecture.split("<!-- invariants -->").nth(1).context("no invariants")?;
    let rows = table.lines().skip_while(|line| !line.starts_with('|'));
    let mut seen = 0;
    for row in rows.take_while(|line| line.starts_with('|')).skip(2) {
        let name = row.trim_matches('|').split('|').next().unwrap_or_default().trim();
        ensure!(specification.contains(&format!("| {name}: ")), "SPECIFICATION.md has no {name}");
        seen += 1;
    }
    ensure!(seen > 10, "{seen} invariants");
    Ok(())
}

/// A figure is what its source says, character for character.
#[test]
fn each_figure_stands_in_the_source_that_is_named() -> Result<()> {
    let mut seen = 0;
    for line in lines(&read("SPECIFICATION.md")?).iter().filter(|line| line.len() == 5) {
        let (id, cell) = (line.first().context("no id")?, line.get(3).context("no place")?);
        let mut quoted = quoted(cell).into_iter();
        let source = read(quoted.next().with_context(|| format!("{id}: no file"))?)?;
        let mut figures = quoted.peekable();
        ensure!(figures.peek().is_some(), "{id}: no figure");
        for figure in figures {
            ensure!(source.contains(figure), "{id}: the source does not say `{figure}`");
            seen += 1;
        }
    }
    ensure!(seen > 15, "{seen} figures");
    Ok(())
}

#[test]
fn a_line_without_anything_is_found() {
    let line = |text: &str| -> Vec<String> { text.split('|').map(str::to_owned).collect() };
    let judge = |text: &str| wrong(&line(text), |name| name == "there", |name| name == "row");
    assert!(judge("S1|x|`test:there`, `bench:row`").is_empty());
    assert!(judge("S1|x|not enforced yet: nobody wrote one").is_empty());
    assert_eq!(
        judge("S1|x|not enforced yet"),
        ["S1: nothing enforces it, and it does not say why"]
    );
    assert_eq!(judge("S1|x|trust us").len(), 1);
    assert_eq!(judge("S1|x|`test:gone`, `bench:gone`, `test:there`").len(), 2);
    assert_eq!(judge("S1|x|`there`"), ["S1: no `there`"]);
}
