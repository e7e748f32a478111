//! `cargo xtask release`: the binary as it is given to others, with what they need to judge it: digests, licences, a bill
//! of materials, and how it was made. `--twice` makes all of it again somewhere else and compares.
//!
//! The mistakes it stops: a release that only one machine can make, a bill of materials that nobody compared with the
//! binary, and a folder of somebody's home in what strangers download.

#![forbid(unsafe_code)]

mod compare;
mod embedded;
mod files;
mod leaks;
mod recipe;
mod source;
mod twice;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use xtask::command::cargo;
use xtask::ui::{Paint, Ui};
use xtask::{Usage, paths};
use xtask_release::bill::{Bill, Role, licenses};

use recipe::{Compiler, Place, Recipe};
use source::Source;

/// What was asked for.
struct Options {
    out: Option<PathBuf>,
    twice: bool,
    profile: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ui = Ui::from_environment();
    match command(&ui, &words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui.complain(&format!("{error:#}"));
            if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// `cargo xtask release [--out DIR] [--twice] [--profile NAME]`.
fn command(ui: &Ui, arguments: &[&str]) -> Result<()> {
    let options = options(arguments)?;
    let root = paths::root()?;
    let auditable = auditable(&root)?;
    let source = Source::of(&root)?;
    let is_release = options.profile == recipe::RELEASE;
    if is_release && source.changed {
        bail!("files are changed and not committed, and a release is of a commit: `git status`");
    }
    let place = Place::of(&root, root.join("target/dist-build"))?;
    let compiler = Compiler::read(&root)?;
    let recipe = Recipe { profile: options.profile, compiler, source, auditable };
    let out = options.out.unwrap_or_else(|| root.join("target/dist"));

    ui.heading("release · built from the lock file, with its list of dependencies in it");
    let made = make(ui, &place, &recipe, &out)?;
    let shown = out.strip_prefix(&root).unwrap_or(&out);
    ui.say(&format!("  in {}:", shown.display()));
    for (name, digest) in &made.digests {
        ui.say(&format!("  {digest}  {name}"));
    }
    if !is_release {
        ui.say(&ui.paint(Paint::Strong, "  another profile than `release`: this is no release"));
    }
    if options.twice {
        ui.heading("again · a copy at another path, with another cargo home and target folder");
        twice::check(ui, &place, &recipe, &out, &made)?;
    } else {
        ui.say("  not built twice: whether it can be made again was not checked (`--twice` does)");
    }
    Ok(())
}

/// Builds in one place, checks what was built, and writes everything into `out`.
fn make(ui: &Ui, place: &Place, recipe: &Recipe, out: &Path) -> Result<files::Written> {
    // Before a build of minutes.
    let license = licenses::own(&place.tree)?;
    let built = recipe::build(ui, place, recipe)?;
    let bytes = std::fs::read(&built.binary)
        .with_context(|| format!("could not read `{}`", built.binary.display()))?;
    leaks::check(&bytes, &place.hidden(&recipe.compiler))?;
    ui.say("  the binary names no folder of this machine");

    let bill = Bill::read(&place.tree, &recipe.compiler.host)?;
    let (linked, builds) = (bill.of(Role::Linked), bill.of(Role::Builds));
    // Another account of the same thing: what cargo said it compiled for the target, and for the build itself.
    recipe::same("linked", &linked, &built.linked)?;
    recipe::same("part of the build", &builds, &built.builds)?;
    ui.say(&format!(
        "  bill of materials: {} packages linked, {} more that make it; just these were compiled",
        linked.len(),
        builds.len()
    ));
    let list = embedded::read(&bytes)?;
    ui.say(&format!("  embedded list: {}", embedded::check(&list, &bill)?));
    files::write(out, recipe, &bill, &license, &bytes)
}

fn options(arguments: &[&str]) -> Result<Options> {
    let mut options = Options { out: None, twice: false, profile: recipe::RELEASE.to_owned() };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next().copied();
            value.ok_or_else(|| Usage(format!("`{word}` of release needs a value")))
        };
        match *word {
            "--twice" => options.twice = true,
            "--out" => options.out = Some(std::path::absolute(value()?)?),
            "--profile" => options.profile = value()?.to_owned(),
            unknown => return Err(Usage(format!("`{unknown}` is not an option of release")).into()),
        }
    }
    Ok(options)
}

/// The version of cargo-auditable. Without it there is no release: it is what puts the list into the binary.
fn auditable(root: &Path) -> Result<String> {
    let ran = cargo(root).args(["auditable", "--version"]).output();
    let said = ran.ok().filter(|ran| ran.status.success());
    let said = said.map(|ran| String::from_utf8_lossy(&ran.stdout).trim().to_owned());
    said.context("cargo-auditable is not installed: `cargo install --locked cargo-auditable`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_wrong_ones_are_usage() {
        let all = options(&["--twice", "--out", "/o", "--profile", "dev"]).unwrap();
        assert!(all.twice && all.out == Some("/o".into()) && all.profile == "dev");
        let none = options(&[]).unwrap();
        assert!(!none.twice && none.out.is_none() && none.profile == "release");
        for wrong in [&["--thrice"][..], &["--out"], &["--twice", "dir"]] {
            assert!(options(wrong).err().unwrap().is::<Usage>(), "{wrong:?}");
        }
    }
}
