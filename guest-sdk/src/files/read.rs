//! Looking. Class `read`: nothing here changes anything.
//!
//! Every function fails with [`Error::Denied`] where the host refuses, and with [`Error::NotFound`] where there is no
//! such folder or file; in both nothing was done.

use super::{Error, Info, Listing, ours};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::files::read as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::files::read as host;

/// The interface's full name, for `#[tool(uses(read))]`.
pub const INTERFACE: &str = "interlock:files/read@0.1.0";

/// The names at the top of a folder, at most 500, those after `after`.
///
/// # Errors
/// As the module says.
pub fn list_root(folder: &str, after: Option<&str>) -> Result<Listing, Error> {
    ours(host::list_root(folder, after))
}

/// The names in a folder below it, at most 500, those after `after`.
///
/// # Errors
/// As the module says.
pub fn list_folder(folder: &str, path: &str, after: Option<&str>) -> Result<Listing, Error> {
    ours(host::list_folder(folder, path, after))
}

/// What is there.
///
/// # Errors
/// As the module says.
pub fn stat(folder: &str, path: &str) -> Result<Info, Error> {
    ours(host::stat(folder, path))
}

/// A whole file, which must be UTF-8 and not larger than the folder's limit.
///
/// # Errors
/// As the module says.
pub fn read_text(folder: &str, path: &str) -> Result<String, Error> {
    ours(host::read_text(folder, path))
}
