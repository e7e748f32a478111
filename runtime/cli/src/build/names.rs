//! Names for the folders of this machine that rustc writes into a component, in messages of panics: cargo's home, with it
//! mostly the developer's, and the SDK's folder.
//!
//! The mistake it stops: a plugin that tells strangers who built it and where, and whose digest, by which everybody pins
//! it, is another one on each machine.

use super::cargo::TARGET;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// What is passed on to cargo and changes which packages there are, or whether the network is asked.
const ALIKE: [&str; 4] = ["--offline", "--locked", "--frozen", "--all-features"];

/// Has cargo's rustc write names instead of folders, beside the flags that it is given anyway.
pub(super) fn set(command: &mut Command, cargo: &OsStr, dir: &Path, more: &[String]) {
    let flags: Vec<String> = folders(cargo, dir, more)
        .into_iter()
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
        .collect();
    let variable = |name: &str| std::env::var(name).ok().filter(|flags| !flags.is_empty());
    // Cargo takes flags from one place alone, the first of: this variable, the next, its settings.
    let given = variable("CARGO_ENCODED_RUSTFLAGS").or_else(|| {
        Some(variable("RUSTFLAGS")?.split_whitespace().collect::<Vec<_>>().join(SEPARATOR))
    });
    match given {
        Some(given) => {
            command.env("CARGO_ENCODED_RUSTFLAGS", [given, flags.join(SEPARATOR)].join(SEPARATOR));
        }
        None => {
            let flags = Value::from(flags);
            command.arg("--config").arg(format!("target.{TARGET}.rustflags={flags}"));
        }
    }
}

/// Between flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\u{1f}";

/// The folders and their names. Without those that cannot be told: what is wrong then, the build will say.
fn folders(cargo: &OsStr, dir: &Path, more: &[String]) -> Vec<(PathBuf, String)> {
    let mut folders = Vec::new();
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    if let Some(home) = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home) {
        folders.push((home, "/cargo".to_owned()));
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = |program: &OsStr, arguments: &[&str]| {
        let ran = Command::new(program).args(arguments).current_dir(dir).output().ok()?;
        ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let about = said(&rustc, &["-vV"]).unwrap_or_default();
    let commit = about.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    if let (Some(root), Some(commit)) = (said(&rustc, &["--print", "sysroot"]), commit) {
        // The name that they have in the standard library as it is shipped.
        let sources = Path::new(root.trim()).join("lib/rustlib/src/rust");
        folders.push((sources, format!("/rustc/{commit}")));
    }
    let mut words = vec!["metadata", "--format-version", "1", "--filter-platform", TARGET];
    words.extend(more.iter().map(String::as_str).filter(|word| ALIKE.contains(word)));
    let metadata = said(cargo, &words).and_then(|said| serde_json::from_str(&said).ok());
    folders.extend(metadata.iter().filter_map(outside).flatten());
    folders
}

/// Packages that are neither in the plugin's workspace nor from elsewhere. Of what is in the workspace, rustc is told
/// relative paths.
fn outside(metadata: &Value) -> Option<BTreeMap<PathBuf, String>> {
    let workspace = metadata.get("workspace_root")?.as_str()?;
    let packages = metadata.get("packages")?.as_array()?.iter();
    let local = packages.filter(|package| package.get("source").is_none_or(Value::is_null));
    let folders = local.filter_map(|package| {
        let folder = Path::new(package.get("manifest_path")?.as_str()?).parent()?;
        let name = package.get("name")?.as_str()?;
        Some((folder.to_owned(), format!("/local/{name}")))
    });
    Some(folders.filter(|(folder, _)| !folder.starts_with(workspace)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packages_outside_of_the_workspace_get_names_the_inner_folder_last() {
        let package = |name: &str, manifest: &str, source: Option<&str>| json!({"name": name, "manifest_path": manifest, "source": source});
        let metadata = json!({"workspace_root": "/home/ada/plugin", "packages": [
            package("plugin", "/home/ada/plugin/Cargo.toml", None),
            package("part", "/home/ada/plugin/part/Cargo.toml", None),
            package("macros", "/opt/sdk/macros/Cargo.toml", None),
            package("sdk", "/opt/sdk/Cargo.toml", None),
            package("serde", "/home/ada/.cargo/registry/src/x/serde/Cargo.toml", Some("registry")),
        ]});
        let read: Vec<(PathBuf, String)> = outside(&metadata).unwrap().into_iter().collect();
        let expected = [("/opt/sdk", "/local/sdk"), ("/opt/sdk/macros", "/local/macros")];
        assert_eq!(read, expected.map(|(folder, name)| (folder.into(), name.to_owned())));
        assert!(outside(&json!({})).is_none());
    }
}
