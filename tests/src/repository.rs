//! What tests read of the checkout: files, and Cargo's account of the workspace.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The text of a file, by its path from the root.
///
/// # Errors
/// When it cannot be read as UTF-8.
pub fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| format!("could not read `{path}`"))
}

/// A compiled example plugin, by its file name without `.wasm`, for example `fix_service`.
///
/// # Errors
/// When it has not been built: a missing plugin is a failure, never a skipped test.
pub fn staged_plugin(name: &str) -> Result<PathBuf> {
    let path = root().join("examples/target/plugins").join(format!("{name}.wasm"));
    if !path.is_file() {
        bail!("the plugin `{name}.wasm` is not staged: run `cargo xtask guests`");
    }
    Ok(path)
}

/// Cargo's own account of the workspace, from the lock file and without a network.
///
/// # Errors
/// When the lock file is stale, or a crate has not been downloaded.
pub fn metadata() -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    // Without a platform cargo wants the sources of Windows-only crates too, and they are not here.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--locked", "--offline", "--filter-platform", platform.as_str()];
    command.other_options(options.map(str::to_owned));
    command.exec().context("could not read cargo metadata")
}
