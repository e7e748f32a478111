//! Programs that are not ours, installed once for all tests of this checkout. What cannot be had is said
//! loudly: a test that tried nothing must not look like one that passed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use interlock_tests::root;

/// The folder that `install` has filled; `None`, said loudly, where it could not.
pub(super) fn installed(
    what: &str,
    folder: &str,
    install: impl FnOnce(&Path) -> Command,
) -> Result<Option<PathBuf>> {
    let folder = root().join("target/clients").join(folder);
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    let parent = folder.parent().context("no parent")?;
    fs::create_dir_all(parent)?;
    let beside = tempfile::tempdir_in(parent)?;
    let mut install = install(beside.path());
    let program = install.get_program().to_string_lossy().into_owned();
    let why = match install.stdin(Stdio::null()).output() {
        Ok(ran) if ran.status.success() => {
            // Another test may have been quicker; then its folder is as good.
            let _ = fs::rename(beside.path(), &folder);
            return Ok(Some(folder));
        }
        Ok(ran) => {
            let said = String::from_utf8_lossy(&ran.stderr);
            // The first that speaks of an error: the last one of some installers is about their own log.
            let told = said.lines().find(|line| line.to_lowercase().contains("error"));
            told.or_else(|| said.lines().last()).unwrap_or("").to_owned()
        }
        Err(error) => format!("{program} cannot be run: {error}"),
    };
    // Not by `eprintln`, which is kept from whoever looks at tests that passed.
    writeln!(std::io::stderr(), "SKIPPED {what} cannot be installed: {why}")?;
    Ok(None)
}
