//! Looking. Class `read`: nothing here changes anything.

use super::{Error, Page, ours};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::kv::read as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::kv::read as host;

/// The interface's full name, for `#[tool(uses(read))]`.
pub const INTERFACE: &str = "interlock:kv/read@0.1.0";

/// The value of a key, where it has one.
///
/// # Errors
/// [`Error::Denied`] where the host refuses, [`Error::Failed`] where it cannot tell.
pub fn get(key: &str) -> Result<Option<String>, Error> {
    ours(host::get(key))
}

/// The keys below a folder, from 1 to 1000 of them, after the given one.
///
/// # Errors
/// As [`get`].
pub fn keys(folder: &str, after: Option<&str>, most: u32) -> Result<Page, Error> {
    ours(host::keys(folder, after, most))
}

/// All keys of the plugin, in the same way.
///
/// # Errors
/// As [`get`].
pub fn all_keys(after: Option<&str>, most: u32) -> Result<Page, Error> {
    ours(host::all_keys(after, most))
}
