//! Programs that are not ours, installed once for all tests of this checkout. What cannot be had is said
//! loudly: a test that tried nothing must not look like one that passed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use interlock_tests::root;

/// The Node that runs programs of npm: some need a newer one than many machines have.
const NODE: &str = "22.23.3";

/// The folder that `install` has filled; `None`, said loudly, where it could not.
pub(crate) fn installed(
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
    // Tests are processes of their own, and several want the same program.
    let lock = File::create(folder.with_added_extension("lock"))?;
    lock.lock()?;
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    let beside = tempfile::tempdir_in(parent)?;
    let mut install = install(beside.path());
    let program = install.get_program().to_string_lossy().into_owned();
    let why = match install.stdin(Stdio::null()).output() {
        Ok(ran) if ran.status.success() => {
            fs::rename(beside.path(), &folder)?;
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

/// Packages of PyPI, in a folder for `PYTHONPATH`; `None`, said loudly, where they cannot be had.
pub(crate) fn pip(what: &str, folder: &str, packages: &[&str]) -> Result<Option<PathBuf>> {
    installed(what, folder, |into| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
            .args(["--retries", "1", "--timeout", "15"])
            .args(packages)
            .arg("--target")
            .arg(into);
        pip
    })
}

/// A cache of npm's that has packages, for an `npm install` that is not ours; `None`, said loudly, where they cannot be had.
pub(crate) fn npm_cache(packages: &[&str]) -> Result<Option<PathBuf>> {
    let what = format!("npm's cache of {}", packages.join(", "));
    installed(&what, &format!("npm-cache-{}", packages.join("+")), |into| {
        let mut npm = npm_install(packages);
        npm.arg("--prefix").arg(into.join("once")).arg("--cache").arg(into);
        npm
    })
}

fn npm_install(packages: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .args(["--loglevel=error", "--fetch-retries=1", "--fetch-timeout=15000"])
        .args(packages);
    npm
}

/// Packages of npm, and the Node to run them with.
pub(crate) struct Npm {
    node: PathBuf,
    /// Where they are; a script in a folder of this one can import them.
    pub(super) folder: PathBuf,
}

impl Npm {
    /// Packages with their versions; `None`, said loudly, where npm cannot be had or reached.
    pub(crate) fn installed(what: &str, packages: &[&str]) -> Result<Option<Self>> {
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        let node = format!("node-linux-{arch}");
        let install = |what: &str, packages: &[&str]| {
            let names: Vec<_> =
                packages.iter().filter_map(|name| name.rsplit('/').next()).collect();
            installed(&format!("{what} ({})", packages.join(", ")), &names.join("+"), |into| {
                let mut npm = npm_install(packages);
                npm.arg("--prefix").arg(into);
                npm
            })
        };
        let Some(with) = install("Node", &[&format!("{node}@{NODE}")])? else { return Ok(None) };
        let node = with.join("node_modules").join(node).join("bin/node");
        Ok(install(what, packages)?.map(|folder| Self { node, folder }))
    }

    /// `PATH` with the programs of these packages and this Node before the machine's.
    pub(crate) fn path(&self) -> Result<OsString> {
        let node = self.node.parent().context("no folder")?.to_owned();
        let all = std::env::var_os("PATH").unwrap_or_default();
        let first = [self.folder.join("node_modules/.bin"), node];
        Ok(std::env::join_paths(first.into_iter().chain(std::env::split_paths(&all)))?)
    }

    /// Runs a script: one of a package, named from `node_modules` on, or any other by its whole path.
    pub(super) fn script(&self, path: impl AsRef<Path>) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.folder.join("node_modules").join(path));
        command
    }
}
