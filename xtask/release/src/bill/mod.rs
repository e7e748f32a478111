//! What is in the released binary: each package that is linked into it or has a part in making it, as a software bill
//! of materials and as licences.
//!
//! The mistake it stops: a bill of what could be in a binary. `cargo metadata` unites the features that anything in the
//! workspace asks for, and counts optional dependencies that nobody switched on; `cargo tree` resolves as a build does.
//! Why no tool does this: docs/decisions/0029-release.md.

pub mod licenses;
pub mod sbom;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The binary that is released.
pub const RELEASED: &str = "interlock";

/// The package that it is of.
pub const PACKAGE: &str = "interlock-cli";

/// Name and version: in one lock file with one registry, no two packages share both.
pub type Key = (String, String);

/// What a package has to do with the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its code is in the binary.
    Linked,
    /// It runs while the binary is made: build scripts, macros, and what they use.
    Builds,
}

/// One package.
#[derive(Clone, Debug)]
pub struct Package {
    /// Linked, or part of the making alone.
    pub role: Role,
    /// An SPDX expression.
    pub license: String,
    /// SHA-256 of the package's file, from the lock file; packages of this workspace have none.
    pub checksum: Option<String>,
    /// Where its sources are on this machine. Nothing that is written names it.
    pub folder: PathBuf,
    /// Who wrote it, as its manifest says; often nobody.
    pub authors: Vec<String>,
    /// What it needs, of the packages that are here.
    pub needs: BTreeSet<Key>,
}

/// All of them, for one target.
#[derive(Clone, Debug)]
pub struct Bill {
    /// By name and version.
    pub packages: BTreeMap<Key, Package>,
}

impl Bill {
    /// Reads it for one target from the manifests and the lock file. Nothing is compiled.
    ///
    /// # Errors
    /// When the lock file is stale, a package has not been downloaded, or one says no licence.
    pub fn read(root: &Path, target: &str) -> Result<Self> {
        let linked = tree(root, target, "normal,no-proc-macro")?;
        let all = tree(root, target, "normal,build")?;
        let checksums = checksums(&std::fs::read_to_string(root.join("Cargo.lock"))?)?;
        let output = cargo(root)
            .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target])
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let ids = ids(&metadata).context("cargo metadata changed shape")?;
        let mut needs = needs(&metadata, &ids).context("cargo metadata changed shape")?;
        let mut packages = BTreeMap::new();
        for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| package.get(name).and_then(Value::as_str);
            let id = text("id").context("a package without an id")?;
            let key = ids.get(id).context("a package without a name")?.clone();
            if !all.contains(&key) {
                continue;
            }
            let name = format!("{} {}", key.0, key.1);
            let manifest =
                Path::new(text("manifest_path").context("a package without a manifest")?);
            let folder = manifest.parent().context("a manifest without a folder")?.to_owned();
            let checksum = checksums.get(&key).cloned();
            ensure!(
                text("source").is_none() || checksum.is_some(),
                "`{name}` comes from elsewhere, and the lock file has no checksum for it"
            );
            let license = text("license").with_context(|| format!("`{name}` says no licence"))?;
            let role = if linked.contains(&key) { Role::Linked } else { Role::Builds };
            let authors = package.get("authors").and_then(Value::as_array).into_iter().flatten();
            let package = Package {
                role,
                // An old manner of writing `OR`, which SPDX does not have.
                license: license.replace(" / ", " OR ").replace('/', " OR "),
                checksum,
                folder,
                authors: authors.filter_map(Value::as_str).map(str::to_owned).collect(),
                needs: needs.remove(&key).unwrap_or_default().intersection(&all).cloned().collect(),
            };
            if packages.insert(key, package).is_some() {
                bail!("`{name}` is there twice, from different places");
            }
        }
        for key in &all {
            ensure!(packages.contains_key(key), "cargo metadata knows no `{} {}`", key.0, key.1);
        }
        Ok(Self { packages })
    }

    /// The names and versions of one role.
    #[must_use]
    pub fn of(&self, role: Role) -> BTreeSet<Key> {
        let of = self.packages.iter().filter(|(_, package)| package.role == role);
        of.map(|(key, _)| key.clone()).collect()
    }

    /// The package whose binary it is.
    ///
    /// # Errors
    /// When it is not there, which cannot be said of a bill that was read.
    pub fn released(&self) -> Result<(&Key, &Package)> {
        let found = self.packages.iter().find(|((name, _), _)| name == PACKAGE);
        found.with_context(|| format!("no package `{PACKAGE}`"))
    }
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

/// What cargo compiles for the released package, along these kinds of edges.
fn tree(root: &Path, target: &str, edges: &str) -> Result<BTreeSet<Key>> {
    let output = cargo(root)
        .args(["tree", "--locked", "--package", PACKAGE, "--target", target])
        .args(["--edges", edges, "--prefix", "none", "--format", "{p}"])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    text.lines().filter(|line| !line.is_empty()).map(named).collect()
}

/// `name v1.2.3 (where it is, or what it is)`.
fn named(line: &str) -> Result<Key> {
    let mut words = line.split_whitespace();
    let name = words.next();
    let version = words.next().and_then(|word| word.strip_prefix('v'));
    match (name, version) {
        (Some(name), Some(version)) => Ok((name.to_owned(), version.to_owned())),
        _ => bail!("cargo tree changed shape: `{line}`"),
    }
}

fn checksums(lock: &str) -> Result<BTreeMap<Key, String>> {
    let lock: toml::Table = lock.parse().context("Cargo.lock")?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let entry = |package: &toml::Value| {
        let text = |name: &str| package.get(name)?.as_str().map(str::to_owned);
        Some(((text("name")?, text("version")?), text("checksum")?))
    };
    Ok(packages.filter_map(entry).collect())
}

/// Cargo's package ids, as name and version.
///
/// Which of them were compiled is told by the messages of a build, by the same ids.
#[must_use]
pub fn ids(metadata: &Value) -> Option<BTreeMap<String, Key>> {
    let packages = metadata.get("packages")?.as_array()?.iter();
    let entry = |package: &Value| {
        let text = |name: &str| package.get(name)?.as_str().map(str::to_owned);
        Some((text("id")?, (text("name")?, text("version")?)))
    };
    packages.map(entry).collect()
}

/// What each package needs to be built or to run, tests apart.
fn needs(metadata: &Value, ids: &BTreeMap<String, Key>) -> Option<BTreeMap<Key, BTreeSet<Key>>> {
    let nodes = metadata.get("resolve")?.get("nodes")?.as_array()?.iter();
    let is_of_tests = |kind: &Value| kind.get("kind").and_then(Value::as_str) == Some("dev");
    let entry = |node: &Value| {
        let deps = node.get("deps")?.as_array()?.iter().filter(|dep| {
            let kinds = dep.get("dep_kinds").and_then(Value::as_array);
            !kinds.is_some_and(|kinds| kinds.iter().all(is_of_tests))
        });
        let needs = deps.map(|dep| ids.get(dep.get("pkg")?.as_str()?).cloned());
        Some((ids.get(node.get("id")?.as_str()?)?.clone(), needs.collect::<Option<_>>()?))
    };
    nodes.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_tree_and_of_a_lock_file_are_read() {
        let key = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(named("toml v1.2.1+spec-1.1.0").unwrap(), key("toml", "1.2.1+spec-1.1.0"));
        assert_eq!(named("serde_derive v1.0.229 (proc-macro)").unwrap().0, "serde_derive");
        assert!(named("[build-dependencies]").is_err());
        let lock = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"00\"\n\
            [[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
        let read = checksums(lock).unwrap();
        assert_eq!(read, BTreeMap::from([(key("a", "1.0.0"), "00".to_owned())]));
    }
}
