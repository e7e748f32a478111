//! What the documents show must exist.
//!
//! The mistake it stops: a README that was true once.

use anyhow::{Context, Result};

use interlock_tests::{Deployment, read, root, staged_plugin};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SPECIFICATION.md",
    "docs/benchmarks.md",
    "docs/dependencies.md",
    "docs/fuzzing.md",
    "docs/guides/agents.md",
    "docs/guides/define-a-capability.md",
    "docs/guides/deploy.md",
    "docs/guides/first-plugin.md",
    "docs/guides/http.md",
    "docs/guides/kv.md",
    "docs/mcp-conformance.md",
    "docs/release.md",
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
    for name in with_readmes()? {
        let name = name.as_str();
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
    let known =
        ["demo", "test", "guests", "crash", "load", "hostile", "bench", "fuzz", "model", "release"];
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

/// The guides in docs/guides/.
fn guides() -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(root().join("docs/guides"))? {
        all.push(entry?.path().strip_prefix(root())?.display().to_string());
    }
    all.sort();
    Ok(all)
}

/// READMEs of the SDK and of the examples, and the guides, besides the documents at the root.
fn with_readmes() -> Result<Vec<String>> {
    let mut all: Vec<String> = DOCUMENTS.iter().map(|name| (*name).to_owned()).collect();
    all.extend(guides()?);
    all.push("guest-sdk/README.md".to_owned());
    let samples = std::fs::read_dir(root().join("examples/capabilities"))?;
    for entry in std::fs::read_dir(root().join("examples"))?.chain(samples) {
        let readme = entry?.path().join("README.md");
        if readme.is_file() {
            all.push(readme.strip_prefix(root())?.display().to_string());
        }
    }
    Ok(all)
}

/// The commands of `interlock` in fenced blocks, one line each (a `\\` at the end continues it).
fn interlock_commands(document: &str) -> Vec<String> {
    let lines = ["sh", "console", "text", "bash"].map(|language| fenced(document, language));
    let text = lines.concat().join("\n").replace("\\\n", " ");
    text.lines()
        .map(|line| line.trim_start_matches("$ "))
        .filter(|line| line.starts_with("interlock "))
        .map(str::to_owned)
        .collect()
}

/// Each command that is shown exists, with each option that is shown.
#[test]
fn each_interlock_command_shown_exists() -> Result<()> {
    let folder = Deployment::empty()?;
    let mut wrong = Vec::new();
    let mut seen = 0;
    for name in with_readmes()? {
        for line in interlock_commands(&read(&name)?) {
            seen += 1;
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            let is_name = |word: &&str| {
                !word.starts_with('-') && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            };
            let mut path: Vec<&str> =
                words.iter().copied().take_while(|word| is_name(word)).take(2).collect();
            // `interlock init demo`: the second word may be an argument, which `--help` passes over.
            path.push("--help");
            let help = folder.run(&path)?;
            let options = words.iter().filter(|word| word.starts_with("--"));
            let missing: Vec<&&str> =
                options.filter(|option| !help.stdout.contains(**option)).collect();
            if help.code != 0 || !missing.is_empty() {
                wrong.push(format!("{name}: `{line}` (exit {}, no {missing:?})", help.code));
            }
        }
    }
    assert!(wrong.is_empty(), "shown, but not so:\n  {}", wrong.join("\n  "));
    assert!(seen > 0, "no document shows a command of interlock");
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

/// The fenced block that follows a marker, as its range in the document.
fn block_after(document: &str, marker: &str) -> Result<std::ops::Range<usize>> {
    let start = document.find(marker).with_context(|| format!("no `{marker}`"))? + marker.len();
    let rest = document.get(start..).unwrap_or_default();
    let open = rest.find("\n```").with_context(|| format!("no block after `{marker}`"))? + 1;
    let first = rest.get(open..).and_then(|text| text.find('\n')).context("an open fence")?;
    let begin = open + first + 1;
    let end = rest.get(begin..).and_then(|text| text.find("```")).context("an open fence")?;
    Ok(start + begin..start + begin + end)
}

/// A sheet without what changes from compiler to compiler: its first line's digest and size.
fn lasting(sheet: &str) -> String {
    let mut lines = sheet.trim_end().lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    let name = head.first().copied().unwrap_or_default();
    let sdk = head.iter().position(|word| *word == "interlock-guest");
    let sdk = sdk.and_then(|at| head.get(at..at + 2)).map(|words| words.join(" "));
    let head = [Some(name.to_owned()), sdk].into_iter().flatten().collect::<Vec<_>>().join("   ");
    let rest: Vec<&str> = lines.map(str::trim_end).collect();
    format!("{head}\n{}\n", rest.join("\n"))
}

/// With `INTERLOCK_UPDATE_README=1` the sheets in the README are rewritten instead of compared.
#[test]
fn the_sheets_in_the_readme_are_what_inspect_prints() -> Result<()> {
    let deployment = Deployment::empty()?;
    let mut readme = read("README.md")?;
    let original = readme.clone();
    for plugin in ["fix_service", "overreach", "rebuild_environment", "word_count", "read_notes"] {
        let file = staged_plugin(plugin)?;
        let ran = deployment.run(&["plugin".as_ref(), "inspect".as_ref(), file.as_os_str()])?;
        let sheet = lasting(&ran.exit(0)?.stdout);
        let range = block_after(&readme, &format!("<!-- sheet: {plugin} -->"))?;
        readme.replace_range(range, &sheet);
    }
    if std::env::var_os("INTERLOCK_UPDATE_README").is_some() {
        std::fs::write(root().join("README.md"), &readme)?;
    } else if readme != original {
        let printed: Vec<&str> =
            readme.lines().filter(|line| !original.lines().any(|old| old == *line)).collect();
        panic!(
            "README.md shows other sheets than `inspect` prints; \
             INTERLOCK_UPDATE_README=1 rewrites them. Printed, and not there:\n{}",
            printed.join("\n")
        );
    }
    Ok(())
}

/// Each paragraph of an excerpt stands in its file, word for word.
#[test]
fn excerpts_are_from_the_files_they_name() -> Result<()> {
    for document in DOCUMENTS {
        let text = read(document)?;
        for (at, marker) in text.match_indices("<!-- excerpt: ") {
            let rest = text.get(at..).unwrap_or_default();
            let whole = rest.split_inclusive("-->").next().context("an open comment")?;
            let path = whole.trim_start_matches(marker).trim_end_matches("-->").trim();
            let source = read(path)?;
            let excerpt = block_after(&text, whole)?;
            for paragraph in text.get(excerpt).unwrap_or_default().trim().split("\n\n") {
                assert!(source.contains(paragraph), "not in {path}:\n{paragraph}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_sheet_is_compared_without_digest_and_size() {
    let printed =
        "fix-service     sha256:4be1f0…9c2d   212.4 KiB   interlock-guest 0.1.0  \n\nTools\n";
    assert_eq!(lasting(printed), "fix-service   interlock-guest 0.1.0\n\nTools\n");
    assert_eq!(lasting("plain  sha256:00…11  1 KiB\n\nTools"), "plain\n\nTools\n");
}
