//! Forgetting. Class `destroy`: it happens only after people approved exactly that.
//!
//! A plugin that calls this imports `remove`, and a host that was not told to grant that refuses the whole
//! plugin before any of it runs.

use super::{Error, ours};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::kv::remove as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::kv::remove as host;

/// The interface's full name, for `#[tool(uses(remove))]`.
pub const INTERFACE: &str = "interlock:kv/remove@0.1.0";

/// Deletes a key with its value; whether it had one.
///
/// # Errors
/// As [`super::write::set`].
pub fn delete(key: &str) -> Result<bool, Error> {
    ours(host::delete(key))
}
