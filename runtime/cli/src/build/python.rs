//! Plugins in Python: componentize-py runs the plugin's top level once, and what is in memory then is the component.
//! A mistake there is a traceback through three programs, of which the developer is shown the one part that is theirs.

use super::{
    super::output::Output,
    Told,
    world::{self, WIT, Wrong},
};
use std::{
    ffi::OsString,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Output as Ran, Stdio},
};
use thiserror::Error;

/// The module that a plugin is, and with `wit/world.wit` what tells such a folder.
const MODULE: &str = "plugin";
/// The version that this is tried with.
const TRIED: &str = "componentize-py==0.25.1";
/// It has no `python3 -m` form; this is what its own script does.
const RUN: &str = "import sys; from componentize_py import script; sys.exit(script())";
/// Of a traceback, the last lines.
const MAX_LINES: usize = 24;

/// Why there is no component.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("componentize-py, which makes components of Python, is not installed")]
    NoTool,
    #[error("componentize-py cannot be started: {0}")]
    NotStarted(std::io::Error),
    #[error(transparent)]
    World(#[from] Wrong),
    #[error("the plugin does not build")]
    Broken { said: String },
    #[error("componentize-py made no component of it")]
    NoComponent,
}

impl Told for Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::NoTool => "no-componentize-py",
            Self::NotStarted(_) => "componentize-py",
            Self::World(wrong) => wrong.code(),
            Self::Broken { .. } => "does-not-build",
            Self::NoComponent => "no-component",
        }
    }

    fn said(&self) -> &str {
        match self {
            Self::World(wrong) => wrong.said(),
            Self::Broken { said } => said,
            _ => "",
        }
    }

    fn next(&self) -> Option<String> {
        match self {
            Self::NoTool => Some(format!("Install it, then build again:  pip install {TRIED}")),
            Self::World(wrong) => wrong.next(),
            _ => None,
        }
    }
}

/// Whether the plugin in a folder is one in Python.
pub(super) fn is_in(dir: &Path) -> bool {
    dir.join(format!("{MODULE}.py")).is_file() && dir.join("wit/world.wit").is_file()
}

/// Makes a component of the plugin in `dir`: `build/WORLD.wasm`. `more` is passed on to componentize-py.
pub(super) fn build(dir: &Path, more: &[String], output: &Output) -> Result<PathBuf, Failure> {
    let world = world::prepare(dir)?.name;
    let built = world::built(dir, &world)?;
    let mut words: Vec<OsString> = ["-d", WIT, "-w", &world].map(Into::into).into();
    words.extend(["componentize", MODULE, "-o"].map(Into::into));
    words.push(Path::new("build").join(format!("{}.wasm", world)).into());
    for path in python_path(dir) {
        words.extend(["-p".into(), path.into()]);
    }
    words.extend(more.iter().map(Into::into));
    let progress = output.progress(format!("making a component of {}", world));
    let ran = run(dir, &words);
    drop(progress);
    let ran = ran?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr).into_owned()
            + &String::from_utf8_lossy(&ran.stdout);
        return Err(if said.contains("No module named 'componentize_py'") {
            Failure::NoTool
        } else {
            Failure::Broken { said: theirs(&said) }
        });
    }
    if built.is_file() { Ok(built) } else { Err(Failure::NoComponent) }
}

/// Runs componentize-py: the one in `PATH`, or the one that `python3` knows.
fn run(dir: &Path, words: &[OsString]) -> Result<Ran, Failure> {
    for (program, before) in [("componentize-py", &[][..]), ("python3", &["-c", RUN][..])] {
        let ran = Command::new(program)
            .args(before)
            .args(words)
            .current_dir(dir)
            // Its own stack is of no use to whoever has a mistake in a plugin.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .output();
        match ran {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            ran => return ran.map_err(Failure::NotStarted),
        }
    }
    Err(Failure::NoTool)
}

/// Where modules are: the plugin's folder, and where its links to packages lead, because the component's Python does
/// not follow a link out of a folder.
fn python_path(dir: &Path) -> Vec<PathBuf> {
    let mut all = vec![PathBuf::from(".")];
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_package = entry.path().join("__init__.py").is_file();
        if is_package
            && entry.file_type().is_ok_and(|kind| kind.is_symlink())
            && let Ok(package) = entry.path().canonicalize()
            && let Some(parent) = package.parent()
        {
            all.push(parent.to_owned());
        }
    }
    let after_it = all.get_mut(1..).unwrap_or_default();
    after_it.sort();
    all.dedup();
    all
}

/// The plugin's part of a traceback: without the program around it, and that program's stack.
fn theirs(said: &str) -> String {
    let inner = said.rsplit_once("AssertionError: ").map_or(said, |(_, inner)| inner);
    let inner = inner.split("\n\nStack backtrace:").next().unwrap_or(inner);
    let inner = match inner.split_once("\n\nCaused by:") {
        // Python's own words end with the cause.
        Some((traceback, _)) if traceback.starts_with("Traceback") => traceback,
        _ => inner,
    };
    let lines: Vec<String> = inner.trim().lines().map(outside).collect();
    let kept = lines.len().saturating_sub(MAX_LINES);
    lines.get(kept..).unwrap_or_default().join("\n")
}

/// A line that names a file as it is called in there, `"/1/plugin.py"`, without the number of its folder.
fn outside(line: &str) -> String {
    let Some((before, file)) = line.split_once("File \"/") else { return line.to_owned() };
    match file.split_once('/') {
        Some((folder, file)) if folder.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{before}File \"{file}")
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_traceback_the_plugins_part_is_shown() {
        let said = "Traceback (most recent call last):\n  File \"/v/bin/componentize-py\", line 8, in <module>\n    \
            sys.exit(script())\nAssertionError: Traceback (most recent call last):\n  File \"/1/plugin.py\", line 7, \
            in <module>\n    import words\nModuleNotFoundError: No module named 'words'\n\n\nCaused by:\n    \
            ModuleNotFoundError: No module named 'words'\n\nStack backtrace:\n   0: anyhow\n";
        assert_eq!(
            theirs(said),
            "Traceback (most recent call last):\n  File \"plugin.py\", line 7, in <module>\n    import words\n\
             ModuleNotFoundError: No module named 'words'"
        );
        assert_eq!(theirs("killed\n"), "killed");
        assert_eq!(theirs(&"a line\n".repeat(100)).lines().count(), MAX_LINES);
    }

    #[test]
    fn links_to_packages_are_followed_for_it_and_no_others() {
        let (dir, sdk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sdk = sdk.path().canonicalize().unwrap();
        for name in ["package", "data"] {
            fs::create_dir(sdk.join(name)).unwrap();
            std::os::unix::fs::symlink(sdk.join(name), dir.path().join(name)).unwrap();
        }
        assert_eq!(python_path(dir.path()), [Path::new(".")]);
        fs::write(sdk.join("package/__init__.py"), "").unwrap();
        assert_eq!(python_path(dir.path()), [Path::new("."), sdk.as_path()]);
    }
}
