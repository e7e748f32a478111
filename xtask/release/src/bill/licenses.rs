//! The licences of what is linked into the binary, with the texts and notices that its packages bring.
//!
//! The mistake it stops: a binary given away without the notices that nearly all of its licences ask for.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Bill, RELEASED, Role};

/// How the files begin that hold licences and notices, in capitals.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// How the line begins that says whose the next text is.
pub const MARK: &str = "=====[ ";

/// Our own licence, at the root of the tree.
///
/// # Errors
/// When it is not there.
pub fn own(tree: &Path) -> Result<Vec<u8>> {
    let file = tree.join("LICENSE");
    std::fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))
}

/// The whole file: who is in the binary under which licence, then each text once.
///
/// # Errors
/// When a file of a package cannot be read.
pub fn document(bill: &Bill) -> Result<String> {
    let mut list = String::new();
    let mut texts = BTreeMap::<String, Vec<String>>::new();
    let mut without = Vec::new();
    for ((name, version), package) in &bill.packages {
        // What is ours is under LICENSE, beside this file.
        if package.role != Role::Linked || package.checksum.is_none() {
            continue;
        }
        writeln!(list, "{name} {version}: {}", package.license)?;
        let files = files(&package.folder)?;
        if files.is_empty() {
            let authors = match package.authors.as_slice() {
                [] => String::new(),
                authors => format!(", by {}", authors.join(", ")),
            };
            without.push(format!("{name} {version}{authors}: {}", package.license));
        }
        for file in files {
            let bytes = std::fs::read(&file)
                .with_context(|| format!("could not read `{}`", file.display()))?;
            let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            let of = texts.entry(text.trim_matches('\n').to_owned()).or_default();
            let whose = format!("{name} {version}");
            if !of.contains(&whose) {
                of.push(whose);
            }
        }
    }
    let mut all = format!(
        "What is linked into the binary `{RELEASED}` and is not its own, with licences as the packages name them; then \
         each text that they bring, once.\nRust's standard library (MIT OR Apache-2.0) and SQLite (public domain) are in it \
         too. The text of Apache-2.0 is in LICENSE.\n\n{list}"
    );
    if !without.is_empty() {
        write!(all, "\nThese bring no text of their own:\n\n{}\n", without.join("\n"))?;
    }
    // In the order of the packages, and not of the texts.
    let mut texts: Vec<(String, Vec<String>)> = texts.into_iter().collect();
    texts.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    for (text, whose) in texts {
        write!(all, "\n{MARK}{} ]=====\n\n{text}\n", whose.join(", "))?;
    }
    Ok(all)
}

/// The files of a package that hold licences and notices, and those in folders that are called so.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        // `license.rs` is a source and not a licence.
        if !NAMES.iter().any(|known| name.starts_with(known)) || name.ends_with(".RS") {
            continue;
        }
        if path.is_dir() {
            found.extend(entries(&path)?.into_iter().filter(|path| path.is_file()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("could not read `{}`", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}
