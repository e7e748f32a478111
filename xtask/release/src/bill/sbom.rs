//! The bill as CycloneDX 1.6 in JSON (<https://cyclonedx.org/docs/1.6/json/>).
//!
//! The mistake it stops: a bill that differs each time it is made, or that names the machine it was made on. It is a
//! function of the lock file, the manifests, the binary and the moment that is given: two builds of one commit give the
//! same bytes.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Bill, Key, PACKAGE, Package, RELEASED, Role};

/// C that a package brings along and compiles into the binary: its advisories are not those of the package.
struct Inside {
    package: &'static str,
    name: &'static str,
    /// The header that says its version, from the package's folder.
    header: &'static str,
    version: fn(&str) -> Option<String>,
    license: &'static str,
    /// Vendor and product, where the advisories' dictionary of products has it.
    cpe: Option<&'static str>,
}

const INSIDE: [Inside; 2] = [
    Inside {
        package: "libsqlite3-sys",
        name: "sqlite",
        header: "sqlite3/sqlite3.h",
        version: sqlite_version,
        license: "blessing",
        cpe: Some("sqlite:sqlite"),
    },
    Inside {
        package: "libmimalloc-sys",
        name: "mimalloc",
        header: "c_src/mimalloc/v3/include/mimalloc.h",
        version: mimalloc_version,
        license: "MIT",
        cpe: None,
    },
];

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
/// When the version of the C that a package compiles in cannot be read.
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
        if let Some(inside) = INSIDE.iter().find(|inside| inside.package == key.0) {
            let (own, reference) = inside.component(&package.folder)?;
            components.push(own);
            needs.insert(reference);
        }
        if key.0 == PACKAGE {
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

impl Inside {
    fn component(&self, folder: &Path) -> Result<(Value, String)> {
        let header = folder.join(self.header);
        let text = std::fs::read_to_string(&header)
            .with_context(|| format!("could not read `{}`", header.display()))?;
        let version = (self.version)(&text);
        let version = version.with_context(|| format!("{} says no version", self.header))?;
        let reference = format!("{}@{version}", self.name);
        let mut component = json!({
            "type": "library",
            "bom-ref": reference,
            "name": self.name,
            "version": version,
            "scope": "required",
            "description": format!("compiled in by {}", self.package),
            "purl": format!("pkg:generic/{}@{version}", self.name),
            "licenses": [{"license": {"id": self.license}}],
        });
        if let (Some(cpe), Some(fields)) = (self.cpe, component.as_object_mut()) {
            let name = format!("cpe:2.3:a:{cpe}:{version}:*:*:*:*:*:*:*");
            fields.insert("cpe".to_owned(), Value::from(name));
        }
        Ok((component, reference))
    }
}

fn sqlite_version(header: &str) -> Option<String> {
    let line = header.lines().find_map(|line| line.strip_prefix("#define SQLITE_VERSION "))?;
    Some(line.trim().strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// Major, then two digits each for minor and patch.
fn mimalloc_version(header: &str) -> Option<String> {
    let line = header.lines().find_map(|line| line.strip_prefix("#define MI_MALLOC_VERSION "))?;
    let number: u32 = line.split_whitespace().next()?.parse().ok()?;
    Some(format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100))
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
    fn versions_are_read_from_headers() {
        let header = "/* SQLITE_VERSION */\n#define SQLITE_VERSION        \"3.54.1\"\n#define SQLITE_VERSION_NUMBER 3054001\n";
        assert_eq!(sqlite_version(header).as_deref(), Some("3.54.1"));
        assert_eq!(sqlite_version("#define SQLITE_VERSION_NUMBER 3"), None);
        let header = "#pragma once\n#define MI_MALLOC_VERSION 30302   // major\n";
        assert_eq!(mimalloc_version(header).as_deref(), Some("3.3.2"));
        assert_eq!(mimalloc_version("#if MI_MALLOC_VERSION >= 182"), None);
    }
}
