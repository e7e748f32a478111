//! Holds the floor plan to the building.
//!
//! The mistake it stops: a wall of ARCHITECTURE.md that somebody walked through for convenience, for
//! instance a decision crate that learned to read the clock.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use interlock_tests::{Metadata, read, root};

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Normal and build dependencies between members; tests may look wherever they like.
fn edges(metadata: &Metadata) -> Edges {
    let members: BTreeSet<&str> = metadata.members().map(|package| package.name.as_str()).collect();
    metadata
        .members()
        .map(|package| {
            let to = package
                .dependencies
                .iter()
                .filter(|dependency| !dependency.development)
                .filter(|dependency| members.contains(dependency.name.as_str()))
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.clone(), to)
        })
        .collect()
}

/// The table below `<!-- crate-edges -->`: first column the crate, last column what it may depend on,
/// names in backticks.
fn floor_plan(document: &str) -> Result<Edges> {
    let (_, table) = document
        .split_once("<!-- crate-edges -->")
        .context("ARCHITECTURE.md has no `<!-- crate-edges -->`")?;
    table
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty())
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
            let name = cells.first().and_then(|cell| quoted(cell).next());
            let name = name.with_context(|| format!("no crate in the row `{row}`"))?;
            let last = cells.last().with_context(|| format!("no cells in the row `{row}`"))?;
            Ok((name.to_owned(), quoted(last).map(str::to_owned).collect()))
        })
        .collect()
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Differences in words, both ways.
fn differences(plan: &Edges, built: &Edges) -> Vec<String> {
    let names: BTreeSet<&String> = plan.keys().chain(built.keys()).collect();
    let none = BTreeSet::new();
    let mut wrong = Vec::new();
    for name in names {
        match (plan.get(name), built.get(name)) {
            (None, Some(_)) => wrong.push(format!("`{name}` is a member but not in the table")),
            (Some(_), None) => wrong.push(format!("`{name}` is in the table but no member")),
            _ => {}
        }
        let planned = plan.get(name).unwrap_or(&none);
        let real = built.get(name).unwrap_or(&none);
        for extra in real.difference(planned) {
            wrong.push(format!("`{name}` depends on `{extra}`, which the table does not allow"));
        }
        for stale in planned.difference(real) {
            wrong.push(format!("the table lets `{name}` depend on `{stale}`, and it does not"));
        }
    }
    wrong
}

#[test]
fn the_floor_plan_shows_every_edge_and_no_other() -> Result<()> {
    let plan = floor_plan(&read("ARCHITECTURE.md")?)?;
    let wrong = differences(&plan, &edges(&Metadata::read()?));
    assert!(wrong.is_empty(), "ARCHITECTURE.md and Cargo disagree:\n  {}", wrong.join("\n  "));
    Ok(())
}

#[test]
fn a_missing_and_a_stale_edge_are_both_found() -> Result<()> {
    let document = "<!-- crate-edges -->\n\n| crate | is | may use |\n|---|---|---|\n\
                    | `a` | x | `b`, `c` |\n| `b` | y | nothing |\n\nend";
    let plan = floor_plan(document)?;
    assert_eq!(plan["a"], BTreeSet::from(["b".to_owned(), "c".to_owned()]));
    assert_eq!(plan["b"], BTreeSet::new());
    let built = Edges::from([
        ("a".to_owned(), BTreeSet::from(["b".to_owned(), "d".to_owned()])),
        ("d".to_owned(), BTreeSet::new()),
    ]);
    let wrong = differences(&plan, &built).join("\n");
    for expected in ["`a` depends on `d`", "lets `a` depend on `c`", "`d` is a member", "`b` is in"]
    {
        assert!(wrong.contains(expected), "{expected} is not in:\n{wrong}");
    }
    Ok(())
}

/// Everything that is compiled into `package` on this platform, itself included.
fn closure(metadata: &Metadata, package: &str) -> Result<BTreeSet<String>> {
    let start = metadata.packages.iter().find(|(_, other)| other.member && other.name == package);
    let (id, _) = start.with_context(|| format!("no member `{package}`"))?;
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            let package = metadata.packages.get(id).context("no such package")?;
            names.insert(package.name.clone());
            open.extend(&package.compiled_in);
        }
    }
    Ok(names)
}

#[test]
fn authority_decides_without_engine_network_clock_or_disk() -> Result<()> {
    let inside = closure(&Metadata::read()?, "interlock-authority")?;
    // Cedar and ssh-key bring getrandom and time along; that no source here draws a random number or asks
    // for the time is looked at below.
    for banned in ["wasmtime", "tokio", "cap-std", "rustix", "mio", "reqwest"] {
        assert!(!inside.contains(banned), "`{banned}` is compiled into interlock-authority");
    }
    let folder = root().join("runtime/authority/src");
    for (path, text) in crate::house::sources(&folder)? {
        for banned in [
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
            "SystemTime",
            "Instant::now",
            "getrandom",
            "OsRng",
            "Timestamp::now",
        ] {
            assert!(!text.contains(banned), "`{banned}` in {}", path.display());
        }
    }
    Ok(())
}

#[test]
fn the_sandbox_knows_providers_only_as_gate() -> Result<()> {
    let inside = closure(&Metadata::read()?, "interlock-sandbox")?;
    assert!(inside.contains("wasmtime"), "the closure is not complete");
    assert!(!inside.contains("interlock-providers"), "the sandbox has learned of providers");
    Ok(())
}

#[test]
fn providers_know_nothing_of_the_engine() -> Result<()> {
    let inside = closure(&Metadata::read()?, "interlock-providers")?;
    assert!(!inside.contains("wasmtime") && !inside.contains("interlock-sandbox"));
    Ok(())
}

/// A newcomer waits for xtask before anything says a word.
#[test]
fn xtask_starts_small() -> Result<()> {
    let inside = closure(&Metadata::read()?, "xtask")?;
    assert!(inside.len() <= 20, "xtask compiles {} crates: {inside:?}", inside.len());
    Ok(())
}
