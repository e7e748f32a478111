//! A reason and an acceptable licence for each dependency.
//!
//! The mistake it stops: a crate that came in for one function and stayed, and that nobody can say why.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use interlock_tests::{Metadata, read, root};

/// The lines `- `name`: why` below each heading `## `crate``.
fn reasons(document: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut crates = BTreeMap::<String, BTreeMap<String, String>>::new();
    let mut current = None;
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            current = heading.strip_prefix('`').and_then(|rest| rest.split('`').next());
            if let Some(name) = current {
                crates.entry(name.to_owned()).or_default();
            }
        } else if let (Some(name), Some(entry)) = (current, line.strip_prefix("- `"))
            && let Some((dependency, why)) = entry.split_once("`: ")
        {
            let entries = crates.entry(name.to_owned()).or_default();
            entries.insert(dependency.to_owned(), why.trim().to_owned());
        }
    }
    crates
}

#[test]
fn each_direct_dependency_has_a_reason_and_each_reason_a_dependency() -> Result<()> {
    let metadata = Metadata::read()?;
    let members: BTreeSet<String> =
        metadata.members().map(|package| package.name.clone()).collect();
    let reasons = reasons(&read("docs/dependencies.md")?);
    let mut wrong = Vec::new();
    for package in metadata.members() {
        let direct: BTreeSet<&str> = package
            .dependencies
            .iter()
            .map(|dependency| dependency.name.as_str())
            .filter(|name| !members.contains(*name))
            .collect();
        let none = BTreeMap::new();
        let given = reasons.get(package.name.as_str()).unwrap_or(&none);
        for name in &direct {
            if given.get(*name).is_none_or(String::is_empty) {
                wrong.push(format!("`{}` uses `{name}`, and no line says why", package.name));
            }
        }
        for name in given.keys().filter(|name| !direct.contains(name.as_str())) {
            wrong.push(format!("`{}` does not use `{name}` any more", package.name));
        }
    }
    for name in reasons.keys().filter(|name| !members.contains(*name)) {
        wrong.push(format!("`{name}` has a section and is no member"));
    }
    assert!(wrong.is_empty(), "docs/dependencies.md:\n  {}", wrong.join("\n  "));
    Ok(())
}

#[test]
fn reasons_are_read_by_crate() {
    let found = reasons("## `a`\n\n- `x`: because\n- `y`:\n\n## Words\n- `z`: not in a crate\n");
    assert_eq!(found.len(), 1);
    assert_eq!(found["a"], BTreeMap::from([("x".to_owned(), "because".to_owned())]));
}

/// `name version [features]` of everything that cargo compiles for a selection of packages.
fn features(selection: &[&str]) -> Result<BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--locked", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p} [{f}]"])
        .args(selection)
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// The demo builds the workspace's binary, the tests build all of it. A dependency of tests that switches on
/// a feature of serde would have wasmtime compiled twice.
#[test]
fn a_newcomer_compiles_shared_dependencies_once() -> Result<()> {
    let demo = features(&["--workspace", "--edges", "normal,build"])?;
    let tests = features(&["--workspace", "--edges", "normal,build,dev"])?;
    assert!(demo.len() > 100, "the tree is not complete: {}", demo.len());
    let twice: Vec<&String> = demo.difference(&tests).collect();
    assert!(twice.is_empty(), "tests compile these with other features: {twice:?}");
    Ok(())
}

/// deny.toml's list, applied here too because cargo-deny is not everywhere.
fn allowed(deny: &str) -> Result<BTreeSet<String>> {
    let (_, list) = deny.split_once("\nallow = [").context("deny.toml has no licence list")?;
    let (list, _) = list.split_once(']').context("deny.toml: the licence list has no end")?;
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Whether an SPDX expression (<https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>) can be
/// met with allowed licences. `AND` binds more tightly than `OR`; an old `/` means `OR`.
fn acceptable(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.trim();
    if let Some(sides) = split_outside(expression, &[" OR ", " / ", "/"]) {
        return sides.iter().any(|side| acceptable(side, allowed));
    }
    if let Some(sides) = split_outside(expression, &[" AND "]) {
        return sides.iter().all(|side| acceptable(side, allowed));
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) => acceptable(inside, allowed),
        None => allowed.contains(expression),
    }
}

/// Splits at a separator that is in no parentheses; `None` where there is none.
fn split_outside<'e>(expression: &'e str, separators: &[&str]) -> Option<Vec<&'e str>> {
    let mut depth = 0_i32;
    for (index, character) in expression.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        let rest = expression.get(index..)?;
        let here = separators.iter().find(|separator| depth == 0 && rest.starts_with(**separator));
        if let Some(separator) = here {
            return Some(vec![expression.get(..index)?, rest.get(separator.len()..)?]);
        }
    }
    None
}

#[test]
fn every_licence_is_on_the_list() -> Result<()> {
    let allowed = allowed(&read("deny.toml")?)?;
    let refused: Vec<String> = Metadata::read()?
        .packages
        .values()
        .filter(|package| {
            !package.license.as_deref().is_some_and(|licence| acceptable(licence, &allowed))
        })
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml:\n  {}", refused.join("\n  "));
    Ok(())
}

#[test]
fn licence_expressions_are_read_as_spdx_says() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Zlib".to_owned()]);
    for good in ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "(MIT OR X) AND Zlib", "X AND Y OR MIT"] {
        assert!(acceptable(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR X) AND Y", "", "MIT WITH something"] {
        assert!(!acceptable(bad, &allowed), "{bad}");
    }
}
