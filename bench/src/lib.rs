//! Measures the host: every number that it holds itself to, each beside its floor in the same run. Started by
//! `cargo xtask bench`, which builds it and the binary as they are released.
//!
//! The mistake it stops: «fast» as an opinion. No test fails because something was slow; a row says met or missed.

#![forbid(unsafe_code)]

mod client;
mod effect;
mod invocation;
mod journal;
mod mcp;
mod native;
mod pin;
mod plot;
mod policy;
mod raw;
mod read;
mod report;
mod row;
mod scene;
mod start;
mod stats;

use anyhow::{Context, Result, bail};
use row::Row;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

const USAGE: &str = "interlock-bench [--quick] [--json] [--write] [--only GROUP] --binary INTERLOCK
groups: invocation, read, policy, effect, stdio, http, start, journal";

/// One run of this program.
pub(crate) struct Run {
    /// Below here is measured; the disk is this folder's.
    pub(crate) root: PathBuf,
    /// The host's program.
    pub(crate) binary: PathBuf,
    checkout: PathBuf,
    quick: bool,
    /// Every row once, as short as can be: for the test of this program.
    pub(crate) smoke: bool,
}

impl Run {
    /// How long something is measured.
    pub(crate) fn time(&self, seconds: u64) -> Duration {
        match (self.smoke, self.quick) {
            (true, _) => Duration::from_millis(1),
            (false, true) => Duration::from_secs(seconds),
            (false, false) => Duration::from_secs(seconds * 5),
        }
    }

    /// The plugin of the SDK that is measured.
    pub(crate) fn word_count(&self) -> Result<Vec<u8>> {
        let file = self.checkout.join("examples/target/plugins/word_count.wasm");
        std::fs::read(&file)
            .with_context(|| format!("no {}; `cargo xtask guests` makes it", file.display()))
    }
}

/// The program: its arguments are the process's.
#[must_use]
pub fn main() -> ExitCode {
    interlock::helper::run_if_asked();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.as_slice() {
        [role, rest @ ..] if role == effect::ROLE => effect::play(rest),
        [role, rest @ ..] if role == native::ROLE => native::play(rest),
        words => bench(words),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

type Group = fn(&Run, &mut Vec<journal::Point>) -> Result<Vec<Row>>;

/// The groups, in the order of the design's table.
const GROUPS: [(&str, Group); 8] = [
    ("invocation", |run, _| invocation::rows(run)),
    ("read", |run, _| read::rows(run)),
    ("policy", |run, _| policy::rows(run)),
    ("effect", |run, _| effect::rows(run)),
    ("stdio", |run, _| mcp::stdio(run)),
    ("http", |run, _| mcp::http(run)),
    ("start", |run, _| start::rows(run)),
    ("journal", |run, points| {
        *points = journal::points(run)?;
        journal::rows(run, points)
    }),
];

fn bench(words: &[String]) -> Result<()> {
    let (mut json, mut write, mut only, mut binary) = (false, false, None, None);
    let (mut quick, mut smoke) = (false, false);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--quick" => quick = true,
            "--smoke" => smoke = true,
            "--json" => json = true,
            "--write" => write = true,
            "--only" => only = Some(rest.next().context(USAGE)?.clone()),
            "--binary" => binary = Some(PathBuf::from(rest.next().context(USAGE)?)),
            _ => bail!("`{word}` is not known\n{USAGE}"),
        }
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no checkout")?;
    // Beside the build: a temporary directory may be memory, where nothing has to reach a disk.
    let root = checkout.join("target").join("bench");
    std::fs::create_dir_all(&root)?;
    let binary = binary.context(USAGE)?;
    let run = Run { root, binary, checkout: checkout.to_owned(), quick, smoke };
    let (mut rows, mut points) = (Vec::new(), Vec::new());
    for (name, group) in GROUPS {
        if only.as_ref().is_none_or(|only| only == name) {
            if !json {
                eprintln!("measuring {name}");
            }
            rows.extend(group(&run, &mut points).with_context(|| format!("measuring {name}"))?);
        }
    }
    if json {
        println!("{}", report::json(&rows));
    } else {
        print!("{}", report::table(&rows));
    }
    if write {
        if only.is_some() || smoke {
            bail!("a part of the rows is not written into the document");
        }
        let command = if quick { "cargo xtask bench --quick" } else { "cargo xtask bench" };
        report::write(&checkout.join("docs/benchmarks.md"), &rows, command)?;
        let pictures = checkout.join("docs/benchmarks");
        std::fs::create_dir_all(&pictures)?;
        std::fs::write(pictures.join("ratios.svg"), plot::ratios(&rows))?;
        std::fs::write(pictures.join("journal.svg"), plot::journal(&points))?;
    }
    Ok(())
}
