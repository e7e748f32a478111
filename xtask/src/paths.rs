//! Where things are in the checkout. One file, so that demo, tests and README mean the same places.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the checkout: the folder that has this package in it.
///
/// # Errors
/// When there is none above the program's package, which cannot be said of a checkout.
pub fn root() -> Result<PathBuf> {
    // `cargo run` sets the variable; the compiled-in value serves a binary started by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = package.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
    Ok(root.context("the xtask folder has no parent directory")?.to_path_buf())
}

/// The manifest of the guest workspace.
pub fn examples_manifest(root: &Path) -> PathBuf {
    root.join("examples").join("Cargo.toml")
}

/// Where guests are compiled: apart from the host's target directory, so that neither waits for the other.
pub fn examples_target(root: &Path) -> PathBuf {
    root.join("examples").join("target")
}

/// The one place where compiled plugins are found by the demo, the tests and a reader of the README.
pub fn staged_plugins(root: &Path) -> PathBuf {
    examples_target(root).join("plugins")
}

/// Full output of each step, for reading after a failure.
pub fn logs(root: &Path) -> PathBuf {
    root.join("target").join("xtask")
}
