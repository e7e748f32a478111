//! Taking away. Class `destroy`: only what people approved happens.
//!
//! Every function fails with [`Error::Denied`] where the host refuses, and with [`Error::NotFound`] where there is no
//! such folder or file; in both nothing was done.

use super::{Error, ours};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::files::remove as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::files::remove as host;

/// The interface's full name, for `#[tool(uses(remove))]`.
pub const INTERFACE: &str = "interlock:files/remove@0.1.0";

/// Deletes one file.
///
/// # Errors
/// As the module says.
pub fn delete_file(folder: &str, path: &str) -> Result<(), Error> {
    ours(host::delete_file(folder, path))
}

/// Deletes one empty folder.
///
/// # Errors
/// As the module says.
pub fn delete_folder(folder: &str, path: &str) -> Result<(), Error> {
    ours(host::delete_folder(folder, path))
}
