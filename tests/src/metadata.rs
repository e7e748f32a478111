//! Cargo's own account of the workspace, as far as tests need it.
//!
//! Read from JSON here and not through a crate: the one there is switches on features of serde that the
//! product does not use, and everything that uses serde, wasmtime included, would be compiled twice.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::repository::root;

/// The packages of the lock file that this platform needs.
#[derive(Debug)]
pub struct Metadata {
    /// By Cargo's package id.
    pub packages: BTreeMap<String, Package>,
}

/// One package.
#[derive(Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, an SPDX expression.
    pub license: Option<String>,
    /// Whether it belongs to this workspace.
    pub member: bool,
    /// What its manifest asks for.
    pub dependencies: Vec<Dependency>,
    /// Kind (`lib`, `bin`, `test`, …) and root file of each target.
    pub targets: Vec<(String, PathBuf)>,
    /// Ids of the packages that are compiled into it; without development and build dependencies.
    pub compiled_in: Vec<String>,
}

/// A line of a manifest.
#[derive(Debug)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// Whether only tests use it.
    pub development: bool,
    /// Whether it is compiled in, and always: no feature, no build script and no test has to ask for it.
    pub always: bool,
}

impl Metadata {
    /// Reads it from the lock file.
    ///
    /// # Errors
    /// When the lock file is stale, or a crate has not been downloaded.
    pub fn read() -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Without a platform cargo wants the sources of Windows-only crates too, and they are not here.
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let output = Command::new(cargo)
            .current_dir(root())
            .args(["metadata", "--format-version", "1", "--locked"])
            .args(["--filter-platform", &platform])
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let value = serde_json::from_slice(&output.stdout)?;
        packages(&value).map(|packages| Self { packages }).context("cargo metadata changed shape")
    }

    /// The packages of this workspace.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().filter(|package| package.member)
    }
}

fn packages(metadata: &Value) -> Option<BTreeMap<String, Package>> {
    let members = metadata.get("workspace_members")?.as_array()?;
    let nodes = metadata.get("resolve")?.get("nodes")?.as_array()?;
    let compiled_in: BTreeMap<&str, Vec<String>> = nodes
        .iter()
        .map(|node| Some((node.get("id")?.as_str()?, normal(node.get("deps")?)?)))
        .collect::<Option<_>>()?;
    metadata
        .get("packages")?
        .as_array()?
        .iter()
        .map(|package| {
            let id = package.get("id")?.as_str()?;
            let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
            let read = Package {
                name: text("name")?,
                version: text("version")?,
                license: text("license"),
                member: members.iter().any(|member| member.as_str() == Some(id)),
                dependencies: each(package.get("dependencies")?, dependency)?,
                targets: each(package.get("targets")?, target)?,
                compiled_in: compiled_in.get(id).cloned().unwrap_or_default(),
            };
            Some((id.to_owned(), read))
        })
        .collect()
}

/// A dependency of kind `null` is a normal one.
fn normal(deps: &Value) -> Option<Vec<String>> {
    let is_normal = |dep: &Value| {
        let kinds = dep.get("dep_kinds").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.get("kind") == Some(&Value::Null)))
    };
    let normal = deps.as_array()?.iter().filter(|dep| is_normal(dep));
    normal.map(|dep| Some(dep.get("pkg")?.as_str()?.to_owned())).collect()
}

fn dependency(value: &Value) -> Option<Dependency> {
    let kind = value.get("kind").and_then(Value::as_str);
    let optional = value.get("optional").and_then(Value::as_bool) == Some(true);
    Some(Dependency {
        name: value.get("name")?.as_str()?.to_owned(),
        development: kind == Some("dev"),
        always: kind.is_none() && !optional,
    })
}

fn target(value: &Value) -> Option<(String, PathBuf)> {
    let kind = value.get("kind")?.as_array()?.first()?.as_str()?;
    Some((kind.to_owned(), PathBuf::from(value.get("src_path")?.as_str()?)))
}

fn each<T>(list: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    list.as_array()?.iter().map(read).collect()
}
