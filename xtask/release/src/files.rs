//! What is in the folder of a release, and its digests.
//!
//! The mistake it stops: a folder that looks whole and is not. `SHA256SUMS` is taken away first and written last, so
//! what was interrupted does not verify.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use xtask_release::bill::sbom::{self, Binary};
use xtask_release::bill::{Bill, RELEASED, licenses};

use super::recipe::Recipe;
use super::source::said;

const SUMS: &str = "SHA256SUMS";

/// What was written.
pub(crate) struct Written {
    /// SHA-256 in hex of each file that `SHA256SUMS` lists.
    pub(crate) digests: BTreeMap<String, String>,
    /// The size of the binary.
    pub(crate) size: usize,
}

/// Writes everything.
pub(crate) fn write(
    out: &Path,
    recipe: &Recipe,
    bill: &Bill,
    license: &[u8],
    binary: &[u8],
) -> Result<Written> {
    fs::create_dir_all(out).with_context(|| format!("could not make `{}`", out.display()))?;
    match fs::remove_file(out.join(SUMS)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).context(format!("could not remove `{}`", out.join(SUMS).display()));
        }
        _ => {}
    }
    let about = Binary {
        sha256: hex(binary),
        target: recipe.compiler.host.clone(),
        rust: recipe.compiler.release.clone(),
        time: recipe.source.time()?,
    };
    let (released, _) = bill.released()?;
    let bill_of_materials = pretty(&sbom::document(bill, &about)?)?;
    let how = pretty(&how(recipe, &released.1, binary, &about.time))?;
    let licenses = licenses::document(bill)?;
    let files: [(&str, &[u8]); 5] = [
        (RELEASED, binary),
        ("interlock.cdx.json", bill_of_materials.as_bytes()),
        ("LICENSE", license),
        ("THIRD-PARTY-LICENSES.txt", licenses.as_bytes()),
        ("build.json", how.as_bytes()),
    ];
    let mut digests = BTreeMap::new();
    for (name, bytes) in files {
        put(out, name, bytes)?;
        digests.insert(name.to_owned(), hex(bytes));
    }
    fs::set_permissions(out.join(RELEASED), fs::Permissions::from_mode(0o755))?;
    let sums: Vec<String> =
        digests.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    put(out, SUMS, sums.concat().as_bytes())?;
    Ok(Written { digests, size: binary.len() })
}

/// How it was made: what somebody needs who wants to make it again.
fn how(recipe: &Recipe, version: &str, binary: &[u8], time: &str) -> Value {
    let first = |program: &str| {
        let said = said(Command::new(program).arg("--version"));
        said.map(|said| said.lines().next().unwrap_or_default().to_owned())
    };
    json!({
        "interlock": version,
        "commit": recipe.source.commit,
        "changed": recipe.source.changed,
        "source-date-epoch": recipe.source.epoch,
        "time": time,
        "profile": recipe.profile,
        "target": recipe.compiler.host,
        "rustc": recipe.compiler.line,
        "cargo-auditable": recipe.auditable,
        "cc": first("cc"),
        "ld": first("ld"),
        "glibc-at-least": glibc(binary),
        "size": binary.len(),
    })
}

/// The newest version of glibc that a symbol of the binary asks for: on an older one it does not start.
fn glibc(binary: &[u8]) -> Option<String> {
    let mark = b"GLIBC_2.";
    let minor = memchr::memmem::find_iter(binary, mark).filter_map(|at| {
        let digits = binary.get(at + mark.len()..)?.iter().take_while(|byte| byte.is_ascii_digit());
        digits.map(|digit| char::from(*digit)).collect::<String>().parse::<u32>().ok()
    });
    Some(format!("2.{}", minor.max()?))
}

fn put(out: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = out.join(name);
    // A new file, not new bytes in one that may be running, or be a link to somewhere.
    let beside = out.join(format!("{name}.partial-{}", std::process::id()));
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, &path))
        .with_context(|| format!("could not write `{}`", path.display()))
}

fn pretty(value: &Value) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// SHA-256, in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_glibc_that_is_asked_for_is_told() {
        assert_eq!(glibc(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0").as_deref(), Some("2.34"));
        assert_eq!(glibc(b"GLIBC_PRIVATE"), None);
    }

    #[test]
    fn a_digest_is_what_sha256sum_prints() {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(b"abc"), digest);
    }
}
