//! Plugins in Rust: cargo compiles, and says which file it made. Its own errors are the best there are, so they are
//! shown as they are; what it cannot know (which target, how to get it) is added.

use super::{super::output::Output, Told, names};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use thiserror::Error;

/// What plugins are compiled for.
pub(super) const TARGET: &str = "wasm32-wasip2";

/// Why there is no component.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("cargo cannot be started: {0}")]
    NoCargo(std::io::Error),
    #[error("the compiler has no target {TARGET}")]
    NoTarget { said: String },
    #[error("the plugin does not compile")]
    Broken { said: String },
    #[error("cargo made no component of it")]
    NoComponent,
}

impl Told for Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::NoCargo(_) => "no-cargo",
            Self::NoTarget { .. } => "no-target",
            Self::Broken { .. } => "does-not-compile",
            Self::NoComponent => "no-component",
        }
    }

    fn said(&self) -> &str {
        match self {
            Self::NoTarget { said } | Self::Broken { said } => said,
            Self::NoCargo(_) | Self::NoComponent => "",
        }
    }

    fn next(&self) -> Option<String> {
        let next = match self {
            Self::NoCargo(_) => Some("Install Rust with rustup: https://rustup.rs"),
            Self::NoTarget { .. } => {
                Some("Add it, then build again:  rustup target add wasm32-wasip2")
            }
            Self::NoComponent => Some(
                "A plugin is a library: Cargo.toml needs `crate-type = [\"cdylib\", \"rlib\"]` under `[lib]`.",
            ),
            Self::Broken { .. } => None,
        };
        next.map(str::to_owned)
    }
}

/// Compiles the plugin in `dir`; gives the component's file. `more` is passed on to cargo.
pub(super) fn build(dir: &Path, more: &[String], output: &Output) -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.args(["build", "--release", "--target", TARGET, "--lib"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    names::set(&mut command, &cargo, dir, more);
    let mut child = command
        .args(more)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Failure::NoCargo)?;
    let progress = output.progress("compiling");
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (said, component) = std::thread::scope(|scope| {
        let made = scope.spawn(|| out.and_then(|out| component(BufReader::new(out))));
        let mut said = Vec::new();
        if let Some(err) = err {
            for line in BufReader::new(err).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                progress.tell(&line);
                said.push(line);
            }
        }
        (said, made.join().ok().flatten())
    });
    drop(progress);
    let success = child.wait().is_ok_and(|status| status.success());
    if !success {
        let said = without_progress(&said);
        return Err(if lacks_target(&said) {
            Failure::NoTarget { said }
        } else {
            Failure::Broken { said }
        });
    }
    component.ok_or(Failure::NoComponent)
}

/// The component among what cargo says it made: the one of the package that was asked for is the last.
fn component(messages: impl BufRead) -> Option<PathBuf> {
    let mut found = None;
    for line in messages.split(b'\n').map_while(Result::ok) {
        let Ok(message) = serde_json::from_slice::<Value>(&line) else { continue };
        if message.get("reason").and_then(Value::as_str) != Some("compiler-artifact") {
            continue;
        }
        let files = message.get("filenames").and_then(Value::as_array).into_iter().flatten();
        let wasm = files.filter_map(Value::as_str).find(|file| file.ends_with(".wasm"));
        found = wasm.map(PathBuf::from).or(found);
    }
    found
}

/// What was said about the plugin; that its dependencies were compiled is of no interest.
fn without_progress(said: &[String]) -> String {
    let is_progress = |line: &&String| {
        [
            "Compiling ",
            "Downloading ",
            "Downloaded ",
            "Locking ",
            "Updating ",
            "Adding ",
            "Blocking ",
        ]
        .iter()
        .any(|word| line.trim_start().starts_with(word))
    };
    let kept: Vec<&str> =
        said.iter().filter(|line| !is_progress(line)).map(String::as_str).collect();
    kept.join("\n").trim_end().to_owned()
}

/// Whether the compiler complains of a target that is not installed, in rustc's words.
fn lacks_target(said: &str) -> bool {
    said.contains("target may not be installed")
        || (said.contains("can't find crate for `core`")
            || said.contains("can't find crate for `std`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_the_last_that_was_made() {
        let messages = "noise\n{\"reason\":\"compiler-artifact\",\"filenames\":[\"/t/a.rlib\"]}\n\
            {\"reason\":\"compiler-artifact\",\"filenames\":[\"/t/dep.wasm\"]}\n\
            {\"reason\":\"compiler-artifact\",\"filenames\":[\"/t/p.wasm\",\"/t/p.rlib\"]}\n\
            {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(component(messages.as_bytes()), Some(PathBuf::from("/t/p.wasm")));
        assert_eq!(component("{}".as_bytes()), None);
    }

    #[test]
    fn a_missing_target_is_told_from_a_mistake() {
        assert!(lacks_target(
            "error[E0463]: can't find crate for `core`\n  = note: the `wasm32-wasip2` target may not be installed"
        ));
        assert!(!lacks_target("error[E0433]: failed to resolve: use of undeclared crate `foo`"));
    }
}
