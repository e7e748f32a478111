//! What a release says of itself: its bill of materials and its licences. That it can be made again, and that the bill is
//! what was compiled, `cargo xtask release` compares whenever one is made.
//!
//! The mistake it stops: a bill that leaves something out, or lists what nobody compiled, and tells it in a form that no
//! other program reads.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use interlock_tests::{Metadata, Package, read, root};
use xtask_release::bill::sbom::{self, Binary};
use xtask_release::bill::{Bill, Key, Role, licenses};

use crate::agents::clients;

/// Reads bills as others do, and has the format's schemas.
const READER: [&str; 1] = ["cyclonedx-python-lib[json-validation]==11.12.0"];

fn bill() -> Result<Bill> {
    Bill::read(&root(), &format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
}

fn document() -> Result<Value> {
    let binary = Binary {
        sha256: "ab".repeat(32),
        target: format!("{}-unknown-linux-gnu", std::env::consts::ARCH),
        rust: "1.95.0".to_owned(),
        time: "2026-01-02T03:04:05Z".to_owned(),
    };
    sbom::document(&bill()?, &binary)
}

/// By Cargo's account of all that could be there: everything below the binary's package, tests apart.
fn below<'m>(metadata: &'m Metadata, from: &str) -> Result<BTreeMap<Key, &'m Package>> {
    let start = metadata.packages.iter().find(|(_, package)| package.name == from);
    let mut open = vec![start.context("no such package")?.0];
    let mut found = BTreeMap::new();
    while let Some(id) = open.pop() {
        let package = metadata.packages.get(id).with_context(|| format!("no package {id}"))?;
        if found.insert((package.name.clone(), package.version.clone()), package).is_none() {
            open.extend(&package.compiled_in);
        }
    }
    Ok(found)
}

fn is_macro(package: &Package) -> bool {
    package.targets.iter().any(|(kind, _)| kind == "proc-macro")
}

#[test]
fn our_own_licence_is_part_of_a_release() -> Result<()> {
    let text = String::from_utf8(licenses::own(&root())?)?;
    ensure!(
        text.contains("Apache License") && text.contains("Version 2.0, January 2004"),
        "{text}"
    );
    Ok(())
}

/// Cargo's metadata lists more than is compiled: what it lists beyond the bill, nobody in the bill always needs.
#[test]
fn the_bill_is_what_the_binary_is_made_of_and_nothing_else() -> Result<()> {
    let (bill, metadata) = (bill()?, Metadata::read()?);
    let could_be = below(&metadata, "interlock-cli")?;
    let linked = bill.of(Role::Linked);
    let unknown: Vec<&Key> = linked.iter().filter(|key| !could_be.contains_key(*key)).collect();
    ensure!(unknown.is_empty(), "in the bill, and below the binary in no manner: {unknown:?}");
    let mut missing = BTreeSet::new();
    for key in &linked {
        let package = could_be.get(key).context("unknown")?;
        ensure!(!is_macro(package), "{key:?} is a macro, and linked into nothing");
        for id in &package.compiled_in {
            let needed = metadata.packages.get(id).context("a package that is not there")?;
            let key = (needed.name.clone(), needed.version.clone());
            let named = |name: &str| name == needed.name;
            let always = package.dependencies.iter().any(|line| named(&line.name) && line.always);
            if always && !is_macro(needed) && !linked.contains(&key) {
                missing.insert(key);
            }
        }
    }
    ensure!(missing.is_empty(), "always compiled in, and not in the bill: {missing:?}");
    ensure!(linked.len() > 250, "{} packages", linked.len());
    // A test's, another oracle's, and one that a feature that is off would bring.
    for absent in ["proptest", "signed_note", "rsa", "interlock-tests", "xtask"] {
        ensure!(bill.packages.keys().all(|(name, _)| name != absent), "`{absent}` is in the bill");
    }
    Ok(())
}

/// The `checksum` lines of the lock file, by its own form.
fn checksums() -> Result<BTreeMap<Key, String>> {
    let lock = read("Cargo.lock")?;
    let value = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name} = \"")));
        line.and_then(|rest| rest.strip_suffix('"')).map(str::to_owned)
    };
    let blocks = lock.split("[[package]]").skip(1);
    Ok(blocks
        .filter_map(|block| {
            let key = (value(block, "name")?, value(block, "version")?);
            Some((key, value(block, "checksum")?))
        })
        .collect())
}

#[test]
fn each_component_has_its_url_its_licence_and_its_checksum() -> Result<()> {
    let (bill, document, checksums) = (bill()?, document()?, checksums()?);
    let components = document.get("components").and_then(Value::as_array).context("none")?;
    let mut seen = BTreeSet::new();
    for component in components {
        let text = |pointer: &str| component.pointer(pointer).and_then(Value::as_str);
        let key = (text("/name").context("no name")?, text("/version").context("no version")?);
        let key: Key = (key.0.to_owned(), key.1.to_owned());
        let purl = text("/purl").with_context(|| format!("{key:?} has no URL"))?;
        let licence = text("/licenses/0/expression").or_else(|| text("/licenses/0/license/id"));
        ensure!(licence.is_some_and(|l| !l.contains('/')), "{key:?}: {licence:?}");
        let checksum = text("/hashes/0/content").map(str::to_owned);
        let Some(package) = bill.packages.get(&key) else {
            // What is in no lock file: the C of SQLite and mimalloc, and the standard library.
            ensure!(
                ["sqlite", "mimalloc", "rust-std"].contains(&key.0.as_str()),
                "{key:?} came from nowhere"
            );
            ensure!(purl == format!("pkg:generic/{}@{}", key.0, key.1), "{purl}");
            continue;
        };
        ensure!(checksum.as_ref() == checksums.get(&key), "{key:?}: {checksum:?}");
        let kind = if checksum.is_some() { "cargo" } else { "generic" };
        let version = key.1.replace('+', "%2B");
        ensure!(purl == format!("pkg:{kind}/{}@{version}", key.0), "{purl}");
        let scope = if package.role == Role::Linked { "required" } else { "excluded" };
        ensure!(text("/scope") == Some(scope), "{key:?}");
        ensure!(seen.insert(key.clone()), "{key:?} is there twice");
    }
    let mut all: BTreeSet<Key> = bill.packages.keys().cloned().collect();
    all.retain(|(name, _)| name != "interlock-cli");
    ensure!(seen == all, "not in the document: {:?}", all.difference(&seen));
    ensure!(
        components.len() == all.len() + 3,
        "SQLite, mimalloc or the standard library is missing"
    );
    Ok(())
}

/// A dependency graph whose ends are all there, from the binary to everything that is linked.
#[test]
fn the_graph_of_the_bill_is_whole() -> Result<()> {
    let document = document()?;
    let edges = document.get("dependencies").and_then(Value::as_array).context("no graph")?;
    let mut graph = BTreeMap::<&str, Vec<&str>>::new();
    for edge in edges {
        let from = edge.get("ref").and_then(Value::as_str).context("no ref")?;
        let to = edge.get("dependsOn").and_then(Value::as_array).into_iter().flatten();
        graph.insert(from, to.filter_map(Value::as_str).collect());
    }
    let root = document.pointer("/metadata/component/bom-ref").and_then(Value::as_str);
    let mut open = vec![root.context("no root")?];
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(graph.get(name).into_iter().flatten());
        }
    }
    let components = document.get("components").and_then(Value::as_array).context("none")?;
    let names = components.iter().filter_map(|one| one.get("bom-ref").and_then(Value::as_str));
    let apart: Vec<&str> = names.clone().filter(|name| !reached.contains(name)).collect();
    ensure!(apart.is_empty(), "nothing leads from the binary to {apart:?}");
    ensure!(reached.len() == names.count() + 1, "an edge leads to what is not there");
    Ok(())
}

/// What is written depends on no machine and no moment but the commit's.
#[test]
fn the_bill_and_the_licences_are_the_same_each_time_and_name_no_folder() -> Result<()> {
    let texts = [serde_json::to_string(&document()?)?, licenses::document(&bill()?)?];
    ensure!(texts == [serde_json::to_string(&document()?)?, licenses::document(&bill()?)?]);
    let home = std::env::var("HOME").ok().filter(|home| home.len() > 1);
    for folder in [Some(root().display().to_string()), home].into_iter().flatten() {
        for text in &texts {
            ensure!(!text.contains(&format!("{folder}/")), "{folder} is named");
        }
    }
    Ok(())
}

#[test]
fn each_package_that_is_linked_is_in_the_licences_with_the_texts_that_it_brings() -> Result<()> {
    let (bill, licences) = (bill()?, licenses::document(&bill()?)?);
    let (list, texts) = licences.split_once(licenses::MARK).context("no texts")?;
    for ((name, version), package) in &bill.packages {
        let entry = format!("\n{name} {version}: {}\n", package.license);
        let theirs = package.role == Role::Linked && package.checksum.is_some();
        ensure!(list.contains(&entry) == theirs, "{entry}");
    }
    for (package, says) in [
        ("ring", "Copyright"),
        ("wasmtime 48", "LLVM Exceptions to the Apache 2.0 License"),
        ("serde 1", "Permission is hereby granted"),
    ] {
        let mut of = texts.split(licenses::MARK);
        let found = of.any(|text| {
            let (whose, text) = text.split_once(" ]").unwrap_or_default();
            whose.split(", ").any(|name| name.starts_with(package)) && text.contains(says)
        });
        ensure!(found, "no text of {package} with `{says}`");
    }
    Ok(())
}

/// The schemas of the format, as its own project ships them.
#[test]
fn the_bill_is_valid_by_the_formats_own_schema() -> Result<()> {
    let what = "the reader of CycloneDX";
    let Some(packages) = clients::pip(what, "cyclonedx-11.12.0", &READER)? else { return Ok(()) };
    let place = tempfile::tempdir()?;
    let file = place.path().join("interlock.cdx.json");
    let judge = |document: &Value| -> Result<(bool, String)> {
        std::fs::write(&file, serde_json::to_string(document)?)?;
        let script = "import sys\n\
            from cyclonedx.validation.json import JsonStrictValidator\n\
            from cyclonedx.schema import SchemaVersion\n\
            wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())\n\
            sys.exit(repr(wrong)[:2000] if wrong else 0)";
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(&file).env("PYTHONPATH", &packages);
        let ran = python.output()?;
        Ok((ran.status.success(), String::from_utf8_lossy(&ran.stderr).into_owned()))
    };
    let mut document = document()?;
    let (valid, why) = judge(&document)?;
    ensure!(valid, "{why}");
    // And it would tell.
    *document.pointer_mut("/components/0/licenses/0/expression").context("no licence")? =
        Value::from(7);
    ensure!(!judge(&document)?.0, "the validator takes anything");
    Ok(())
}
