//! Taking away. Class `destroy`: it happens only after people approved exactly that request.
//!
//! A plugin that calls this imports `remove`, and a host that was not told to grant that refuses the whole
//! plugin before any of it runs. Errors are those of [`super::send`].

use super::{Error, Request, ours, theirs};
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::interlock::http::remove as host;
#[cfg(not(target_family = "wasm"))]
use crate::testing::remove as host;

/// The interface's full name, for `#[tool(uses(remove))]`.
pub const INTERFACE: &str = "interlock:http/remove@0.1.0";

/// A DELETE request.
///
/// # Errors
/// As the module says.
pub fn delete(request: impl Into<Request>) -> Result<(), Error> {
    let Request { endpoint, path, query, headers } = request.into();
    ours(host::delete(&endpoint, &path, &theirs(query), &theirs(headers)))
}
