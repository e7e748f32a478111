//! Writing. Class `change`: files are replaced as a whole, so whoever reads sees the old or the new one.
//!
//! Every function fails with [`Error::Denied`] where the host refuses, and with [`Error::NotFound`] where there is no
//! such folder or file; in both nothing was done.

use super::{Error, ours};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::files::write as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::files::write as host;

/// The interface's full name, for `#[tool(uses(write))]`.
pub const INTERFACE: &str = "interlock:files/write@0.1.0";

/// Writes a whole file, new or in place of the old one. Its folder must be there.
///
/// # Errors
/// As the module says.
pub fn write_text(folder: &str, path: &str, content: &str) -> Result<(), Error> {
    ours(host::write_text(folder, path, content))
}

/// Writes the file again with more at its end; a new file where there is none.
///
/// # Errors
/// As the module says.
pub fn append_text(folder: &str, path: &str, content: &str) -> Result<(), Error> {
    ours(host::append_text(folder, path, content))
}

/// Makes a folder. Does nothing where there is one.
///
/// # Errors
/// As the module says.
pub fn make_folder(folder: &str, path: &str) -> Result<(), Error> {
    ours(host::make_folder(folder, path))
}
