//! The official conformance suite, held to what docs/mcp-conformance.md says of each scenario and version.
//! It stops the table from being true once, and a scenario from being passed over because nobody named it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use interlock_tests::{read, root};
use serde_json::Value;

use super::{Running, Serve, clients::Npm, desk, token};
use crate::journeys::AGENT;

/// The suite, pinned: a new one may know other scenarios, which fail here on the day it is chosen.
const SUITE: &str = "@modelcontextprotocol/conformance@0.2.0-alpha.12";
/// The columns of the table. The last is what the suite keeps apart from versions.
const COLUMNS: [&str; 4] = ["2025-06-18", "2025-11-25", "2026-07-28", "extension"];

/// What the document says of a scenario: a verdict for each column.
type Table = BTreeMap<String, Vec<String>>;
/// The checks of a run that failed, and whether any did not.
struct Ran {
    failed: BTreeSet<String>,
    checked: bool,
}

struct Suite(Npm);

impl Suite {
    fn installed() -> Result<Option<Self>> {
        Ok(Npm::installed("the MCP conformance suite", &[SUITE])?.map(Self))
    }

    fn run(&self, folder: &Path, words: &[&str]) -> Result<String> {
        let mut command = self.0.script("@modelcontextprotocol/conformance/dist/index.js");
        command.args(words).current_dir(folder).stdin(Stdio::null());
        // Its exit status says whether all passed, which is not what is asked here.
        Ok(String::from_utf8(command.output()?.stdout)?)
    }

    /// The server scenarios, and the columns each belongs to.
    fn scenarios(&self, folder: &Path) -> Result<BTreeMap<String, Vec<String>>> {
        let list = self.run(folder, &["list", "--server"])?;
        let each = list.lines().filter_map(|line| {
            let (name, versions) = line.trim().strip_prefix("- ")?.split_once(" [")?;
            let versions = versions.strip_suffix(']')?.split(',').map(str::to_owned).collect();
            Some((name.to_owned(), versions))
        });
        Ok(each.collect())
    }
}

/// `interlock serve` behind something that adds the token, which the suite cannot send.
struct Served {
    _serve: Serve,
    _proxy: Running,
    _desk: crate::desk::Desk,
    url: String,
}

fn served(suite: &Suite) -> Result<Served> {
    let desk = desk()?;
    let (_, token) = token(&desk, AGENT, &[])?;
    let mut proxy = suite.0.script(root().join("tests/clients/with_bearer.mjs"));
    proxy.env("INTERLOCK_TOKEN", token);
    proxy.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut proxy = Running(proxy.spawn()?);
    let mut port = String::new();
    let stdout = proxy.0.stdout.take().context("no stdout")?;
    BufReader::new(stdout).read_line(&mut port)?;
    let origin = format!("http://127.0.0.1:{}", port.trim());
    // The suite wants its own origin to be let in, and another to be refused: by default all are refused.
    let serving =
        format!("[serve]\norigins = [\"{origin}\"]\nrate = {{ count = 5000, per = \"1m\" }}\n");
    desk.deployment.configure("[agents.oncall-bot]", &format!("{serving}\n[agents.oncall-bot]"))?;
    let serve = Serve::start(desk.deployment.path())?;
    let stdin = proxy.0.stdin.as_mut().context("no stdin")?;
    writeln!(stdin, "{}", serve.address)?;
    Ok(Served { _serve: serve, _proxy: proxy, _desk: desk, url: format!("{origin}/mcp") })
}

/// The results in a folder: `server-SCENARIO-TIME/checks.json`.
fn results(folder: &Path) -> Result<BTreeMap<String, Ran>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().context("no name")?.to_string_lossy().into_owned();
        let name = name.strip_prefix("server-").unwrap_or(&name);
        // …-2026-11-25T00-47-07-541Z
        let scenario = name.get(..name.len().saturating_sub(25)).context("no scenario")?;
        let checks: Value = serde_json::from_slice(&fs::read(path.join("checks.json"))?)?;
        let mut ran = Ran { failed: BTreeSet::new(), checked: false };
        for check in checks.as_array().context("no checks")? {
            let text = |name: &str| check.get(name).and_then(Value::as_str).unwrap_or_default();
            match text("status") {
                "FAILURE" => {
                    ran.failed.insert(text("id").to_owned());
                }
                // That messages have the form of the specification's schema says nothing of a scenario.
                "SUCCESS" => ran.checked |= text("id") != "wire-schema-valid",
                _ => {}
            }
        }
        all.insert(scenario.to_owned(), ran);
    }
    Ok(all)
}

/// The rows of the document's tables with so many columns, whose first cell is in backquotes.
fn rows(document: &str, cells: usize) -> Vec<Vec<String>> {
    let line = |line: &str| -> Option<Vec<String>> {
        let line = line.strip_prefix("| ")?.strip_suffix('|')?;
        let all: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        (all.len() == cells).then_some(all)
    };
    document.lines().filter(|text| text.starts_with("| `")).filter_map(line).collect()
}

/// What the document says, with the checks that it takes out of scenarios that pass in part.
fn documented() -> Result<(Table, BTreeSet<(String, String)>)> {
    let document = read("docs/mcp-conformance.md")?;
    ensure!(document.contains(SUITE), "the document is of another suite than {SUITE}");
    let mut table = Table::new();
    for mut row in rows(&document, COLUMNS.len() + 2) {
        let reason = row.pop().unwrap_or_default();
        let name = row.remove(0);
        let all_pass = row.iter().all(|verdict| verdict == "passes" || verdict == "—");
        ensure!(all_pass || !reason.is_empty(), "`{name}` has no reason");
        ensure!(table.insert(name.clone(), row).is_none(), "`{name}` is there twice");
    }
    let mut out = BTreeSet::new();
    for row in rows(&document, 3) {
        if let [scenario, check, reason] = row.as_slice() {
            ensure!(!reason.is_empty(), "`{check}` has no reason");
            out.insert((scenario.clone(), check.clone()));
        }
    }
    Ok((table, out))
}

/// What is wrong with a verdict, where anything is.
fn wrong(verdict: &str, ran: Option<&Ran>, taken_out: &BTreeSet<String>) -> Option<String> {
    let Some(ran) = ran else {
        return (verdict != "—").then(|| format!("says `{verdict}`, and the suite did not run it"));
    };
    if ran.failed.contains("wire-schema-valid") {
        return Some("messages are not of the specification's form".to_owned());
    }
    let holds = match verdict {
        "passes" => ran.failed.is_empty() && ran.checked,
        "vacuous" => ran.failed.is_empty(),
        "in part" => ran.checked && !ran.failed.is_empty() && ran.failed == *taken_out,
        // All that there is to check failed, or the suite saw itself that there is nothing to check.
        "does not apply" | "fails" => !ran.checked,
        _ => false,
    };
    (!holds).then(|| format!("says `{verdict}`, and failed are {:?}", ran.failed))
}

#[test]
fn the_official_conformance_suite_finds_what_the_document_says() -> Result<()> {
    let (table, taken_out) = documented()?;
    let Some(suite) = Suite::installed()? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let scenarios = suite.scenarios(folder.path())?;
    ensure!(scenarios.len() > 50, "the suite lists only {scenarios:?}");
    let named: Vec<&String> = table.keys().collect();
    ensure!(named == scenarios.keys().collect::<Vec<_>>(), "the table names {named:?}");
    let served = served(&suite)?;
    let mut all = Vec::new();
    for (column, version) in COLUMNS.iter().enumerate() {
        let into = folder.path().join(version);
        fs::create_dir(&into)?;
        let to = into.display().to_string();
        let words = ["server", "--url", &served.url, "--output-dir", &to];
        if *version == "extension" {
            let of = |versions: &Vec<String>| versions.iter().any(|one| one == version);
            for (name, _) in scenarios.iter().filter(|(_, versions)| of(versions)) {
                suite.run(folder.path(), &[&words[..], &["--scenario", name]].concat())?;
            }
        } else {
            let more = ["--suite", "all", "--spec-version", version];
            suite.run(folder.path(), &[&words[..], &more].concat())?;
        }
        let ran = results(&into)?;
        for (name, versions) in &scenarios {
            let belongs = versions.iter().any(|one| one == version);
            ensure!(belongs == ran.contains_key(name), "{name} {version}: it was not run");
            let verdict = table.get(name).and_then(|row| row.get(column)).context("no verdict")?;
            let out = taken_out.iter().filter(|(scenario, _)| scenario == name);
            let out = out.map(|(_, check)| check.clone()).collect();
            if let Some(wrong) = wrong(verdict, ran.get(name), &out) {
                all.push(format!("{name} {version}: the document {wrong}"));
            }
        }
    }
    ensure!(all.is_empty(), "{}", all.join("\n"));
    Ok(())
}
