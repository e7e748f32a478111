//! Keeping. Class `change`.

use super::{Error, ours};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::kv::write as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::kv::write as host;

/// The interface's full name, for `#[tool(uses(write))]`.
pub const INTERFACE: &str = "interlock:kv/write@0.1.0";

/// Gives a key this value, whatever it had.
///
/// # Errors
/// [`Error::Denied`] where the host refuses, [`Error::Full`] where a bound of the host is reached,
/// [`Error::Conflict`] where the key changed meanwhile; in all of them nothing was done.
pub fn set(key: &str, value: &str) -> Result<(), Error> {
    ours(host::set(key, value))
}

/// The same if the key has the expected value now; `None` is that it has no value.
///
/// # Errors
/// As [`set`]; [`Error::Conflict`] where it has another value.
pub fn set_if(key: &str, expected: Option<&str>, value: &str) -> Result<(), Error> {
    ours(host::set_if(key, expected, value))
}
