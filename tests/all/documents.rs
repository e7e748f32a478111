//! What the documents show must exist.
//!
//! The mistake it stops: a README that was true once.

use anyhow::{Context, Result};

use interlock_tests::{read, root};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/dependencies.md",
];

/// Lines inside ``` fences of the given language.
fn fenced(document: &str, language: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in document.lines() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            inside = !inside && fence.trim() == language;
        } else if inside {
            lines.push(line.trim().to_owned());
        }
    }
    lines
}

#[test]
fn each_link_to_a_file_leads_to_one() -> Result<()> {
    let mut dead = Vec::new();
    for name in DOCUMENTS {
        let folder = root().join(name).parent().context("no folder")?.to_owned();
        for link in read(name)?.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                dead.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "links to nothing:\n  {}", dead.join("\n  "));
    Ok(())
}

#[test]
fn each_path_in_the_floor_plan_exists() -> Result<()> {
    let mut missing = Vec::new();
    for line in fenced(&read("ARCHITECTURE.md")?, "text") {
        let Some(path) = line.split_whitespace().next() else { continue };
        if path.contains('/') && !path.contains('<') && !root().join(path).exists() {
            missing.push(path.to_owned());
        }
    }
    assert!(missing.is_empty(), "in ARCHITECTURE.md but not on disk: {missing:?}");
    Ok(())
}

#[test]
fn each_xtask_command_shown_is_one() -> Result<()> {
    let known = ["demo", "test", "guests"];
    for name in DOCUMENTS {
        for line in fenced(&read(name)?, "sh") {
            if let Some(rest) = line.strip_prefix("cargo xtask ") {
                let command = rest.split_whitespace().next().unwrap_or_default();
                assert!(known.contains(&command), "{name} shows `{line}`");
            }
        }
    }
    Ok(())
}

/// Every test that SECURITY.md or ARCHITECTURE.md names as evidence, in the column `test`, exists.
#[test]
fn each_test_named_as_evidence_exists() -> Result<()> {
    let mut sources = String::new();
    for folder in ["runtime", "guest-sdk", "tests", "xtask"] {
        for (_, text) in crate::house::sources(&root().join(folder))? {
            sources.push_str(&text);
        }
    }
    let mut missing = Vec::new();
    let mut named = 0;
    for document in ["SECURITY.md", "ARCHITECTURE.md"] {
        for word in read(document)?.split('`').skip(1).step_by(2) {
            if let Some(test) = word.strip_prefix("test:") {
                named += 1;
                if !sources.contains(&format!("fn {test}(")) {
                    missing.push(format!("{document}: {test}"));
                }
            }
        }
    }
    assert!(named > 0, "no document names a test as evidence");
    assert!(missing.is_empty(), "named as evidence, but no such test:\n  {}", missing.join("\n  "));
    Ok(())
}
