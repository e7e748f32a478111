//! What is fuzzed, without a fuzzer: each target over its corpus, over every input that was a finding once, and over
//! inputs that a small mutator makes of them, the same ones in each run. `cargo xtask fuzz` goes on where this ends.
//!
//! The mistake it stops: fuzz targets that nobody compiles, and findings that come back.

use std::{collections::BTreeSet, panic, path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use interlock::helper::Helper;
use interlock_fuzzing::{TARGETS, Target, mutate::Seeded, seeds};
use interlock_tests::{interlock, read, root};

/// Inputs that are made for each target.
const ROUNDS: u64 = 1000;
/// A corpus is for beginning with: short, and few.
const MAX_INPUTS: usize = 20;
const MAX_BYTES: usize = 4096;

/// The inputs in a folder, by name.
fn inputs(kind: &str, target: &Target) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = root().join("fuzz").join(kind).join(target.name);
    let mut inputs = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            inputs.push((name, std::fs::read(&path)?));
        }
    }
    inputs.sort();
    Ok(inputs)
}

/// Plugins of the targets are compiled by the real program.
fn begin() -> Result<()> {
    interlock_fuzzing::helper(Helper::program(interlock()?));
    Ok(())
}

/// Runs a target, and says with which input it did not hold.
fn holds(target: &Target, what: &str, input: &[u8]) -> Result<(), String> {
    let finding = panic::catch_unwind(|| (target.run)(input));
    finding.map_err(|_| {
        format!("`{}` does not hold for {what}: \"{}\"", target.name, input.escape_ascii())
    })
}

#[test]
fn every_input_that_is_kept_holds() -> Result<()> {
    begin()?;
    let mut findings = Vec::new();
    for target in TARGETS {
        let corpus = inputs("corpus", target)?;
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        assert!(corpus.len() <= MAX_INPUTS, "{} has too many inputs to begin with", target.name);
        for (name, input) in &corpus {
            assert!(input.len() <= MAX_BYTES, "{name} of {} is longer than 4 KiB", target.name);
        }
        let nothing = ("nothing".to_owned(), Vec::new());
        let kept = corpus.into_iter().chain(inputs("regressions", target)?).chain([nothing]);
        findings.extend(kept.filter_map(|(name, input)| holds(target, &name, &input).err()));
    }
    interlock_fuzzing::tidy();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    Ok(())
}

#[test]
fn what_lies_near_the_corpora_holds() -> Result<()> {
    begin()?;
    let number = |name: &str, otherwise: u64| match std::env::var(name) {
        Ok(number) => number.parse().with_context(|| format!("`{name}` is no number")),
        Err(_) => Ok(otherwise),
    };
    let (rounds, seed) =
        (number("INTERLOCK_FUZZ_ROUNDS", ROUNDS)?, number("INTERLOCK_FUZZ_SEED", 1)?);
    let mut findings = Vec::new();
    for target in TARGETS {
        let kept = inputs("corpus", target)?.into_iter().chain(inputs("regressions", target)?);
        let mut corpus: Vec<Vec<u8>> = kept.map(|(_, input)| input).collect();
        corpus.push(Vec::new());
        let (mut seeded, begun) = (Seeded(seed), Instant::now());
        // The first finding of a target is enough.
        let finding = (0..rounds).find_map(|round| {
            let input = seeded.near(&corpus);
            holds(target, &format!("round {round} of seed {seed}"), &input).err()
        });
        findings.extend(finding);
        eprintln!("{:18} {:.2?}", target.name, begun.elapsed());
    }
    interlock_fuzzing::tidy();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    Ok(())
}

/// The file for libFuzzer, the program in the manifest, the line of the page and the row of the table: all or none.
#[test]
fn each_target_is_everywhere() -> Result<()> {
    let files: BTreeSet<String> = std::fs::read_dir(root().join("fuzz/fuzz_targets"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    let expected: BTreeSet<String> =
        TARGETS.iter().map(|target| format!("{}.rs", target.name)).collect();
    assert_eq!(files, expected);
    let (manifest, page) = (read("fuzz/Cargo.toml")?, read("docs/fuzzing.md")?);
    for target in TARGETS {
        let name = target.name;
        assert!(
            manifest.contains(&format!("\nname = \"{name}\"\n")),
            "{name} is no program of fuzz/Cargo.toml"
        );
        assert!(
            page.contains(&format!("\n| `{name}` |")),
            "docs/fuzzing.md does not tell of {name}"
        );
        let text = read(&format!("fuzz/fuzz_targets/{name}.rs"))?;
        assert!(text.contains(&format!("run(\"{name}\", data)")), "{name}.rs runs something else");
    }
    for kind in ["corpus", "regressions"] {
        let folder = root().join("fuzz").join(kind);
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            assert!(
                TARGETS.iter().any(|target| target.name == name),
                "fuzz/{kind}/{name} is of no target"
            );
        }
    }
    Ok(())
}

/// Inputs that have to be signed or computed are not written by hand: `INTERLOCK_UPDATE_SEEDS=1` writes them.
#[test]
fn the_seeds_are_what_the_code_makes() -> Result<()> {
    let update = std::env::var_os("INTERLOCK_UPDATE_SEEDS").is_some();
    for (target, name, bytes) in seeds::all() {
        let path: PathBuf = root().join("fuzz/corpus").join(target).join(name);
        if update {
            std::fs::create_dir_all(path.parent().context("a folder")?)?;
            std::fs::write(&path, &bytes)?;
        }
        let kept = std::fs::read(&path).with_context(|| format!("no `{}`", path.display()))?;
        assert_eq!(
            kept.escape_ascii().to_string(),
            bytes.escape_ascii().to_string(),
            "{target}/{name}"
        );
    }
    Ok(())
}
