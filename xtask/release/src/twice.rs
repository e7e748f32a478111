//! Makes a release again, in another place, and compares every file of it.
//!
//! The mistake it stops: "reproducible" as a word. What differs between the two: the path of the sources, of the target
//! folder and of cargo's home, with dependencies unpacked anew; time zone, language and the times of all files. What does
//! not: the compiler, the C compiler and linker, and the machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::files::Written;
use super::recipe::{Place, Recipe};
use super::{compare, make, source};
use xtask::ui::{Paint, Ui};

/// Builds once more and compares with what is in `out`.
pub(crate) fn check(
    ui: &Ui,
    place: &Place,
    recipe: &Recipe,
    out: &Path,
    first: &Written,
) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("interlock-again-{}", std::process::id()));
    let again = Place {
        // Of another length, and with what must be quoted.
        tree: folder.join("a second copy of the sources"),
        target: folder.join("built"),
        cargo_home: folder.join("home"),
    };
    copy_tree(place, &again.tree)?;
    copy_home(&place.cargo_home, &again.cargo_home)?;
    let second_out = folder.join("out");
    let second = make(ui, &again, recipe, &second_out)?;
    let differing: Vec<&String> = first
        .digests
        .iter()
        .filter(|(name, digest)| second.digests.get(*name) != Some(*digest))
        .map(|(name, _)| name)
        .collect();
    if differing.is_empty() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("could not remove `{}`", folder.display()))?;
        let digest =
            first.digests.get(xtask_release::bill::RELEASED).context("no digest of the binary")?;
        let size = grouped(first.size);
        let line = format!("reproducible: the same {size} bytes, sha256 {digest}");
        ui.say(&ui.paint(Paint::Good, &line));
        ui.say("  and the same bill of materials, licences and build.json");
        return Ok(());
    }
    for name in &differing {
        ui.say(&format!("  {name} differs"));
    }
    let both =
        [out, &second_out].map(|folder| fs::read(folder.join(xtask_release::bill::RELEASED)));
    if let [Ok(one), Ok(other)] = both
        && one != other
    {
        for line in compare::differences(&one, &other)? {
            ui.say(&format!("    {line}"));
        }
    }
    bail!("not reproducible; both are kept: `{}` and `{}`", out.display(), second_out.display())
}

/// The files that git tracks, as they are in the index.
fn copy_tree(from: &Place, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("could not make `{}`", to.display()))?;
    let prefix = format!("--prefix={}/", to.display());
    let copied = source::git(&from.tree, &["checkout-index", "--all", &prefix]);
    copied.map(|_| ()).context("git cannot copy the tracked files: `--twice` needs a checkout")
}

/// A cargo home with the downloads of another and nothing else: no sources, no settings but where packages come from.
fn copy_home(from: &Path, to: &Path) -> Result<()> {
    for part in ["registry/index", "registry/cache"] {
        copy(&from.join(part), &to.join(part))?;
    }
    for settings in ["config.toml", "config"] {
        if from.join(settings).is_file() {
            fs::copy(from.join(settings), to.join(settings))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let told = |path: &Path| format!("could not copy `{}`", path.display());
    fs::create_dir_all(to).with_context(|| told(to))?;
    for entry in fs::read_dir(from).with_context(|| told(from))? {
        let entry: PathBuf = entry?.path();
        let name = entry.file_name().context("an entry without a name")?;
        if entry.is_dir() {
            copy(&entry, &to.join(name))?;
        } else {
            fs::copy(&entry, to.join(name)).with_context(|| told(&entry))?;
        }
    }
    Ok(())
}

/// `61,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_people() {
        let all = [7, 123, 1_000, 61_234_567].map(grouped);
        assert_eq!(all, ["7", "123", "1,000", "61,234,567"]);
    }
}
