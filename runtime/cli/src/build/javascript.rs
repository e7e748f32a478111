//! Plugins in JavaScript: componentize-qjs runs the modules once, and what is in memory then is the component. What it
//! says of a mistake names its own doings and the folder of copies; the developer is shown their part, in their files.

use super::{
    super::output::Output,
    Told,
    modules::{self, ENTRY, NO_TOOLS, SDK, SOURCES},
    world::{self, WIT, Wrong},
};
use std::{
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process::{Command, Output as Ran, Stdio},
};
use thiserror::Error;

/// The module that a plugin is.
const MODULE: &str = "plugin.js";
const TOOL: &str = "componentize-qjs";
/// The version that this is tried with.
const TRIED: &str = "componentize-qjs@0.4.5";
/// Of what it said, the last lines.
const MAX_LINES: usize = 24;
/// How it says that a module is not there.
const UNRESOLVED: &str = "Error resolving module '";

/// Why there is no component.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("{TOOL}, which makes components of JavaScript, is not installed")]
    NoTool,
    #[error("Node, which runs {TOOL}, is not installed")]
    NoNode,
    #[error("{TOOL} cannot be started: {0}")]
    NotStarted(io::Error),
    #[error("there is no {SDK} in the plugin's node_modules")]
    NoSdk,
    #[error("{SDK} in the plugin's node_modules is a link to {}, where nothing is", .0.display())]
    LostSdk(PathBuf),
    #[error("the plugin's modules cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error(transparent)]
    World(#[from] Wrong),
    #[error("the plugin does not build")]
    Broken { said: String },
    #[error("{NO_TOOLS} that `plugin(…)` made")]
    NoTools,
    #[error("{TOOL} made no component of it")]
    NoComponent,
}

impl Told for Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::NoTool => "no-componentize-qjs",
            Self::NoNode => "no-node",
            Self::NotStarted(_) => "componentize-qjs",
            Self::NoSdk | Self::LostSdk(_) => "no-sdk",
            Self::Unreadable(_) => "modules-unreadable",
            Self::World(wrong) => wrong.code(),
            Self::Broken { .. } => "does-not-build",
            Self::NoTools => "no-tools",
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
            Self::NoTool => Some(with_npm(format!(
                "Install it, then build again:  npm install --save-dev {TRIED}"
            ))),
            Self::NoNode => Some("Install Node 20.6 or later: https://nodejs.org".to_owned()),
            Self::NoSdk => Some(with_npm(
                "Install what package.json names, then build again:  npm install".to_owned(),
            )),
            Self::LostSdk(_) => Some(with_npm(format!(
                "Name its folder, `guest-sdk/js` in a checkout of Interlock, in package.json under {SDK}, then:  npm install"
            ))),
            Self::NoTools => Some(
                "Say which tools the plugin has, at its end:  export const tools = plugin(look);"
                    .to_owned(),
            ),
            Self::World(wrong) => wrong.next(),
            Self::Broken { said } => for_a_module(said),
            _ => None,
        }
    }
}

/// Whether the plugin in a folder is one in JavaScript.
pub(super) fn is_in(dir: &Path) -> bool {
    [MODULE, "package.json", "wit/world.wit"].iter().all(|file| dir.join(file).is_file())
}

/// Makes a component of the plugin in `dir`: `build/WORLD.wasm`. `more` is passed on to componentize-qjs.
pub(super) fn build(dir: &Path, more: &[String], output: &Output) -> Result<PathBuf, Failure> {
    let world = world::prepare(dir)?;
    let (world, has_tools) = (world.name, world.has_tools);
    let built = world::built(dir, &world)?;
    if !modules::has_sdk(dir) {
        return Err(modules::lost_sdk(dir).map_or(Failure::NoSdk, Failure::LostSdk));
    }
    modules::stage(dir, has_tools)?;
    let mut words: Vec<OsString> =
        ["--sync", "--wit", WIT, "--world", &world].map(Into::into).into();
    words.extend(["--module-root", SOURCES, "--js"].map(Into::into));
    words.push(ENTRY.into());
    words.extend(["--output".into(), Path::new("build").join(format!("{world}.wasm")).into()]);
    words.extend(more.iter().map(Into::into));
    let progress = output.progress(format!("making a component of {world}"));
    let ran = run(dir, &words);
    drop(progress);
    let ran = ran?;
    let said = String::from_utf8_lossy(&ran.stderr);
    match ran.status.code() {
        Some(0) if built.is_file() => Ok(built),
        Some(0) => Err(Failure::NoComponent),
        // The tool is a script of Node's, and this is how `env` says that there is none.
        Some(127) => Err(Failure::NoNode),
        _ if said.contains(NO_TOOLS) => Err(Failure::NoTools),
        _ => Err(Failure::Broken { said: theirs(&said) }),
    }
}

/// What npm would do, and where it is to be had for whoever has none.
fn with_npm(next: String) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join("npm").is_file()) {
        next
    } else {
        format!("{next}\n  npm comes with Node, 20.6 or later: https://nodejs.org")
    }
}

/// Runs componentize-qjs: the plugin's own, or the one in `PATH`.
fn run(dir: &Path, words: &[OsString]) -> Result<Ran, Failure> {
    let own = dir.join("node_modules/.bin").join(TOOL);
    let program = if own.exists() { own.canonicalize()? } else { TOOL.into() };
    let mut command = Command::new(program);
    command.args(words).current_dir(dir).stdin(Stdio::null());
    command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::NoTool,
        _ => Failure::NotStarted(error),
    })
}

/// The plugin's part of an error: without what the tool was doing, and with files as the developer has them.
fn theirs(said: &str) -> String {
    let inner = match said.split_once("user JavaScript module: ") {
        Some((_, inner)) => inner.split_once(": ").map_or(inner, |(_, inner)| inner),
        None => said,
    };
    let lines: Vec<String> = inner.trim().lines().map(outside).collect();
    let kept = lines.len().saturating_sub(MAX_LINES);
    lines.get(kept..).unwrap_or_default().join("\n")
}

/// A line with files as they are called in the plugin's folder, and not from the root that the modules had.
fn outside(line: &str) -> String {
    // Twice the same, and the second time with the folder of copies.
    let line = line.split(": filesystem module not found").next().unwrap_or(line);
    line.replace("(/", "(").replace("at /", "at ").replace("from '/", "from '")
}

/// What helps where a module was not found.
fn for_a_module(said: &str) -> Option<String> {
    let (_, name) = said.split_once(UNRESOLVED)?;
    let (name, _) = name.split_once('\'')?;
    if name.starts_with('.') || name.starts_with('/') {
        None
    } else if name.contains(':') {
        Some(format!("What a plugin asks for stands in wit/world.wit:  import {name};"))
    } else {
        Some(format!(
            "Of node_modules, only {SDK} becomes part of a component; put what `{name}` does into a module of the plugin."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str =
        "Error: : Failed to evaluate user JavaScript module: Failed to declare JavaScript module: ";

    #[test]
    fn of_an_error_the_plugins_part_is_shown() {
        let said = "Error: : Failed to evaluate user JavaScript module: Failed to finish JavaScript module evaluation: \
            Error: nope is not defined\n    at <anonymous> (/plugin.js:1:22)\n\n";
        let shown = "Error: nope is not defined\n    at <anonymous> (plugin.js:1:22)";
        assert_eq!(theirs(said), shown);
        let said =
            format!("{BEFORE}Error: unexpected token in expression: ';'\n    at /plugin.js:1:23\n");
        let shown = "Error: unexpected token in expression: ';'\n    at plugin.js:1:23";
        assert_eq!(theirs(&said), shown);
        assert_eq!(theirs("killed\n"), "killed");
        assert_eq!(theirs(&"a line\n".repeat(100)).lines().count(), MAX_LINES);
    }

    #[test]
    fn of_a_module_that_is_not_there_it_is_said_where_it_would_be() {
        for (name, helps) in [
            (
                "interlock:environment/teardown@0.1.0",
                Some("import interlock:environment/teardown@0.1.0;"),
            ),
            ("left-pad", Some("`left-pad`")),
            ("./words.js", None),
        ] {
            let said = theirs(&format!(
                "{BEFORE}{UNRESOLVED}{name}' from '/lib/a.js': filesystem module not found: failed to resolve \
                 JavaScript import \"{name}\" from /p/build/src/lib/a.js\n"
            ));
            assert_eq!(said, format!("{UNRESOLVED}{name}' from 'lib/a.js'"));
            let next = Failure::Broken { said }.next();
            assert_eq!(next.is_some(), helps.is_some(), "{next:?}");
            assert!(helps.is_none_or(|helps| next.unwrap().contains(helps)));
        }
    }
}
