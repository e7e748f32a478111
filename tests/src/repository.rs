//! Files of the checkout that tests read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

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
