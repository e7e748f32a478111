//! `cargo xtask fuzz`: libFuzzer over the targets of `fuzz/`, one after the other, as long as somebody wants it. The same
//! functions run over the same corpora in every `cargo xtask test`, without instrumentation (`tests/all/fuzzing.rs`).
//!
//! The mistake it stops: hours of fuzzing that nobody can add up. Each target says what it executed, which edges it
//! reached, and what it took of a processor.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::command::{Show, cargo, demand, run};
use crate::ui::{Paint, Ui};
use crate::{Usage, campaign, paths};

/// For each target, where nothing is said.
const SECONDS: u64 = 60;
/// The longest input: what is read here is short, and long inputs are slow.
const MAX_LEN: u64 = 4096;

/// `cargo xtask fuzz [TARGET] [--seconds S]`.
pub(crate) fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    let root = paths::root()?;
    let all = targets(&root)?;
    let (wanted, options) = match arguments.split_first() {
        Some((name, rest)) if !name.starts_with("--") => {
            let target = all.iter().find(|target| target == name);
            let unknown =
                || Usage(format!("`{name}` is not a target; there is {}", all.join(", ")));
            (vec![target.with_context(unknown)?.clone()], rest)
        }
        _ => (all, arguments),
    };
    let [seconds] = campaign::numbers("fuzz", [("--seconds", SECONDS)], options)?;
    if !cargo(&root).args(["fuzz", "--version"]).output().is_ok_and(|ran| ran.status.success()) {
        bail!("cargo-fuzz is not installed: `cargo install --locked cargo-fuzz`");
    }
    let mut build = cargo(&root);
    // Without a sanitizer: the code is safe Rust, and a stable compiler has none.
    build.args(["fuzz", "build", "--sanitizer", "none"]);
    demand(ui, &root, "fuzz build", &mut build, Show::Progress)?;
    let mut failed = Vec::new();
    let mut lines = Vec::new();
    for target in &wanted {
        ui.heading(&format!("fuzz · {target}, {seconds} s"));
        let found = root.join("fuzz/found").join(target);
        std::fs::create_dir_all(&found)
            .with_context(|| format!("could not make `{}`", found.display()))?;
        let mut command = cargo(&root);
        command.args(["fuzz", "run", "--sanitizer", "none", target]);
        // What is new goes into the first folder; the second is the one that is committed.
        command.arg(format!("fuzz/found/{target}")).arg(format!("fuzz/corpus/{target}"));
        command.args(["--", "-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048"]);
        command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={MAX_LEN}"));
        // libFuzzer ends without dropping anything: a target's deployment would stay behind.
        let deployments = paths::logs(&root).join(format!("fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&deployments)
            .with_context(|| format!("could not make `{}`", deployments.display()))?;
        command.env("TMPDIR", &deployments);
        let before = children_seconds();
        let ran = run(ui, &root, &format!("fuzz {target}"), &mut command, Show::Progress)?;
        std::fs::remove_dir_all(&deployments)
            .with_context(|| format!("could not remove `{}`", deployments.display()))?;
        let line = format!(
            "{target:18} {:>12} executions {:>7} edges {:>8.1} s of CPU",
            last(&ran.log, "stat::number_of_executed_units:").unwrap_or("?"),
            last(&ran.log, "cov:").unwrap_or("?"),
            children_seconds() - before
        );
        ui.say(&line);
        lines.push(line);
        if !ran.success {
            for line in ran.log.iter().rev().take(60).rev() {
                ui.say(&format!("  | {line}"));
            }
            failed.push(target.as_str());
        }
    }
    ui.heading("fuzz · all");
    lines.iter().for_each(|line| ui.say(line));
    if !failed.is_empty() {
        let failed = failed.join(", ");
        bail!("findings in {failed}; the inputs are below fuzz/artifacts/");
    }
    ui.say(&ui.paint(Paint::Good, "no finding"));
    Ok(())
}

/// The targets: one file each.
fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("could not read `{}`", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The word after the last of these marks.
fn last<'l>(log: &'l [String], mark: &str) -> Option<&'l str> {
    log.iter().rev().find_map(|line| line.split_once(mark)?.1.split_whitespace().next())
}

/// What the processes that have ended took of a processor, in user and kernel mode: fields 16 and 17 of
/// `/proc/self/stat` (proc_pid_stat(5)), in hundredths of a second on Linux.
fn children_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    cpu_of_children(&stat).unwrap_or_default()
}

fn cpu_of_children(stat: &str) -> Option<f64> {
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13);
    let (user, kernel) = (fields.next()?.parse::<u32>().ok()?, fields.next()?.parse::<u32>().ok()?);
    Some(f64::from(user + kernel) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_did_is_read_from_its_own_words() {
        let log = [
            "#2 INITED cov: 3 ft: 4",
            "#9 NEW cov: 17 ft: 20",
            "stat::number_of_executed_units: 123",
        ];
        let log: Vec<String> = log.map(str::to_owned).into();
        assert_eq!(last(&log, "cov:"), Some("17"));
        assert_eq!(last(&log, "stat::number_of_executed_units:"), Some("123"));
        assert_eq!(last(&log, "stat::peak_rss_mb:"), None);
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 2 0 0 11 12 1300 14 20 0 1 0 9 9 9";
        assert_eq!(cpu_of_children(stat), Some(13.14));
        assert!(targets(&paths::root().unwrap()).unwrap().len() >= 8);
    }
}
