//! Rules for every source file, so that reviews can be about the code.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use interlock_tests::{Metadata, root};

/// More lines than this need a reason in the file's opening words: a line with "Long because".
const LONG: usize = 600;

/// The Rust files below a folder, with their text.
pub(crate) fn sources(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("could not read `{}`", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("could not read `{}`", path.display()))?;
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources below {}", folder.display());
    Ok(found)
}

fn all_sources() -> Result<Vec<(PathBuf, String)>> {
    let mut all = Vec::new();
    for folder in ["runtime", "guest-sdk", "examples", "tests", "xtask"] {
        for (path, text) in sources(&root().join(folder))? {
            all.push((path.strip_prefix(root())?.to_owned(), text));
        }
    }
    Ok(all)
}

fn complain(rule: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

#[test]
fn each_file_opens_with_what_it_is() -> Result<()> {
    let silent: Vec<String> = all_sources()?
        .iter()
        .filter(|(_, text)| !text.starts_with("//!") && !text.starts_with("#![doc = include_str!"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    complain("these files do not open with `//!`", &silent);
    Ok(())
}

#[test]
fn long_files_give_their_reason() -> Result<()> {
    let long: Vec<String> = all_sources()?
        .iter()
        .filter(|(_, text)| text.lines().count() > LONG && !text.contains("Long because"))
        .map(|(path, text)| format!("{} ({} lines)", path.display(), text.lines().count()))
        .collect();
    complain("these files are longer than 600 lines without a reason at their top", &long);
    Ok(())
}

#[test]
fn no_file_is_a_drawer_for_everything() -> Result<()> {
    let drawers: Vec<String> = all_sources()?
        .iter()
        .filter(|(path, _)| {
            path.iter().any(|part| {
                let name = part.to_string_lossy();
                ["utils", "util", "common", "manager", "helpers", "misc"]
                    .contains(&name.trim_end_matches(".rs"))
            })
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    complain("these names say nothing about what is inside", &drawers);
    Ok(())
}

#[test]
fn unsafe_code_is_forbidden_but_in_the_sandbox() -> Result<()> {
    let mut open = Vec::new();
    for package in Metadata::read()?.members() {
        for (kind, file) in &package.targets {
            if kind == "test" || package.name == "interlock-sandbox" {
                continue;
            }
            if !std::fs::read_to_string(file)?.contains("#![forbid(unsafe_code)]") {
                let file = file.strip_prefix(root()).unwrap_or(file);
                open.push(format!("{} ({})", package.name, file.display()));
            }
        }
    }
    complain("these crates do not say `#![forbid(unsafe_code)]`", &open);
    Ok(())
}

#[test]
fn no_machine_of_ours_is_named() -> Result<()> {
    // Written in two parts, or this file would name them.
    let machines = [concat!("/wor", "k/"), concat!("/roo", "t/")];
    let named: Vec<String> = all_sources()?
        .iter()
        .filter(|(_, text)| machines.iter().any(|machine| text.contains(machine)))
        .map(|(path, _)| path.display().to_string())
        .collect();
    complain("these files name a directory of somebody's machine", &named);
    Ok(())
}
