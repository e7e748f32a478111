//! Copies compiled plugins to the one place where demo, tests and README look for them.
//!
//! The mistake it stops: a plugin of last week that is still lying there and still gets tested.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::paths;

/// Stages what cargo says it built. Where that is `all` of them, it removes what no member builds any more.
///
/// # Errors
/// When cargo built no plugin, or the folder cannot be written.
pub(super) fn stage(root: &Path, messages: &[String], all: bool) -> Result<Vec<PathBuf>> {
    let folder = paths::staged_plugins(root);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("could not create `{}`", folder.display()))?;
    let built = plugins_built(messages);
    if built.is_empty() {
        bail!("cargo built no plugin: no member of examples/Cargo.toml has crate-type `cdylib`");
    }
    let mut staged = Vec::new();
    let mut names = BTreeSet::<OsString>::new();
    for plugin in built {
        let name = plugin.file_name().context("cargo named an artifact without a file name")?;
        let place = folder.join(name);
        put(&plugin, &place)?;
        names.insert(name.to_owned());
        staged.push(place);
    }
    if !all {
        return Ok(staged);
    }
    for entry in std::fs::read_dir(&folder)?.flatten() {
        let stale = entry.path().extension().is_some_and(|extension| extension == "wasm")
            && !names.contains(&entry.file_name());
        if stale {
            std::fs::remove_file(entry.path())
                .with_context(|| format!("could not remove `{}`", entry.path().display()))?;
        }
    }
    Ok(staged)
}

/// The `.wasm` files among cargo's JSON messages
/// (<https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>).
fn plugins_built(messages: &[String]) -> Vec<PathBuf> {
    let mut plugins: Vec<PathBuf> = messages
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            message.get("reason").and_then(Value::as_str) == Some("compiler-artifact")
        })
        .filter_map(|message| message.get("filenames").and_then(Value::as_array).cloned())
        .flatten()
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .collect();
    plugins.sort();
    plugins.dedup();
    plugins
}

/// Whole or not at all: another demo may be reading the file right now.
fn put(from: &Path, to: &Path) -> Result<()> {
    let bytes =
        std::fs::read(from).with_context(|| format!("could not read `{}`", from.display()))?;
    if std::fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let partial = to.with_extension(format!("partial-{}", std::process::id()));
    std::fs::write(&partial, bytes)
        .with_context(|| format!("could not write `{}`", partial.display()))?;
    std::fs::rename(&partial, to).with_context(|| format!("could not write `{}`", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wasm_files_of_artifact_messages_are_plugins() {
        let messages = [
            r#"{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"]}"#,
            r#"{"reason":"compiler-artifact","filenames":["/t/fix_service.wasm","/t/libfix.rlib"]}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "not json",
        ]
        .map(str::to_owned);
        assert_eq!(plugins_built(&messages), [PathBuf::from("/t/fix_service.wasm")]);
    }

    #[test]
    fn a_plugin_that_is_no_longer_built_disappears() {
        let root = std::env::temp_dir().join(format!("xtask-stage-{}", std::process::id()));
        let folder = paths::staged_plugins(&root);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("gone.wasm"), "old").unwrap();
        std::fs::write(root.join("kept.wasm"), "new").unwrap();
        let message = serde_json::json!({
            "reason": "compiler-artifact",
            "filenames": [root.join("kept.wasm")],
        });
        let staged = stage(&root, &[message.to_string()], false).unwrap();
        assert_eq!(staged, [folder.join("kept.wasm")]);
        assert!(folder.join("gone.wasm").exists(), "one that was not asked for");
        let staged = stage(&root, &[message.to_string()], true).unwrap();
        assert_eq!(staged, [folder.join("kept.wasm")]);
        assert!(!folder.join("gone.wasm").exists());
        assert_eq!(std::fs::read(folder.join("kept.wasm")).unwrap(), b"new");
        assert!(
            stage(&root, &[], true).is_err(),
            "nothing built is an error, not an empty success"
        );
        std::fs::remove_dir_all(root).unwrap();
    }
}
