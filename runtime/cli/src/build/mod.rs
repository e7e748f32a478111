//! `interlock build`: compiles the plugin in a folder to a component and says what it can do. The sheet at the end
//! is read off the component's own imports: what the developer sees is what the operator will.

mod cargo; // Rust
mod javascript; // componentize-qjs
mod modules; // its input
mod names; // instead of folders of this machine
mod python; // componentize-py
mod world; // the WIT of plugins that have no generated bindings

use super::{
    Ending,
    arguments::BuildArguments,
    output::{BOLD, GREEN, Output, RED, plain_lines, size, styled},
    plugin::sheet_of,
    problem::Problem,
    sheet::Sheet,
    shell,
};
use serde_json::json;
use std::path::Path;

/// How a compiler's last words are shown.
const INDENT: &str = "  | ";

/// A build that made nothing, as it is told.
trait Told: std::error::Error {
    /// The stable word for it.
    fn code(&self) -> &'static str;
    /// What the compiler said.
    fn said(&self) -> &str;
    /// What would help, where the compiler does not say it.
    fn next(&self) -> Option<String>;
}

pub(super) async fn run(
    arguments: &BuildArguments,
    config: &Path,
    named: bool,
    output: &Output,
) -> Ending {
    let dir = &arguments.dir;
    let built = if dir.join("Cargo.toml").is_file() {
        cargo::build(dir, &arguments.more, output).map_err(|failure| failed(&failure))?
    } else if python::is_in(dir) {
        python::build(dir, &arguments.more, output).map_err(|failure| failed(&failure))?
    } else if javascript::is_in(dir) {
        javascript::build(dir, &arguments.more, output).map_err(|failure| failed(&failure))?
    } else {
        return Err(Problem::usage(format!(
            "{} is no plugin's folder: there is no Cargo.toml in it, and no plugin.py, or plugin.js and package.json, \
             with a wit/world.wit",
            dir.display()
        ))
        .more("  `interlock new NAME` makes one."));
    };
    let bytes = std::fs::metadata(&built).map_or(0, |metadata| metadata.len());
    let sheet = sheet_of(&built, config, named, output).await?;
    let status = if sheet.is_served() { "built" } else { "not-served" };
    let told = json!({"status": status, "file": built, "bytes": bytes, "sheet": sheet});
    output.result(&told, || {
        let head = format!("{} {}  {}", styled(GREEN, "built"), built.display(), size(bytes));
        format!("{head}\n\n{}\n{}", sheet.text(), next(&built, &sheet))
    });
    Ok(if sheet.is_served() { 0 } else { 2 })
}

/// What to do with it.
fn next(built: &Path, sheet: &Sheet) -> String {
    if !sheet.is_served() {
        return styled(
            RED,
            "It cannot be installed here: nothing serves the imports marked above. Name the catalogue that has them \
             under `catalogues` of the configuration, or build against the WIT that the host has.",
        );
    }
    let mut command =
        format!("interlock plugin install {} --name {}", shell::path(built), sheet.name());
    for interface in sheet.asks_for() {
        command.push_str(&format!(" \\\n    --grant '{interface}=RESOURCE'"));
    }
    format!("Next, in a deployment:\n  {}", styled(BOLD, command))
}

/// What did not compile, with what the compiler said and what would help.
fn failed(failure: &impl Told) -> Problem {
    let problem = Problem::new(2, failure.code(), failure.to_string());
    let mut more = String::new();
    for line in plain_lines(failure.said()).lines() {
        more.push_str(&format!("{INDENT}{line}\n"));
    }
    if let Some(next) = failure.next() {
        if !more.is_empty() {
            more.push('\n');
        }
        more.push_str(&format!("  {next}"));
    }
    problem.more(more)
}
