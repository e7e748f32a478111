//! A deployment of its own for each test, and the promise that no process outlives it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;
use xtask::evidence::{self, Process};

use crate::binary::{Ran, run};

/// A folder that `interlock init` has filled. Dropping it ends its services and removes it.
#[derive(Debug)]
pub struct Deployment {
    directory: TempDir,
    /// As the kernel names it: `/proc/PID/cwd` is compared with this.
    path: PathBuf,
}

/// The sample environment at one moment, by service name.
pub type Sample = BTreeMap<String, Service>;

/// One service, seen from outside: equality means that nobody touched it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Living processes.
    pub processes: Vec<Process>,
    /// What its URL answers now; `None` for silence.
    pub http: Option<u16>,
    /// What the host says about it.
    pub healthy: bool,
}

impl Deployment {
    /// An empty folder: for tests of `init` and of missing configuration.
    ///
    /// # Errors
    /// When no temporary directory can be made.
    pub fn empty() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("interlock-test-").tempdir()?;
        let path = directory.path().canonicalize()?;
        Ok(Self { directory, path })
    }

    /// A deployment as `interlock init` makes it.
    ///
    /// # Errors
    /// When `init` fails.
    pub fn init() -> Result<Self> {
        let deployment = Self::empty()?;
        deployment.run(&["init"])?.exit(0)?;
        Ok(deployment)
    }

    /// A deployment whose sample environment runs.
    ///
    /// # Errors
    /// When `init` or `sample start` fails.
    pub fn with_sample() -> Result<Self> {
        let deployment = Self::init()?;
        deployment.run(&["sample", "start"])?.exit(0)?;
        Ok(deployment)
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `interlock` in it.
    ///
    /// # Errors
    /// When it cannot be started, or hangs.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Ran> {
        run(&self.path, arguments, "")
    }

    /// Runs `interlock` in it with an input.
    ///
    /// # Errors
    /// When it cannot be started, or hangs.
    pub fn run_with_input<S: AsRef<OsStr>>(&self, arguments: &[S], stdin: &str) -> Result<Ran> {
        run(&self.path, arguments, stdin)
    }

    /// Installs a plugin with grants as they are typed: `CAP[#fn,…]=RESOURCE`.
    ///
    /// # Errors
    /// When it cannot be started; a refusal is in [`Ran`].
    pub fn install(&self, file: &Path, name: &str, grants: &[&str]) -> Result<Ran> {
        let mut arguments: Vec<&OsStr> =
            vec!["plugin".as_ref(), "install".as_ref(), file.as_ref(), "--name".as_ref()];
        arguments.push(name.as_ref());
        for grant in grants {
            arguments.push("--grant".as_ref());
            arguments.push(grant.as_ref());
        }
        self.run(&arguments)
    }

    /// Writes a file into it and returns the path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path.join(name);
        std::fs::write(&path, content).with_context(|| format!("could not write `{name}`"))?;
        Ok(path)
    }

    /// Edits `interlock.toml`: replaces the one place that says `old`.
    ///
    /// # Errors
    /// When there is no such place, or more than one: then the test edits something else than it thinks.
    pub fn configure(&self, old: &str, new: &str) -> Result<()> {
        let path = self.path.join("interlock.toml");
        let text = std::fs::read_to_string(&path)?;
        if text.matches(old).count() != 1 {
            bail!("interlock.toml does not have `{old}` once:\n{text}");
        }
        std::fs::write(&path, text.replace(old, new))?;
        Ok(())
    }

    /// Every file in it with its bytes, for "nothing changed on disk"; without sockets and locks that
    /// are empty.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    let name = entry.path().strip_prefix(&self.path)?.to_owned();
                    files.insert(name, std::fs::read(entry.path())?);
                }
            }
        }
        Ok(files)
    }

    /// The sample environment: names, numbers and URLs from `sample status`, life and answers from
    /// `/proc` and HTTP.
    ///
    /// # Errors
    /// When `sample status --json` fails or has another shape than agreed.
    pub fn sample(&self) -> Result<Sample> {
        let status = self.run(&["sample", "status", "--json"])?.exit(0)?.json()?;
        read(&status).with_context(|| format!("`sample status` has another shape: {status}"))
    }
}

fn read(status: &Value) -> Option<Sample> {
    status
        .get("services")?
        .as_array()?
        .iter()
        .map(|service| {
            let pids = service.get("pids")?.as_array()?;
            let mut processes: Vec<Process> = pids
                .iter()
                .filter_map(|pid| evidence::process(u32::try_from(pid.as_u64()?).ok()?))
                .collect();
            processes.sort_unstable();
            let http = service.get("url").and_then(Value::as_str).and_then(evidence::http_status);
            let healthy = service.get("healthy")?.as_bool()?;
            Some((
                service.get("service")?.as_str()?.to_owned(),
                Service { processes, http, healthy },
            ))
        })
        .collect()
}

impl Drop for Deployment {
    fn drop(&mut self) {
        // Only where something runs: most tests never start a service.
        if !evidence::processes_inside(&self.path).is_empty() {
            let _ = self.run(&["sample", "stop"]);
        }
        if let Err(error) = end_what_is_left(&self.path) {
            // A destructor must not panic while a failed test unwinds; the words are in its output.
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("while cleaning up {}: {error:#}\n", self.directory.path().display()),
            );
        }
    }
}

fn end_what_is_left(path: &Path) -> Result<()> {
    for _ in 0..50 {
        let left = evidence::processes_inside(path);
        if left.is_empty() {
            return Ok(());
        }
        for pid in left {
            // Known by its working directory inside a directory that is this test's alone.
            Command::new("kill").args(["-KILL", &pid.to_string()]).status()?;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    bail!("could not end {:?}", evidence::processes_inside(path))
}
