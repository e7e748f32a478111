//! The components in `tests/cases/`: each file is a case, each must end as its first lines say.
//!
//! The mistake it stops: a hostile component that is refused for the wrong reason, or that takes the
//! host's next caller down with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use interlock_tests::{Deployment, Ran, root};

/// What a plugin that reaches nothing answers, to see whether the host still serves.
const ADD: &str = r#"(component
  (core module $m (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
  (core instance $c (instantiate $m))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $c "add"))))"#;

struct Case {
    name: String,
    path: PathBuf,
    grants: Vec<String>,
    call: Option<String>,
    exit: i32,
    says: Vec<String>,
}

fn cases(folder: &str) -> Result<Vec<Case>> {
    let folder = root().join("tests/cases").join(folder);
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        cases.push(read(name, path, &text)?);
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    if cases.is_empty() {
        bail!("no cases in {}", folder.display());
    }
    Ok(cases)
}

fn read(name: String, path: PathBuf, text: &str) -> Result<Case> {
    let mut headers = BTreeMap::<&str, Vec<String>>::new();
    for line in text.lines().map_while(|line| line.strip_prefix(";; ")) {
        let (key, value) = line.split_once(':').with_context(|| format!("{name}: `{line}`"))?;
        if !["What", "Grant", "Call", "Exit", "Says"].contains(&key) {
            bail!("{name}: `{key}` is not a header");
        }
        headers.entry(key).or_default().push(value.trim().to_owned());
    }
    let mut take = |key: &str| headers.remove(key).unwrap_or_default();
    let exit = take("Exit").first().with_context(|| format!("{name} has no `Exit:`"))?.parse()?;
    let call = take("Call").into_iter().next();
    Ok(Case { path, grants: take("Grant"), call, exit, says: take("Says"), name })
}

fn install(deployment: &Deployment, case: &Case) -> Result<Ran> {
    let grants: Vec<&str> = case.grants.iter().map(String::as_str).collect();
    deployment.install(&case.path, "case", &grants)
}

fn expect(ran: Ran, case: &Case) -> Result<Ran> {
    let words: Vec<&str> = case.says.iter().map(String::as_str).collect();
    ran.exit(case.exit)?.says(&words)
}

/// Everything but the state of host and providers (`.interlock` folders): records and cached artifacts
/// may grow.
fn visible(deployment: &Deployment) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = deployment.files()?;
    files.retain(|path, _| !path.iter().any(|part| part == ".interlock"));
    Ok(files)
}

fn unchanged(
    before: &BTreeMap<PathBuf, Vec<u8>>,
    after: &BTreeMap<PathBuf, Vec<u8>>,
) -> Result<()> {
    let names: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let differ: Vec<_> =
        names.into_iter().filter(|name| before.get(*name) != after.get(*name)).collect();
    anyhow::ensure!(differ.is_empty(), "files have changed: {differ:?}");
    Ok(())
}

/// Adds up what went wrong, so that one run shows every case that does not hold.
fn all(cases: &[Case], run: impl Fn(&Case) -> Result<()>) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| run(case).err().map(|error| format!("== {}: {error:#}", case.name)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

#[test]
fn each_case_is_a_valid_component_unless_that_is_its_point() -> Result<()> {
    let broken = ["not-text", "core-module", "bare-function-import"];
    for case in cases("admission")?.iter().chain(&cases("limits")?) {
        if broken.contains(&case.name.as_str()) {
            continue;
        }
        let bytes = wat::parse_file(&case.path).with_context(|| case.name.clone())?;
        wasmparser::Validator::new()
            .validate_all(&bytes)
            .with_context(|| format!("{} is refused for another reason than its own", case.name))?;
    }
    Ok(())
}

#[test]
fn nothing_malformed_or_ungranted_is_installed_and_nothing_changes_on_disk() -> Result<()> {
    let deployment = Deployment::init()?;
    let before = visible(&deployment)?;
    all(&cases("admission")?, |case| {
        expect(install(&deployment, case)?, case)?;
        unchanged(&before, &visible(&deployment)?)
    });
    Ok(())
}

#[test]
fn each_limit_ends_the_run_in_time_and_the_next_call_is_served() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.configure("time   = \"10s\"", "time   = \"1s\"")?;
    let add = deployment.write("add.wat", ADD)?;
    deployment.install(&add, "add", &[])?.exit(0)?;
    all(&cases("limits")?, |case| {
        let installed = install(&deployment, case)?;
        let ran = match &case.call {
            None => installed,
            Some(tool) => {
                installed.exit(0)?;
                let tool = format!("case.{tool}");
                deployment.run(&["call", &tool, "{}", "--as", "Agent::oncall-bot"])?
            }
        };
        let ran = expect(ran, case)?;
        // The limit is one second, and five for `describe`; starting a process and compiling take their
        // own time.
        if ran.time > Duration::from_secs(15) {
            bail!("it took {:?}\n{ran}", ran.time);
        }
        next_call_is_served(&deployment)
    });
    Ok(())
}

fn next_call_is_served(deployment: &Deployment) -> Result<()> {
    let arguments = r#"{"a": 40, "b": 2}"#;
    let ran =
        deployment.run(&["call", "add.add", arguments, "--as", "Agent::oncall-bot"])?.exit(0)?;
    if ran.stdout.trim() != "42" {
        bail!("40 + 2 was `{}`", ran.stdout.trim());
    }
    Ok(())
}

#[test]
fn bytes_that_are_no_component_are_refused() -> Result<()> {
    let deployment = Deployment::init()?;
    let component = wat::parse_str(ADD)?;
    let half = component.get(..component.len() / 2).context("half a component")?;
    let garbage = vec![0xa5_u8; 65 * 1024 * 1024];
    let files: [(&str, &[u8]); 4] = [
        ("empty.wasm", b""),
        ("truncated.wasm", half),
        ("garbage.wasm", &garbage),
        ("words.wasm", b"#!/bin/sh\necho hello\n"),
    ];
    for (name, bytes) in files {
        let path = deployment.write(name, bytes)?;
        let before = visible(&deployment)?;
        deployment.install(&path, "case", &[]).and_then(|ran| ran.exit(2)).context(name)?;
        deployment.run(&["plugin".as_ref(), "inspect".as_ref(), path.as_os_str()])?.exit(2)?;
        unchanged(&before, &visible(&deployment)?).context(name)?;
    }
    missing(&deployment, Path::new("absent.wasm"))
}

fn missing(deployment: &Deployment, path: &Path) -> Result<()> {
    deployment.install(path, "case", &[])?.exit(2)?.says(&["absent.wasm"])?;
    Ok(())
}
