//! The bill as CycloneDX 1.6 in JSON (<https://cyclonedx.org/docs/1.6/json/>).
//!
//! The mistake it stops: a bill that differs each time it is made, or that names the machine it was made on. It is a
//! function of the lock file, the manifests, the binary and the moment that is given: two builds of one commit give the
//! same bytes.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Bill, Key, Package, RELEASED, Role};

/// The package that compiles SQLite's own C sources into the binary.
const SQLITE: &str = "libsqlite3-sys";

/// What the bill says of the binary itself.
#[derive(Clone, Debug)]
pub struct Binary {
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// What it was built for.
    pub target: String,
    /// The compiler's version, `1.95.0`: its standard library is in the binary.
    pub rust: String,
    /// When, as RFC 3339 in UTC: of the commit, not of the build.
    pub time: String,
}

/// The document.
///
/// # Errors
/// When the version of the SQLite that is compiled in cannot be read.
pub fn document(bill: &Bill, binary: &Binary) -> Result<Value> {
    let (key, released) = bill.released()?;
    let mut root = json!({
        "type": "application",
        "bom-ref": reference(key),
        "name": RELEASED,
        "version": key.1,
        "purl": purl(key, released),
        "licenses": [{"expression": released.license}],
        "hashes": [{"alg": "SHA-256", "content": binary.sha256}],
    });
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for (key, package) in &bill.packages {
        let mut needs: BTreeSet<String> = package.needs.iter().map(reference).collect();
        if key.0 == SQLITE {
            let (own, reference) = sqlite(&package.folder)?;
            components.push(own);
            needs.insert(reference);
        }
        if key.0 == RELEASED {
            needs.insert(format!("rust-std@{}", binary.rust));
        } else {
            components.push(component(key, package));
        }
        dependencies.push(json!({"ref": reference(key), "dependsOn": needs}));
    }
    components.push(json!({
        "type": "library",
        "bom-ref": format!("rust-std@{}", binary.rust),
        "name": "rust-std",
        "version": binary.rust,
        "scope": "required",
        "description": "Rust's standard library, as the compiler brings it",
        "purl": format!("pkg:generic/rust-std@{}", binary.rust),
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }));
    if let Some(root) = root.as_object_mut() {
        root.insert(
            "properties".to_owned(),
            json!([{"name": "interlock:target", "value": binary.target}]),
        );
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(&binary.sha256).context("a digest is hex")?,
        "version": 1,
        "metadata": {
            "timestamp": binary.time,
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "cargo xtask release", "version": key.1}]},
            "component": root,
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

fn component(key: &Key, package: &Package) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(key),
        "name": key.0,
        "version": key.1,
        // In CycloneDX's words: `excluded` is not reachable when the program runs.
        "scope": match package.role { Role::Linked => "required", Role::Builds => "excluded" },
        "purl": purl(key, package),
        "licenses": [{"expression": package.license}],
    });
    if let (Some(checksum), Some(component)) = (&package.checksum, component.as_object_mut()) {
        component.insert("hashes".to_owned(), json!([{"alg": "SHA-256", "content": checksum}]));
    }
    component
}

fn reference((name, version): &Key) -> String {
    format!("{name}@{version}")
}

/// A package URL. What is in this workspace is in no registry, where somebody else may have its name.
fn purl((name, version): &Key, package: &Package) -> String {
    let kind = if package.checksum.is_some() { "cargo" } else { "generic" };
    format!("pkg:{kind}/{name}@{}", version.replace('+', "%2B"))
}

/// SQLite itself is C that its package brings along: its advisories are not those of the package.
fn sqlite(folder: &Path) -> Result<(Value, String)> {
    let header = folder.join("sqlite3").join("sqlite3.h");
    let text = std::fs::read_to_string(&header)
        .with_context(|| format!("could not read `{}`", header.display()))?;
    let version = sqlite_version(&text).context("sqlite3.h says no version")?;
    let reference = format!("sqlite@{version}");
    let component = json!({
        "type": "library",
        "bom-ref": reference,
        "name": "sqlite",
        "version": version,
        "scope": "required",
        "description": format!("compiled in by {SQLITE}"),
        "purl": format!("pkg:generic/sqlite@{version}"),
        "cpe": format!("cpe:2.3:a:sqlite:sqlite:{version}:*:*:*:*:*:*:*"),
        "licenses": [{"license": {"id": "blessing"}}],
    });
    Ok((component, reference))
}

fn sqlite_version(header: &str) -> Option<&str> {
    let line = header.lines().find_map(|line| line.strip_prefix("#define SQLITE_VERSION "))?;
    line.trim().strip_prefix('"')?.strip_suffix('"')
}

/// A UUID of the kind that is for whatever one likes (RFC 9562, version 8), made of the binary's digest.
fn serial(sha256: &str) -> Option<String> {
    Some(format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        sha256.get(..8)?,
        sha256.get(8..12)?,
        sha256.get(13..16)?,
        sha256.get(17..20)?,
        sha256.get(20..32)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_a_uuid_of_the_digest() {
        let digest = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        let serial = serial(digest).unwrap();
        assert_eq!(serial, "urn:uuid:00112233-4455-8677-8899-aabbccddeeff");
        assert!(super::serial("short").is_none());
    }

    #[test]
    fn the_version_of_sqlite_is_read_from_its_header() {
        let header = "/* SQLITE_VERSION */\n#define SQLITE_VERSION        \"3.54.1\"\n#define SQLITE_VERSION_NUMBER 3054001\n";
        assert_eq!(sqlite_version(header), Some("3.54.1"));
        assert_eq!(sqlite_version("#define SQLITE_VERSION_NUMBER 3"), None);
    }
}
