//! The lock files: each fits the manifests beside it. One that does not is rewritten by the next command, unseen.
//!
//! The mistake it stops: a dependency changed in one workspace, and a lock file of another that still has the old one.

use anyhow::Result;

use super::{Bench, Outcome};
use crate::command::{Show, cargo, run};

/// The host's workspace.
pub(super) const HOST: &str = "Cargo.toml";

/// The workspaces, each with a lock file of its own.
pub(super) const MANIFESTS: [&str; 3] = [HOST, "examples/Cargo.toml", "fuzz/Cargo.toml"];

/// That they do. The host's own does by now: cargo read it to start xtask, which is why `.ci/run` looks before that.
pub(super) fn fit(bench: &mut Bench<'_>) -> Result<Outcome> {
    let mut stale = Vec::new();
    for manifest in MANIFESTS {
        let mut command = cargo(&bench.root);
        command.args(["tree", "--quiet", "--locked", "--workspace", "--depth", "0"]);
        command.args(["--manifest-path", manifest]);
        let what = format!("lock {manifest}");
        let ran = run(bench.ui, &bench.root, &what, &mut command, Show::Progress)?;
        if !ran.success {
            stale.push(format!(
                "`{manifest}` (`cargo tree --depth 0 --manifest-path {manifest}` mends it)"
            ));
        }
    }
    if stale.is_empty() {
        return Ok(Outcome::Passed(format!("{} workspaces", MANIFESTS.len())));
    }
    Ok(Outcome::Failed(format!("no lock file, or a stale one, beside {}", stale.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspaces_are_those_that_have_lock_files() {
        let root = crate::paths::root().unwrap();
        let kept = std::process::Command::new("git")
            .current_dir(&root)
            .args(["ls-files", "--", "*Cargo.lock"])
            .output();
        let kept = kept.ok().filter(|output| output.status.success());
        for manifest in MANIFESTS {
            assert!(root.join(manifest).with_file_name("Cargo.lock").is_file(), "{manifest}");
        }
        // A source archive has no git to ask.
        if let Some(kept) = kept {
            let kept = String::from_utf8(kept.stdout).unwrap();
            let mut kept: Vec<String> =
                kept.lines().map(|lock| lock.replace("Cargo.lock", "Cargo.toml")).collect();
            kept.sort();
            assert_eq!(kept, MANIFESTS);
        }
    }
}
